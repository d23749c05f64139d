//! What hubs tell of their streams to admins.

use denrei_actors::session::StreamId;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::position::Revision;
use serde::Serialize;

use super::device::StreamState;

/// Which streams are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Those of one account.
    pub account: Option<AccountId>,
    /// Those with a higher id: where the page before ended.
    pub after: Option<u64>,
    /// No more than so many.
    pub most: usize,
}

impl Wanted {
    pub(super) fn is(&self, StreamId(stream): StreamId, account: AccountId) -> bool {
        self.account.is_none_or(|wanted| wanted == account) && self.after.is_none_or(|after| stream > after)
    }
}

/// What a hub knows of a stream.
#[derive(Clone, Debug, Serialize)]
pub struct StreamReport {
    /// The stream.
    pub stream: u64,
    /// Whose.
    pub account: AccountId,
    /// Of which device.
    pub device: DeviceId,
    /// The revision up to which it was given; absent before it signed on.
    pub revision: Option<Revision>,
    /// How long it has been open. Milliseconds.
    pub age_ms: u64,
    /// How long ago something was last written to it. Milliseconds.
    pub quiet_ms: u64,
    /// Bytes that wait to be written.
    pub outbox_bytes: usize,
    /// Whether its log is being read.
    pub reading: bool,
}

impl StreamReport {
    pub(super) fn of(StreamId(stream): StreamId, state: &StreamState, now: u64) -> Self {
        Self {
            stream,
            account: state.account,
            device: state.device,
            revision: state.cursor.map(|cursor| cursor.revision),
            age_ms: now.saturating_sub(state.opened),
            quiet_ms: now.saturating_sub(state.written),
            outbox_bytes: state.outbox.borrow().bytes(),
            reading: state.reading,
        }
    }
}

/// Streams of one hub or of several: of those asked for no more than the caller wants to hear of.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StreamsReport {
    /// How many are open, long-polls included.
    pub open: usize,
    /// How many of those are asked for, after where the page before ended.
    pub matching: usize,
    /// The first of them by id.
    pub streams: Vec<StreamReport>,
}

impl StreamsReport {
    /// Adds those of another hub.
    pub(super) fn add(&mut self, other: Self) {
        self.open += other.open;
        self.matching += other.matching;
        self.streams.extend(other.streams);
    }

    /// Keeps the first by id. The first of all are among the first of each hub.
    pub(super) fn cut(&mut self, most: usize) {
        self.streams.sort_unstable_by_key(|stream| stream.stream);
        self.streams.truncate(most);
    }
}
