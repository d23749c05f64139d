//! The one FIFO: places are given under the lock that orders the batches, so every group is a prefix.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::position::{Epoch, Place};
use denrei_model::shard::Shard;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::disk::DiskGuard;
use super::encode::Item;
use super::flight::Flight;
use super::options::EmbeddedOptions;
use crate::shard::{Batch, Claim, ClaimError, CommitListener, EnqueueError, Ticket};

/// A batch that has its place.
pub(super) struct Queued {
    pub(super) shard: Shard,
    pub(super) place: Place,
    pub(super) items: Vec<Item>,
    bytes: usize,
}

/// A claim that waits for the batches before it.
pub(super) struct Claiming {
    pub(super) shard: Shard,
    pub(super) epoch: Epoch,
    pub(super) listener: Arc<dyn CommitListener>,
    pub(super) answer: oneshot::Sender<Result<Claim, ClaimError>>,
}

enum Entry {
    Batch(Queued),
    Claim(Claiming),
}

/// What the committer does next.
pub(super) enum Work {
    /// A prefix of the queue. No batch of a shard follows a claim of it: its epoch is not known yet.
    Group(Vec<Queued>, Vec<Claiming>),
    /// Nothing to do but to look at the disk.
    Look,
    /// Nothing will come any more.
    End,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    batches: usize,
    bytes: usize,
    place: Place,
    /// The current epoch of each shard; zero is nobody's.
    epochs: Vec<Epoch>,
    epoch: Epoch,
    stopped: Option<Arc<str>>,
    disk_full: bool,
    waiting: bool,
    flight: Flight,
    /// The committer waits for the flight to land.
    lingering: bool,
}

pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    queue_commits: usize,
    queue_bytes: usize,
    group_commits: usize,
    group_bytes: usize,
    reserve: u64,
}

impl Queue {
    /// A queue for this many shards; epochs are above `epoch`.
    pub(super) fn new(options: &EmbeddedOptions, shards: u16, epoch: Epoch) -> Self {
        let epochs = vec![Epoch::ZERO; usize::from(shards)];
        Self {
            state: Mutex::new(State { epochs, epoch, ..State::default() }),
            arrived: Condvar::new(),
            queue_commits: options.queue_commits.get(),
            queue_bytes: options.queue_bytes.get(),
            group_commits: options.group_commits.get(),
            group_bytes: options.group_bytes.get(),
            reserve: options.free_disk_bytes,
        }
    }

    /// Whether a batch of this shard would be taken, but for its size.
    pub(super) fn admits(&self, shard: Shard, epoch: Epoch) -> Result<(), EnqueueError> {
        self.check(&self.state.lock(), shard, epoch, 0)
    }

    fn check(&self, state: &State, shard: Shard, epoch: Epoch, bytes: usize) -> Result<(), EnqueueError> {
        if let Some(reason) = &state.stopped {
            return Err(EnqueueError::Failed(Arc::clone(reason)));
        }
        if epoch == Epoch::ZERO || state.epochs.get(shard.index()) != Some(&epoch) {
            return Err(EnqueueError::NotYours);
        }
        if state.disk_full {
            return Err(EnqueueError::DiskFull { reserve: self.reserve });
        }
        if bytes > self.group_bytes {
            return Err(EnqueueError::TooLarge { bytes, limit: self.group_bytes });
        }
        if state.batches >= self.queue_commits || state.bytes.saturating_add(bytes) > self.queue_bytes {
            return Err(EnqueueError::Full);
        }
        Ok(())
    }

    /// Gives a batch its place.
    pub(super) fn push(
        &self,
        (shard, epoch): (Shard, Epoch),
        items: Vec<Item>,
        bytes: usize,
        batch: &Batch,
    ) -> Result<Ticket, EnqueueError> {
        let mut state = self.state.lock();
        self.check(&state, shard, epoch, bytes)?;
        let place = state.place.next();
        state.place = place;
        state.batches += 1;
        state.bytes += bytes;
        state.entries.push_back(Entry::Batch(Queued { shard, place, items, bytes }));
        state.flight.join(shard, batch);
        if state.lingering && state.flight.has_landed() {
            state.lingering = false;
            self.arrived.notify_one();
        }
        self.wake(&mut state);
        Ok(Ticket { place })
    }

    /// Fences every earlier owner at once; the answer comes when their batches are durable.
    pub(super) fn claim(
        &self,
        shard: Shard,
        listener: Arc<dyn CommitListener>,
    ) -> oneshot::Receiver<Result<Claim, ClaimError>> {
        let (answer, receiver) = oneshot::channel();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let epoch = state.epoch.next();
        let refusal = match (&state.stopped, state.epochs.get_mut(shard.index())) {
            (Some(reason), _) => Some(reason.to_string()),
            (None, None) => Some(format!("there is no shard {shard}")),
            (None, Some(current)) => {
                *current = epoch;
                None
            }
        };
        if let Some(reason) = refusal {
            // The receiver is in this function's hands: it cannot have gone.
            let _ = answer.send(Err(ClaimError::Failed(reason)));
            return receiver;
        }
        state.epoch = epoch;
        state.entries.push_back(Entry::Claim(Claiming { shard, epoch, listener, answer }));
        self.wake(state);
        receiver
    }

