//! Sessions: who is told when an account has something new. A session belongs to a device and lives in the account's
//! shard; registering one activates no account.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use denrei_model::id::{AccountId, DeviceId, LogId};
use denrei_model::position::Revision;
use denrei_model::tag::Tag;

/// A stream of the gateway: unique per node and start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId(pub u64);

/// Operations that have become durable, for the streams of one account at one sink.
#[derive(Clone, PartialEq, Debug)]
pub struct Delivery {
    /// Which streams.
    pub streams: Vec<StreamId>,
    /// Of which log.
    pub log_id: LogId,
    /// The revision of the first operation in the frame.
    pub first: Revision,
    /// The revision of the last.
    pub last: Revision,
    /// The tag there.
    pub last_tag: Tag,
    /// An `operations` frame: one line of JSON with its line feed.
    pub frame: Bytes,
}

/// What happens to a stream besides operations.
#[derive(Clone, PartialEq, Debug)]
pub enum Signal {
    /// A frame that is not in the log; lost if the stream has no room.
    Notify(Bytes),
    /// The log is ahead of what was handed over: read it.
    Behind,
    /// The device has another stream now.
    Replaced,
    /// The device was logged out.
    Revoked,
}

/// The way to the streams of one HTTP worker. Implemented by the gateway; must not block.
pub trait PushSink: Send + Sync + 'static {
    /// Hands over, in order.
    ///
    /// # Errors
    /// Gives them back when there is no room: the shard tells their streams `Behind` later.
    fn deliver(&self, deliveries: Vec<Delivery>) -> Result<(), Vec<Delivery>>;

    /// Tells one stream. False when there is no room.
    fn signal(&self, stream: StreamId, signal: Signal) -> bool;
}

/// Learns of every change to the row of a device, so that whoever has read one need not read it again. Must not block.
pub trait DeviceWatch: Send + Sync + 'static {
    /// The row has changed and that is durable; nobody has been answered yet.
    fn changed(&self, account: AccountId, device: DeviceId);
}

/// Who watches the devices of a runtime: nobody, or one for good.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<OnceLock<Arc<dyn DeviceWatch>>>);

impl Watch {
    /// Whoever comes first stays.
    pub(crate) fn set(&self, watch: Arc<dyn DeviceWatch>) {
        let _ = self.0.set(watch);
    }

    pub(crate) fn changed(&self, devices: Vec<(AccountId, DeviceId)>) {
        if let Some(watch) = self.0.get() {
            devices.into_iter().for_each(|(account, device)| watch.changed(account, device));
        }
    }
}

/// One device that listens.
#[derive(Clone)]
pub struct Session {
    /// Whose.
    pub account: AccountId,
    /// Which device.
    pub device: DeviceId,
    /// Under which generation of its tokens it came.
    pub number: u32,
    /// The stream.
    pub stream: StreamId,
    /// The way there.
    pub sink: Arc<dyn PushSink>,
}

/// Why a session was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SessionRefused {
    /// The device does not exist or was logged out.
    #[error("the device was logged out")]
    Revoked,
    /// Too much to do.
    #[error("the shard is overloaded")]
    Overloaded,
    /// The shard is being loaded.
    #[error("the shard is not available")]
    Unavailable,
}
