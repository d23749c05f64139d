//! Sending: with a key, again and again with the same, until the node has answered.

use std::time::Duration;

use denrei_model::wire::message::{SendAnswer, SendRequest};
use tokio::time::sleep;

use super::{Device, LinkError};
use crate::transport::Call;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Sending {
    /// The idempotency key.
    pub key: String,
    /// What is sent.
    pub request: SendRequest,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct SendOutcome {
    /// How often it was sent.
    pub attempts: u32,
    /// From the first attempt to the answer.
    pub took: Duration,
    /// HTTP status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub body: String,
    /// What a granted one says.
    pub answer: Option<SendAnswer>,
}

impl Device {
    /// Sends a message until there is an answer that settles it.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn send(&self, sending: &Sending) -> Result<SendOutcome, LinkError> {
        let call = Call::post("/v1/messages", &sending.request).key(&sending.key);
        let started = self.link.watch.now();
        let mut attempts = 0;
        loop {
            let token = self.credentials.borrow().access_token.clone();
            attempts += 1;
            let Some(answer) = self.try_ask(&call.clone().bearer(&token)).await? else { continue };
            match answer.status {
                401 => self.renew(&token).await?,
                429 | 503 => sleep(answer.retry_after.unwrap_or(Duration::from_millis(200))).await,
                status => {
                    let took = self.link.watch.now().saturating_sub(started);
                    let granted = answer.json().ok().filter(|_| answer.is_ok());
                    return Ok(SendOutcome { attempts, took, status, body: answer.body, answer: granted });
                }
            }
        }
    }
}