    fn wake(&self, state: &mut State) {
        if state.waiting {
            state.waiting = false;
            self.arrived.notify_one();
        }
    }

    /// Waits for work, then at most so long for records on their way, and takes the longest prefix that fits a group. For the
    /// committer alone.
    pub(super) fn take(&self, patience: Duration) -> Work {
        let mut state = self.state.lock();
        while state.entries.is_empty() {
            if state.stopped.is_some() {
                return Work::End;
            }
            state.waiting = true;
            if state.disk_full {
                if self.arrived.wait_for(&mut state, DiskGuard::EVERY).timed_out() {
                    state.waiting = false;
                    return Work::Look;
                }
            } else {
                self.arrived.wait(&mut state);
            }
        }
        if !state.flight.has_landed() && state.batches < self.group_commits && state.bytes < self.group_bytes
        {
            state.lingering = true;
            self.arrived.wait_for(&mut state, patience);
            state.lingering = false;
        }
        state.flight.depart();
        let (mut batches, mut claims, mut bytes) = (Vec::new(), Vec::new(), 0);
        while batches.len() < self.group_commits && bytes < self.group_bytes {
            match state.entries.pop_front() {
                Some(Entry::Batch(batch)) => {
                    bytes += batch.bytes;
                    batches.push(batch);
                }
                Some(Entry::Claim(claim)) => claims.push(claim),
                None => break,
            }
        }
        state.batches -= batches.len();
        state.bytes = state.bytes.saturating_sub(bytes);
        Work::Group(batches, claims)
    }

    /// Says whether writes are refused for want of disk.
    pub(super) fn set_disk_full(&self, full: bool) {
        self.state.lock().disk_full = full;
    }

    /// Takes nothing more; what has a place is still committed.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.stopped.get_or_insert_with(|| Arc::from("it has been closed"));
        self.wake(&mut state);
    }

    /// Takes nothing more and forgets what waits; claims are answered.
    pub(super) fn fail(&self, reason: &Arc<str>) {
        let entries = {
            let mut state = self.state.lock();
            state.stopped = Some(Arc::clone(reason));
            (state.batches, state.bytes) = (0, 0);
            std::mem::take(&mut state.entries)
        };
        for entry in entries {
            if let Entry::Claim(claim) = entry {
                // Whoever claimed may have gone meanwhile.
                let _ = claim.answer.send(Err(ClaimError::Failed(reason.to_string())));
            }
        }
    }

    /// How many batches wait.
    pub(super) fn len(&self) -> usize {
        self.state.lock().batches
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use denrei_model::position::RecordNumber;

    use super::*;
    use crate::shard::{Applied, Emitted, Lost};

    const HERE: Shard = Shard::new(0);
    const THERE: Shard = Shard::new(1);

    struct Deaf;

    impl CommitListener for Deaf {
        fn committed(&self, _: Place) {}

        fn lost(&self, _: Lost) {}
    }

    /// A queue whose two shards are claimed, and their epochs.
    fn claimed() -> (Queue, [Epoch; 2]) {
        let queue = Queue::new(&EmbeddedOptions::at("unused"), 2, Epoch::ZERO);
        let _answers = [HERE, THERE].map(|shard| queue.claim(shard, Arc::new(Deaf)));
        let Work::Group(_, claims) = queue.take(Duration::ZERO) else { panic!("no claims") };
        let epochs: Vec<Epoch> = claims.iter().map(|claim| claim.epoch).collect();
        (queue, epochs.try_into().unwrap())
    }

    fn emit(queue: &Queue, epoch: Epoch) {
        let emitted = vec![Emitted { to: THERE, number: RecordNumber::new(1), record: bytes::Bytes::new() }];
        queue.push((HERE, epoch), Vec::new(), 1, &Batch { emitted, ..Batch::default() }).unwrap();
    }

    fn apply(queue: &Queue, epoch: Epoch) {
        let applied = vec![Applied { from: HERE, number: RecordNumber::new(1) }];
        queue.push((THERE, epoch), Vec::new(), 1, &Batch { applied, ..Batch::default() }).unwrap();
    }

    fn taken(queue: &Queue, patience: Duration) -> usize {
        match queue.take(patience) {
            Work::Group(batches, _) => batches.len(),
            _ => panic!("no group"),
        }
    }

    #[test]
    fn a_record_that_lands_in_time_goes_with_its_source() {
        let (queue, [here, there]) = claimed();
        emit(&queue, here);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                apply(&queue, there);
            });
            assert_eq!(taken(&queue, Duration::from_secs(60)), 2);
        });
    }

    #[test]
    fn a_record_that_does_not_land_holds_nothing_up() {
        let (queue, [here, there]) = claimed();
        emit(&queue, here);
        assert_eq!(taken(&queue, Duration::from_millis(20)), 1);
        apply(&queue, there);
        assert_eq!(taken(&queue, Duration::from_secs(60)), 1, "it goes at once when it comes");
    }
}
