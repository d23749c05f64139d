//! The side that reads: a member of a consumer group.

use futures_util::future::BoxFuture;

use super::{GroupId, LogError, Offset, Place, Record, TopicName};

/// Names one assignment of one partition: rises with each assignment of that partition that this backend hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// How to join a group.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// The group.
    pub group: GroupId,
    /// The topics to read; one that is not there yet is read once it is.
    pub topics: Vec<TopicName>,
    /// Names this member in logs and on the broker; two members may share it.
    pub member: String,
    /// Bytes that the member may hold ahead of what was polled, all partitions together.
    pub fetch_bytes: usize,
}

impl ConsumerOptions {
    /// Joins `group` for `topics` with the usual limit: 16 MiB ahead.
    #[must_use]
    pub fn new(group: impl Into<GroupId>, topics: impl IntoIterator<Item = TopicName>) -> Self {
        let group = group.into();
        Self {
            member: group.as_str().to_owned(),
            group,
            topics: topics.into_iter().collect(),
            fetch_bytes: 16 << 20,
        }
    }

    /// Under this name.
    #[must_use]
    pub fn member(mut self, member: impl Into<String>) -> Self {
        self.member = member.into();
        self
    }
}

/// A partition that is ours from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Which one.
    pub place: Place,
    /// Under which epoch: commits name it.
    pub epoch: Epoch,
    /// The offset that will be read first.
    pub position: Offset,
    /// Whether the group had committed that offset (else it is the earliest there is).
    pub committed: bool,
    /// What was committed beside the offset; with the [`RESET_MARK`](super::RESET_MARK) if that was for another one.
    pub metadata: String,
}

/// What a member learns from polling.
#[derive(Debug)]
pub enum Event {
    /// These partitions are ours; [`Consumer::records`] reads them.
    Assigned(Vec<Assigned>),
    /// These partitions are wanted back. They are ours, and can be committed, until the next poll.
    Revoking(Vec<Place>),
    /// These partitions are no longer ours: nothing can be committed for them.
    Lost(Vec<Place>),
    /// Trouble that the backend is dealing with by itself (a broker that is away).
    Trouble(LogError),
}

/// How far a partition is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The partition.
    pub place: Place,
    /// The epoch under which it was assigned.
    pub epoch: Epoch,
    /// The first offset that is *not* done.
    pub offset: Offset,
    /// Anything the group wants to find again beside it; 4,096 bytes at most.
    pub metadata: String,
}

/// A member of a consumer group. Dropping it leaves the group at once, without waiting for anybody.
pub trait Consumer: Send + 'static {
    /// Waits for the next event. May be dropped and called again: nothing is lost.
    ///
    /// Calling it after [`Event::Revoking`] gives the partitions away.
    fn poll(&mut self) -> BoxFuture<'_, Result<Event, LogError>>;

    /// Commits; all of them or, per partition, refused with [`NotOwner`](super::ErrorKind::NotOwner).
    ///
    /// The answers are in the order of the request.
    fn commit(&mut self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Result<(), LogError>>>;

    /// The records of a partition that was assigned, from its position on; once per assignment. None: it is not ours, or was
    /// asked for before.
    fn records(&mut self, place: &Place) -> Option<Box<dyn Records>>;

    /// Leaves the group. What must be committed has been committed before.
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), LogError>>;
}

/// Says how many bytes of records are wanted, each counted with its [weight](Record::weight).
pub type Room<'a> = &'a mut (dyn FnMut() -> usize + Send);

/// The records of one partition while an assignment of it lasts. Each partition is read by itself, wherever its records are
/// wanted: one that is not read for a while holds no other back, and keeps what was fetched for it.
pub trait Records: Send + 'static {
    /// Waits for the next records, in order: `most` at most. May be dropped and called again: nothing is lost.
    ///
    /// `room` is asked once there are any: many may wait for records, and none of them knows beforehand how much the others take.
    /// No more come than fit into it, but one at least; none, if there is no room at all, or they were trimmed away meanwhile.
    ///
    /// An error of the kind [`NotOwner`](super::ErrorKind::NotOwner) says that the assignment has ended.
    fn next<'a>(&'a mut self, most: usize, room: Room<'a>) -> BoxFuture<'a, Result<Vec<Record>, LogError>>;
}
