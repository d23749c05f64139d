//! The machine itself: what each frame and page does to the copy, and what is wanted then.

use denrei_model::LogId;
use denrei_model::id::AccountId;
use denrei_model::operation::Category;
use denrei_model::position::Revision;
use denrei_model::wire::Position;
use denrei_model::wire::frame::{Frame, FullSync, FullSyncReason};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fetch::{Fetching, Purpose};
use super::operation::{OperationError, RawOperation, apply_raw};
use super::{MachineError, Seen, Wish};
use crate::state::LocalState;
use crate::store::{LocalStore, StoreError};

enum Phase {
    Following,
    Asking(FullSyncReason),
    Fetching(Box<Fetching>),
    Over,
}

/// The machine of one device.
pub struct Machine<S> {
    account: AccountId,
    state: LocalState,
    store: S,
    phase: Phase,
    /// The token of the last FullSync and where that left the copy: it is good from there on, until the copy has caught up.
    resume: Option<(Position, String)>,
    full_syncs: u64,
    /// The store did not take a transaction: the next one writes the whole copy.
    unsaved: bool,
    /// Where the copy stood when a heartbeat last said that there is more.
    behind_at: Option<Revision>,
}

type Taken = Result<(Seen, Option<Wish>), MachineError>;

#[derive(Deserialize)]
struct Kind<'a> {
    frame: &'a str,
}

#[derive(Deserialize)]
struct Page<'a> {
    log_id: LogId,
    #[serde(borrow)]
    operations: Vec<&'a RawValue>,
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, MachineError> {
    serde_json::from_str(text).map_err(|error| MachineError::Malformed(error.to_string()))
}

impl<S: LocalStore> Machine<S> {
    /// A machine for the copy that the store has. For one that cannot be read, a FullSync is asked for.
    pub fn new(account: AccountId, mut store: S) -> Self {
        let (state, phase) = match store.load() {
            Ok(state) => (state.unwrap_or_default(), Phase::Following),
            Err(error) => {
                tracing::warn!(%account, %error, "the local copy is given up");
                (LocalState::default(), Phase::Asking(FullSyncReason::Corruption))
            }
        };
        Self { account, state, store, phase, resume: None, full_syncs: 0, unsaved: false, behind_at: None }
    }

    /// The copy.
    pub const fn state(&self) -> &LocalState {
        &self.state
    }

    /// Forgets all but the newest messages of each chat. What the store has is not touched.
    pub fn drop_older(&mut self, newest: usize) {
        self.state.drop_older(newest);
    }

    /// How many FullSyncs were taken.
    pub const fn full_syncs(&self) -> u64 {
        self.full_syncs
    }

    /// What is wanted now: at the start, and after a connection was lost.
    pub fn wish(&self) -> Wish {
        match &self.phase {
            Phase::Asking(reason) => Wish::Ask(*reason),
            Phase::Over => Wish::Rest,
            Phase::Following => self.open(),
            Phase::Fetching(fetching) => fetching.wish().unwrap_or_else(|| self.open()),
        }
    }

    fn open(&self) -> Wish {
        let position = self.state.position;
        let of_log = |at: &Position| position.is_some_and(|position| position.log_id == at.log_id);
        let resume = self.resume.as_ref().filter(|(at, _)| of_log(at));
        Wish::Open { position, resume: resume.map(|(_, token)| token.clone()) }
    }

    /// The device finds that its copy is damaged: everything is fetched anew.
    pub fn corrupted(&mut self) -> Wish {
        self.state = LocalState::default();
        self.phase = Phase::Asking(FullSyncReason::Corruption);
        self.wish()
    }

    /// Takes one line of a stream, or the answer of a sync.
    ///
    /// # Errors
    /// See [`MachineError`]; the stream should be opened anew.
    pub fn line(&mut self, line: &str) -> Taken {
        let kind: Kind<'_> = read(line)?;
        if kind.frame == "operations" {
            return self.operations(line);
        }
        // Frames of kinds that are not known yet are passed over.
        let Ok(frame) = serde_json::from_str::<Frame>(line) else { return Ok((Seen::Other, None)) };
        Ok(match frame {
            Frame::SignOn(sign_on) if sign_on.account != self.account => {
                return Err(MachineError::Malformed(format!("a stream of {}", sign_on.account)));
            }
            Frame::SignOn(sign_on) => (Seen::SignedOn(sign_on), None),
            Frame::FullSync(full_sync) => (Seen::FullSync(full_sync.clone()), Some(self.begin(full_sync))),
            Frame::Heartbeat(heartbeat) => self.head(heartbeat.head),
            Frame::Notify(notify) => {
                self.state.apply(&notify.payload, self.account);
                (Seen::Other, None)
            }
            Frame::Replaced => self.over(Wish::Rest),
            Frame::Revoked => self.over(Wish::LogOut),
            Frame::Reconnect(reconnect) => (Seen::Other, Some(Wish::Wait(reconnect.after_ms))),
            Frame::Operations(_) => (Seen::Other, None),
        })
    }

