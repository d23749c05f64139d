//! What the machine wants, what it saw, and what it cannot take.

use denrei_model::operation::Category;
use denrei_model::wire::Position;
use denrei_model::wire::frame::{FullSync, FullSyncReason, SignOn};

use crate::store::StoreError;

/// What the machine wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum Wish {
    /// Open a stream from here; an open one is to be dropped.
    Open {
        /// Where the copy stands; absent on a device that has nothing.
        position: Option<Position>,
        /// From the last FullSync, while the copy still stands where that left it.
        resume: Option<String>,
    },
    /// Ask for a FullSync with `POST /v1/sync`; the answer is a frame, to be taken as a line.
    Ask(FullSyncReason),
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

/// Why something that came was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// A line or page is not what the protocol has.
    #[error("cannot be read: {0}")]
    Malformed(String),
    /// A page is of another log, or older than the position that it was fetched for. Begun anew after a moment.
    #[error("a page does not reach the position it was fetched for")]
    Stale,
    /// The copy cannot be kept. The next transaction writes all of it.
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
    /// A revision is missing, or the server is somewhere else; the stream is opened anew.
    Hole,
    /// Snapshots are to be taken.
    FullSync(FullSync),
    /// Where the server stands.
    Head(Position),
    /// Something else.
    Other,
}
