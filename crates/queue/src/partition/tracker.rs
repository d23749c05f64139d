//! Which offsets of a partition are done: the watermark below which all are, and the runs above it; and which timers.

use std::collections::{BTreeSet, VecDeque};

use denrei_storage::log::{Offset, TimerVersion};

use super::gaps::DoneSet;

/// One offset on its way.
#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: Offset,
    done: bool,
}

/// So many offsets that are done are kept at least beside those that are not.
const SLACK: usize = 1_024;

/// The offsets of one assignment, in the order of the log.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// All that are not done, and some that are: an offset between two of them that is not there is done, or was never read.
    entries: VecDeque<Entry>,
    /// The first offset that was not seen yet.
    next: Offset,
    /// What an earlier owner had completed above its watermark.
    known: DoneSet,
    pending: usize,
    changed: bool,
    /// Timers whose task has ended, and that are not known to be deleted: no more than may be fired at once.
    ended: BTreeSet<TimerVersion>,
}

impl Tracker {
    pub(crate) fn new(start: Offset, known: DoneSet) -> Self {
        let (entries, ended) = Default::default();
        Self { entries, next: start, known, pending: 0, changed: true, ended }
    }

    /// Timers that ended under an earlier assignment.
    pub(crate) fn with_ended(self, ended: BTreeSet<TimerVersion>) -> Self {
        Self { ended, ..self }
    }

    /// The task of this timer has ended.
    pub(crate) fn end(&mut self, timer: TimerVersion) {
        self.ended.insert(timer);
    }

    /// This timer is no more.
    pub(crate) fn deleted(&mut self, timer: TimerVersion) {
        self.ended.remove(&timer);
    }

    /// Timers that are still to be deleted.
    pub(crate) fn ended(&self) -> &BTreeSet<TimerVersion> {
        &self.ended
    }

    /// Whether an earlier owner had completed this offset.
    pub(crate) fn is_known(&self, offset: Offset) -> bool {
        self.known.contains(offset)
    }

    /// Notes an offset that was read. False: it is done already, nothing is to be run.
    pub(crate) fn read(&mut self, offset: Offset) -> bool {
        if offset < self.next {
            return false;
        }
        let done = self.known.contains(offset);
        self.next = offset.next();
        self.entries.push_back(Entry { offset, done });
        if done {
            self.advance();
        } else {
            self.pending += 1;
        }
        !done
    }

    /// The offset is done. Noted once; what comes for an offset that is not on its way has no effect.
    pub(crate) fn complete(&mut self, offset: Offset) {
        let Some(entry) = self.find(offset) else { return };
        if !entry.done {
            entry.done = true;
            self.pending -= 1;
            self.advance();
        }
    }

    fn find(&mut self, offset: Offset) -> Option<&mut Entry> {
        let first = self.entries.front()?.offset;
        // Offsets are contiguous but for what compaction and transactions leave out.
        let guess = usize::try_from(offset.0.checked_sub(first.0)?).ok()?;
        let at = match self.entries.get(guess) {
            Some(entry) if entry.offset == offset => guess,
            _ => self.entries.binary_search_by_key(&offset, |entry| entry.offset).ok()?,
        };
        self.entries.get_mut(at)
    }

    fn advance(&mut self) {
        self.changed = true;
        while self.entries.front().is_some_and(|entry| entry.done) {
            self.entries.pop_front();
        }
        // One that takes long holds the watermark; what is done above it must not fill the memory meanwhile.
        if self.entries.len() > self.pending * 4 + SLACK {
            self.entries.retain(|entry| !entry.done);
        }
    }

    /// The first offset that is not done.
    pub(crate) fn watermark(&self) -> Offset {
        self.entries.front().map_or(self.next, |entry| entry.offset)
    }

    /// What is done above the watermark, what an earlier owner did and was not read again yet included.
    pub(crate) fn above(&self) -> DoneSet {
        let (mut done, mut from) = (DoneSet::default(), self.watermark());
        for open in self.entries.iter().filter(|entry| !entry.done).map(|entry| entry.offset) {
            done.push_before(from, open);
            from = open.next();
        }
        done.push_before(from, self.next);
        done.extend_from(&self.known, self.next);
        done
    }

    /// Offsets read and not done.
    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    /// What was taken as committed was not.
    pub(crate) fn mark_changed(&mut self) {
        self.changed = true;
    }

    /// Whether there is anything new to commit since this was last asked.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_earlier_owner_did_is_not_run_again() {
        let known: DoneSet = [3, 4, 6].into_iter().map(Offset).collect();
        let mut tracker = Tracker::new(Offset(2), known);
        let run: Vec<u64> = (2..8).filter(|n| tracker.read(Offset(*n))).collect();
        assert_eq!(run, [2, 5, 7]);
        tracker.complete(Offset(2));
        assert_eq!(tracker.watermark(), Offset(5));
        assert_eq!(tracker.above().runs(), [(6, 6)]);
    }

    #[test]
    fn one_that_takes_long_does_not_have_all_the_others_remembered() {
        let mut tracker = Tracker::new(Offset(0), DoneSet::default());
        for offset in (0..100_000).map(Offset) {
            tracker.read(offset);
            if !offset.0.is_multiple_of(50_000) {
                tracker.complete(offset);
            }
        }
        assert_eq!((tracker.watermark(), tracker.pending()), (Offset(0), 2));
        assert_eq!(tracker.above().runs(), [(1, 49_999), (50_001, 99_999)]);
        assert!(tracker.entries.len() < 2 * SLACK, "{} entries", tracker.entries.len());
        tracker.complete(Offset(0));
        assert_eq!(tracker.watermark(), Offset(50_000));
        tracker.complete(Offset(50_000));
        assert_eq!((tracker.watermark(), tracker.above()), (Offset(100_000), DoneSet::default()));
    }

    proptest! {
        #[test]
        fn the_watermark_is_the_first_offset_that_is_not_done(
            skips in proptest::collection::vec(1_u64..4, 1..60), order in proptest::collection::vec(any::<prop::sample::Index>(), 0..60)
        ) {
            let mut tracker = Tracker::new(Offset(0), DoneSet::default());
            let mut at = 0;
            let offsets: Vec<u64> = skips.iter().map(|skip| { at += skip; at }).collect();
            for offset in &offsets {
                prop_assert!(tracker.read(Offset(*offset)));
            }
            let mut done = BTreeSet::new();
            for index in order {
                let offset = offsets[index.index(offsets.len())];
                done.insert(offset);
                tracker.complete(Offset(offset));
                let first = offsets.iter().find(|o| !done.contains(*o)).copied().unwrap_or(at + 1);
                prop_assert_eq!(tracker.watermark(), Offset(first));
                prop_assert_eq!(tracker.pending(), offsets.len() - done.len());
            }
        }
    }
}