    fn over(&mut self, wish: Wish) -> (Seen, Option<Wish>) {
        self.phase = Phase::Over;
        (Seen::Other, Some(wish))
    }

    fn begin(&mut self, full_sync: FullSync) -> Wish {
        self.phase = Phase::Fetching(Box::new(Fetching::new(Purpose::FullSync(full_sync))));
        self.wish()
    }

    /// A server that says twice that there is more, and sends nothing, is asked anew; so is one that is elsewhere.
    fn head(&mut self, head: Position) -> (Seen, Option<Wish>) {
        let Some(local) = self.state.position.filter(|_| matches!(self.phase, Phase::Following)) else {
            return (Seen::Head(head), None);
        };
        let elsewhere =
            head.log_id != local.log_id || (head.revision == local.revision && head.tag != local.tag);
        let behind = head.revision > local.revision;
        let still_behind = behind && self.behind_at == Some(local.revision);
        if elsewhere || still_behind {
            self.behind_at = None;
            return (Seen::Hole, Some(self.wish()));
        }
        self.behind_at = behind.then_some(local.revision);
        if !behind {
            // What the token was for is done.
            self.resume = None;
        }
        (Seen::Head(head), None)
    }

    /// Applies operations that follow each other from the local revision on; anything else is a hole.
    fn operations(&mut self, line: &str) -> Taken {
        let page: Page<'_> = read(line)?;
        let mut heads = Vec::with_capacity(page.operations.len());
        for raw in page.operations {
            heads.push((read::<RawOperation>(raw.get())?, raw));
        }
        if !matches!(self.phase, Phase::Following) {
            return Ok((Seen::Other, Some(self.wish())));
        }
        let Some(mut position) = self.state.position.filter(|position| position.log_id == page.log_id) else {
            return Ok((Seen::Hole, Some(self.wish())));
        };
        let (mut applied, mut unknown, mut hole) = (Vec::with_capacity(heads.len()), Vec::new(), false);
        for (head, raw) in heads {
            if head.revision <= position.revision {
                continue;
            }
            hole = head.revision != position.revision.next();
            if hole {
                break;
            }
            match apply_raw(&mut self.state, raw, self.account) {
                Ok(()) => {}
                Err(OperationError::Unknown(category)) if unknown.contains(&category) => {}
                Err(OperationError::Unknown(category)) => unknown.push(category),
                Err(OperationError::Malformed(reason)) => return Err(MachineError::Malformed(reason)),
            }
            // What follows an unknown one is kept together with the category that is to be fetched.
            if unknown.is_empty() {
                applied.push(raw);
                (position.revision, position.tag) = (head.revision, head.tag);
                self.state.position = Some(position);
            } else {
                (position.revision, position.tag) = (head.revision, head.tag);
            }
        }
        self.keep(&applied)?;
        if !unknown.is_empty() {
            let purpose = Purpose::Unknown(unknown, position);
            self.phase = Phase::Fetching(Box::new(Fetching::new(purpose)));
            return Ok((Seen::Applied(position), Some(self.wish())));
        }
        if hole {
            return Ok((Seen::Hole, Some(self.wish())));
        }
        Ok((Seen::Applied(position), None))
    }

    fn keep(&mut self, applied: &[&RawValue]) -> Result<(), StoreError> {
        let Some(position) = self.state.position.filter(|_| !applied.is_empty()) else { return Ok(()) };
        if self.unsaved {
            return self.keep_all();
        }
        let kept = self.store.append(applied, position);
        self.unsaved = kept.is_err();
        kept
    }

    fn keep_all(&mut self) -> Result<(), StoreError> {
        let kept = self.store.replace(&self.state);
        self.unsaved = kept.is_err();
        kept
    }

    /// Takes a page of a snapshot that was asked for.
    ///
    /// # Errors
    /// See [`MachineError`]; look at [`Self::wish`] after a moment.
    pub fn page(&mut self, category: Category, body: &str) -> Result<Wish, MachineError> {
        let Phase::Fetching(fetching) = &mut self.phase else { return Ok(self.wish()) };
        let purpose = fetching.purpose().clone();
        let snapshot = match fetching.page(category, body) {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => return Ok(self.wish()),
            Err(MachineError::Stale) => {
                // The copy stands where it stood before: whatever was to be fetched will be asked for again.
                self.phase = Phase::Following;
                return Err(MachineError::Stale);
            }
            Err(error) => return Err(error),
        };
        self.phase = Phase::Following;
        match purpose {
            Purpose::FullSync(FullSync { position, resume_token, .. }) => {
                self.state.replace(snapshot, position);
                self.resume = Some((position, resume_token));
                self.full_syncs += 1;
            }
            Purpose::Unknown(categories, position) => {
                self.state.replace_some(&categories, snapshot);
                self.state.position = Some(position);
            }
        }
        self.keep_all()?;
        Ok(self.wish())
    }
}
