//! What people do: they send messages, and change chats. All of it is noted with its answer.

use std::time::Duration;

use denrei_model::wire::message::{MessageDraft, Recipient, SendRequest};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Stage, score, stamp};
use crate::device::{Device, LinkError, SendOutcome, Sending};
use crate::transport::{Answer, Call};

/// Refusals kept in words; the rest is counted.
const REFUSALS: usize = 20;

/// A message to send.
pub(crate) struct Said {
    pub(crate) number: usize,
    pub(crate) to: Recipient,
    /// When it is due, in open loop.
    pub(crate) due: Option<Duration>,
    /// Whether the text holds the time from which its delivery counts.
    pub(crate) stamped: bool,
}

/// Something else to do.
pub(crate) struct Change {
    /// What it is, in a word.
    pub(crate) name: &'static str,
    /// Its number: no other change of this run has it.
    pub(crate) number: usize,
    pub(crate) call: Call,
    /// When it is due, in open loop.
    pub(crate) due: Option<Duration>,
}

impl Stage {
    /// The number of one more message that is to be sent.
    pub(crate) fn next_message(&self) -> usize {
        self.score.begun.replace(self.score.begun.get() + 1)
    }

    /// Sends a message, however often it takes, and notes what came of it.
    pub(crate) async fn send(&self, device: &Device, said: Said) -> Result<SendOutcome, LinkError> {
        let Said { number, to, due, stamped } = said;
        let mut text = format!("message {number} of seed {}", self.options.seed);
        if stamped {
            text = stamp::stamped(&text, due.unwrap_or_else(|| self.watch.now()));
        }
        let message = MessageDraft::Text { text, reply_to: None, mentions: Vec::new() };
        let sending = Sending { key: self.key(&number.to_string()), request: SendRequest { to, message } };
        let outcome = device.send(&sending).await?;
        self.note_send(device, &sending, &outcome);
        self.score.answered(outcome.attempts, score::latency(due, outcome.took, self.watch.now()));
        self.score.done.set(self.score.done.get() + 1);
        self.progress.inc(1);
        Ok(outcome)
    }

    fn note_send(&self, device: &Device, sending: &Sending, outcome: &SendOutcome) {
        let credentials = device.credentials();
        let line = json!({
            "at": self.watch.wall_ms(),
            "account": credentials.account,
            "device": credentials.device,
            "key": sending.key,
            "request": sending.request,
            "attempts": outcome.attempts,
            "status": outcome.status,
            "answer": serde_json::from_str::<Value>(&outcome.body).ok(),
        });
        self.sends.raw(format_args!("{line}"));
        let settled = if outcome.answer.is_some() { &self.score.acknowledged } else { &self.score.refused };
        settled.set(settled.get() + 1);
        if outcome.answer.is_none() {
            self.refusal("send", outcome.status, &outcome.body);
        }
    }

    /// Does something else, however often it takes, and notes what came of it. None if it was refused.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        device: &Device,
        change: Change,
    ) -> Result<Option<T>, LinkError> {
        let Change { name, number, call, due } = change;
        let key = self.key(&format!("change-{number}"));
        let began = self.watch.now();
        let answer = device.ask(&call.key(&key)).await?;
        let now = self.watch.now();
        self.note_change(device, (name, &key), &answer);
        if !answer.is_ok() {
            self.refusal(name, answer.status, &answer.body);
            return Ok(None);
        }
        *self.score.changes.borrow_mut().entry(name).or_default() += 1;
        self.score.changing.note(score::latency(due, now.saturating_sub(began), now));
        granted(&answer).map(Some)
    }

    fn note_change(&self, device: &Device, (name, key): (&str, &str), answer: &Answer) {
        let credentials = device.credentials();
        let line = json!({
            "at": self.watch.wall_ms(),
            "account": credentials.account,
            "device": credentials.device,
            "key": key,
            "change": name,
            "status": answer.status,
            "answer": serde_json::from_str::<Value>(&answer.body).ok(),
        });
        self.changes.raw(format_args!("{line}"));
    }

    fn refusal(&self, what: &str, status: u16, body: &str) {
        let mut refusals = self.score.refusals.borrow_mut();
        if refusals.len() < REFUSALS {
            refusals.push(format!("{what} was refused with {status}: {body}"));
        }
    }
}

/// The body of an answer that grants.
pub(super) fn granted<T: DeserializeOwned>(answer: &Answer) -> Result<T, LinkError> {
    let refused = || LinkError::Refused { status: answer.status, body: answer.body.clone() };
    if answer.is_ok() { answer.json().map_err(|_| refused()) } else { Err(refused()) }
}
