//! The sync machine of a device, sans-IO: frames, pages and troubles go in; the copy changes; wishes come out.
//!
//! ```text
//! Opening ──sign_on──► Following ──operations──► Following          each at local revision + 1, else a hole: sync anew
//!    ▲                    │ full_sync
//!    │                    ▼
//!    └─────────────── Fetching {R, token}: pages of all categories, each from R or later, then one transaction:
//!                     the copy is replaced, its position is R; opened again with the token
//! ```
//! `replaced` and `revoked` end it. What it cannot read advances the revision and has its category fetched again.

mod fetch;
mod operation;

use denrei_model::id::AccountId;
use denrei_model::operation::Category;
use denrei_model::wire::Position;
use denrei_model::wire::frame::{Frame, FullSync, Operations, SignOn};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::state::LocalState;
use crate::store::{LocalStore, StoreError};
use fetch::Fetching;

pub use operation::{OperationError, RawOperation, apply_raw};

/// What the machine wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum Wish {
    /// Open a stream from here; an open one is to be dropped.
    Open {
        /// Where the copy stands; absent on a device that has nothing.
        position: Option<Position>,
        /// From the last FullSync.
        resume: Option<String>,
    },
    /// Fetch a page of a category.
    Fetch {
        /// Which.
        category: Category,
        /// `next` of the page before.
        after: Option<String>,
    },
    /// Open again after this many milliseconds.
    Wait(u64),
    /// Do not connect again: another stream of the device took over.
    Rest,
    /// The device was logged out.
    LogOut,
}

/// Why something that came makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// A line or page is not what the protocol has.
    #[error("cannot be read: {0}")]
    Malformed(String),
    /// The copy cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a frame did, for those who watch.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    /// The stream is there.
    SignedOn(SignOn),
    /// Operations were applied, up to this position.
    Applied(Position),
    /// A revision was missing; the stream is opened anew.
    Hole,
    /// Snapshots are to be taken.
    FullSync(FullSync),
    /// Where the server stands.
    Head(Position),
    /// Something else.
    Other,
}

enum Phase {
    Following,
    Fetching(Box<Fetching>),
    Over,
}

/// The machine of one device.
pub struct Machine<S> {
    account: AccountId,
    state: LocalState,
    store: S,
    phase: Phase,
    resume: Option<String>,
    full_syncs: u64,
}

impl<S: LocalStore> Machine<S> {
    /// A machine for the copy that the store has. A damaged one counts as none; ask for `corruption` then.
    pub fn new(account: AccountId, mut store: S) -> Self {
        let state = store.load().ok().flatten().unwrap_or_default();
        Self { account, state, store, phase: Phase::Following, resume: None, full_syncs: 0 }
    }

    /// The copy.
    pub const fn state(&self) -> &LocalState {
        &self.state
    }

    /// How many FullSyncs were taken.
    pub const fn full_syncs(&self) -> u64 {
        self.full_syncs
    }

    /// What is wanted now: at the start, and after a connection was lost.
    pub fn wish(&self) -> Wish {
        match &self.phase {
            Phase::Following => Wish::Open { position: self.state.position, resume: self.resume.clone() },
            Phase::Fetching(fetching) => fetching.wish(),
            Phase::Over => Wish::Rest,
        }
    }

    /// The device finds that its copy is damaged: everything is fetched anew.
    pub fn corrupted(&mut self) -> Wish {
        self.state = LocalState::default();
        self.wish()
    }

