//! A member of a group of this process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};

use super::Shared;
use super::group::{MemberId, Step};
use super::job::Change;
use super::records::LocalRecords;
use crate::log::admin::after_reset;
use crate::log::{
    Assigned, Commit, Consumer, ConsumerOptions, Epoch, Event, LogError, Offset, Place, Records,
};

/// A partition that this member owns.
#[derive(Debug)]
struct Owned {
    position: Offset,
    /// Whoever reads the partition holds the other end: when this goes, it is no longer ours.
    reader: Option<oneshot::Receiver<Infallible>>,
    _ours: oneshot::Sender<Infallible>,
}

#[derive(Debug)]
pub(super) struct LocalConsumer {
    shared: Arc<Shared>,
    member: MemberId,
    options: ConsumerOptions,
    owned: BTreeMap<Place, Owned>,
    /// Announced as wanted back; given away by the next poll.
    leaving: Vec<Place>,
    changes: watch::Receiver<u64>,
}

impl LocalConsumer {
    pub(super) fn join(shared: Arc<Shared>, member: MemberId, options: ConsumerOptions) -> Self {
        let changes = shared.engine.changes.subscribe();
        {
            let mut view = shared.engine.view.lock();
            view.groups
                .entry(options.group.clone())
                .or_default()
                .join(member, options.topics.iter().cloned());
            view.balance(&options.group);
        }
        shared.engine.changed();
        Self { shared, member, options, owned: BTreeMap::new(), leaving: Vec::new(), changes }
    }

    fn give_away(&mut self) {
        let leaving = std::mem::take(&mut self.leaving);
        if leaving.is_empty() {
            return;
        }
        self.owned.retain(|place, _| !leaving.contains(place));
        if let Some(group) = self.shared.engine.view.lock().groups.get_mut(&self.options.group) {
            group.release(self.member, &leaving);
        }
        self.shared.engine.changed();
    }

    /// What the group wants of this member, if anything.
    fn duty(&mut self) -> Option<Event> {
        let mut view = self.shared.engine.view.lock();
        let group = view.groups.get_mut(&self.options.group)?;
        let lost: Vec<Place> = self.owned.keys().filter(|p| !group.owns(self.member, p)).cloned().collect();
        if !lost.is_empty() {
            self.owned.retain(|place, _| !lost.contains(place));
            return Some(Event::Lost(lost));
        }
        match group.step(self.member) {
            Step::Nothing => None,
            Step::Revoke(places) => {
                self.leaving.clone_from(&places);
                Some(Event::Revoking(places))
            }
            Step::Take(taken) => {
                let starts = taken.into_iter().map(|(place, epoch)| {
                    let committed = view.committed(&self.options.group, &place);
                    assigned(place.clone(), epoch, committed, view.span(&place))
                });
                let starts: Vec<Assigned> = starts.collect();
                drop(view);
                for start in &starts {
                    let (ours, reader) = oneshot::channel();
                    let owned = Owned { position: start.position, reader: Some(reader), _ours: ours };
                    self.owned.insert(start.place.clone(), owned);
                }
                Some(Event::Assigned(starts))
            }
        }
    }

    async fn next(&mut self) -> Result<Event, LogError> {
        self.give_away();
        loop {
            self.changes.borrow_and_update();
            if let Some(event) = self.duty() {
                return Ok(event);
            }
            self.changes.changed().await.map_err(|_| LogError::closed())?;
        }
    }

    fn leave(&mut self) {
        let mut view = self.shared.engine.view.lock();
        if let Some(group) = view.groups.get_mut(&self.options.group) {
            group.leave(self.member);
        }
        view.balance(&self.options.group);
        drop(view);
        self.owned.clear();
        self.shared.engine.changed();
    }
}

/// Where a member starts: at what was committed, if that still lies within what is there.
fn assigned(
    place: Place,
    epoch: Epoch,
    committed: Option<&super::view::Committed>,
    span: Option<crate::log::Watermarks>,
) -> Assigned {
    let (start, end) = span.map_or((Offset(0), Offset(0)), |span| (span.start, span.end));
    match committed {
        Some(known) if (start..=end).contains(&known.offset) => Assigned {
            place,
            epoch,
            position: known.offset,
            committed: true,
            metadata: known.metadata.clone(),
        },
        _ => {
            let metadata = committed.map(|known| after_reset(&known.metadata)).unwrap_or_default();
            Assigned { place, epoch, position: start, committed: false, metadata }
        }
    }
}

impl Consumer for LocalConsumer {
    fn poll(&mut self) -> BoxFuture<'_, Result<Event, LogError>> {
        self.next().boxed()
    }

    fn commit(&mut self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Result<(), LogError>>> {
        let group = &self.options.group;
        let all = commits.into_iter().map(|commit| self.shared.change(Change::Commit(group.clone(), commit)));
        futures_util::future::join_all(all).boxed()
    }

    fn records(&mut self, place: &Place) -> Option<Box<dyn Records>> {
        let owned = self.owned.get_mut(place)?;
        let (ours, engine) = (owned.reader.take()?, Arc::clone(&self.shared.engine));
        Some(Box::new(LocalRecords::new(engine, place.clone(), owned.position, ours)))
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<(), LogError>> {
        self.leave();
        async { Ok(()) }.boxed()
    }
}

impl Drop for LocalConsumer {
    fn drop(&mut self) {
        self.leave();
    }
}
