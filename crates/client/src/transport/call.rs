//! Calls: a request and its whole answer.

use std::time::Duration;

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{Connection, Lines};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(40);
/// Largest answer that is taken.
const MAX_BODY: usize = 64 * 1024 * 1024;

pub use http::Method;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    token: Option<String>,
    key: Option<String>,
    body: Bytes,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, as text.
    pub body: String,
    /// From `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer; whether the request was done is not known.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The connection broke.
    #[error(transparent)]
    Http(#[from] h2::Error),
    /// No answer came in time.
    #[error("no answer within {ANSWER:?}")]
    TimedOut,
    /// The request is malformed, or the answer too large or no text.
    #[error("{0}")]
    Malformed(String),
}

impl Call {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), token: None, key: None, body: Bytes::new() }
    }

    /// `GET`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// `POST` of JSON.
    #[must_use]
    pub fn post(path: impl Into<String>, body: &impl Serialize) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        // Bodies are structs with string keys: writing them to memory cannot fail.
        self.body = serde_json::to_vec(body).map(Bytes::from).unwrap_or_default();
        self
    }

    /// With an access token.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.token = Some(format!("Bearer {token}"));
        self
    }

    /// With an idempotency key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The body that it sends, as text.
    #[must_use]
    pub fn body_text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    fn request(&self, base: &str) -> Result<Request<()>, CallError> {
        let mut request = Request::builder().method(&self.method).uri(format!("{base}{}", self.path));
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        if !self.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        request.body(()).map_err(|error| CallError::Malformed(error.to_string()))
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`CallError::Malformed`] if it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_str(&self.body)
            .map_err(|error| CallError::Malformed(format!("{error}: {}", self.body)))
    }

    /// Whether it is a success.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

impl Connection {
    /// Asks and waits for the whole answer.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        let answered = async {
            let response = self.send(call).await?;
            let status = response.status().as_u16();
            let after =
                response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let body = collect(response.into_body()).await?;
            Ok(Answer { status, body, retry_after: after.map(Duration::from_secs) })
        };
        timeout(ANSWER, answered).await.map_err(|_| CallError::TimedOut)?
    }

    /// Opens a stream of lines; the answer if it is no success.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn lines(&self, call: &Call) -> Result<Result<Lines, Answer>, CallError> {
        let response = timeout(ANSWER, self.send(call)).await.map_err(|_| CallError::TimedOut)??;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(Ok(Lines::new(response.into_body())));
        }
        let body = collect(response.into_body()).await?;
        Ok(Err(Answer { status, body, retry_after: None }))
    }

    async fn send(&self, call: &Call) -> Result<Response<RecvStream>, CallError> {
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut stream) = sender.send_request(call.request(&self.base)?, call.body.is_empty())?;
        if !call.body.is_empty() {
            write(&mut stream, call.body.clone()).await?;
        }
        Ok(response.await?)
    }
}

/// Sends a body as the node makes room for it.
async fn write(stream: &mut SendStream<Bytes>, mut body: Bytes) -> Result<(), CallError> {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let Some(room) = room.transpose()? else { return Ok(()) };
        let part = body.split_to(room.min(body.len()));
        stream.send_data(part, body.is_empty())?;
    }
    Ok(())
}

async fn collect(mut body: RecvStream) -> Result<String, CallError> {
    let mut whole = Vec::new();
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        whole.extend_from_slice(&part);
        if whole.len() > MAX_BODY {
            return Err(CallError::Malformed("the answer is too large".to_owned()));
        }
    }
    String::from_utf8(whole).map_err(|error| CallError::Malformed(error.to_string()))
}