    /// Takes one line of a stream.
    ///
    /// # Errors
    /// See [`MachineError`]; the stream should be opened anew.
    pub fn line(&mut self, line: &str) -> Result<(Seen, Option<Wish>), MachineError> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            frame: &'a str,
        }
        let malformed = |error: serde_json::Error| MachineError::Malformed(error.to_string());
        let kind: Kind<'_> = serde_json::from_str(line).map_err(malformed)?;
        if kind.frame == "operations" {
            return self.operations(line);
        }
        // Frames of kinds that are not known yet are passed over.
        let Ok(frame) = serde_json::from_str::<Frame>(line) else { return Ok((Seen::Other, None)) };
        Ok(match frame {
            Frame::SignOn(sign_on) => {
                self.resume = None;
                (Seen::SignedOn(sign_on), None)
            }
            Frame::FullSync(full_sync) => {
                let fetching = Fetching::new(full_sync.clone());
                let wish = fetching.wish();
                self.phase = Phase::Fetching(Box::new(fetching));
                (Seen::FullSync(full_sync), Some(wish))
            }
            Frame::Heartbeat(heartbeat) => (Seen::Head(heartbeat.head), None),
            Frame::Notify(notify) => {
                self.state.apply(&notify.payload, self.account);
                (Seen::Other, None)
            }
            Frame::Replaced => {
                self.phase = Phase::Over;
                (Seen::Other, Some(Wish::Rest))
            }
            Frame::Revoked => {
                self.phase = Phase::Over;
                (Seen::Other, Some(Wish::LogOut))
            }
            Frame::Reconnect(reconnect) => (Seen::Other, Some(Wish::Wait(reconnect.after_ms))),
            Frame::Operations(operations) => return self.operations_of(&operations),
        })
    }

    fn operations_of(&mut self, operations: &Operations) -> Result<(Seen, Option<Wish>), MachineError> {
        let malformed = |error: serde_json::Error| MachineError::Malformed(error.to_string());
        let line = serde_json::to_string(&Frame::Operations(operations.clone())).map_err(malformed)?;
        self.operations(&line)
    }

    /// Applies operations that follow each other from the local revision on; anything else is a hole.
    fn operations(&mut self, line: &str) -> Result<(Seen, Option<Wish>), MachineError> {
        #[derive(Deserialize)]
        struct Page<'a> {
            log_id: denrei_model::LogId,
            #[serde(borrow)]
            operations: Vec<&'a RawValue>,
        }
        let malformed = |error: serde_json::Error| MachineError::Malformed(error.to_string());
        let page: Page<'_> = serde_json::from_str(line).map_err(malformed)?;
        let Some(mut position) = self.state.position.filter(|position| position.log_id == page.log_id) else {
            return Ok((Seen::Hole, Some(self.wish())));
        };
        let mut applied = Vec::with_capacity(page.operations.len());
        let mut unread = None;
        for raw in page.operations {
            let head = RawOperation::read(raw).map_err(malformed)?;
            if head.revision <= position.revision {
                continue;
            }
            if head.revision != position.revision.next() {
                return Ok((Seen::Hole, Some(self.wish())));
            }
            match apply_raw(&mut self.state, raw, self.account) {
                Ok(()) => {}
                Err(OperationError::Unknown(category)) => unread = Some(category),
                Err(OperationError::Malformed(reason)) => return Err(MachineError::Malformed(reason)),
            }
            (position.revision, position.tag) = (head.revision, head.tag);
            self.state.position = Some(position);
            applied.push(raw);
        }
        self.store.append(&applied, position)?;
        // An operation of a kind that is not known: its category is fetched, and with it the rest.
        let wish = unread.map(|_| Wish::Open { position: None, resume: None });
        if wish.is_some() {
            self.state.position = None;
        }
        Ok((Seen::Applied(position), wish))
    }

    /// Takes a page of a snapshot that was asked for.
    ///
    /// # Errors
    /// See [`MachineError`]; the page should be fetched again.
    pub fn page(&mut self, category: Category, body: &str) -> Result<Wish, MachineError> {
        let Phase::Fetching(fetching) = &mut self.phase else { return Ok(self.wish()) };
        let Some(snapshot) = fetching.page(category, body).map_err(MachineError::Malformed)? else {
            return Ok(fetching.wish());
        };
        let FullSync { position, resume_token, .. } = fetching.full_sync().clone();
        self.state.replace(snapshot, position);
        self.store.replace(&self.state)?;
        self.resume = Some(resume_token);
        self.full_syncs += 1;
        self.phase = Phase::Following;
        Ok(self.wish())
    }
}

#[cfg(test)]
mod tests;
