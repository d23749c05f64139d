//! A queue per key: tasks of one key one after the other, in order; tasks of different keys side by side.

use std::collections::VecDeque;

use super::work::{KeyHash, KeyMap, Work};

/// What waits to run.
#[derive(Debug, Default)]
pub(crate) struct KeyQueues {
    /// At the head of their keys, in the order in which they came to be so.
    ready: VecDeque<Work>,
    /// Keys of which a task is ready or runs, and what waits behind it.
    busy: KeyMap<VecDeque<Work>>,
    queued: usize,
}

impl KeyQueues {
    /// Whether a task of this key could run at once without passing another.
    pub(crate) fn is_free(&self, key: Option<KeyHash>) -> bool {
        self.ready.is_empty() && key.is_none_or(|key| self.busy.is_empty() || !self.busy.contains_key(&key))
    }

    /// Whether a task of this key waits here, or runs.
    pub(crate) fn is_busy(&self, key: KeyHash) -> bool {
        self.busy.contains_key(&key)
    }

    /// A task of this key has begun to run.
    pub(crate) fn occupy(&mut self, key: Option<KeyHash>) {
        if let Some(key) = key {
            self.busy.entry(key).or_default();
        }
    }

    pub(crate) fn push(&mut self, work: Work) {
        self.queued += 1;
        let Some(key) = work.key else { return self.ready.push_back(work) };
        match self.busy.get_mut(&key) {
            Some(behind) => behind.push_back(work),
            None => {
                self.busy.insert(key, VecDeque::new());
                self.ready.push_back(work);
            }
        }
    }

    /// The next task that may run; its key is busy until it is released.
    pub(crate) fn pop(&mut self) -> Option<Work> {
        let work = self.ready.pop_front()?;
        self.queued -= 1;
        Some(work)
    }

    /// The one that was taken last may not run yet: it is the next.
    pub(crate) fn put_back(&mut self, work: Work) {
        self.queued += 1;
        self.ready.push_front(work);
    }

    /// The task of this key ran; the next one of the key is ready.
    pub(crate) fn release(&mut self, key: Option<KeyHash>) {
        let Some(key) = key else { return };
        let Some(behind) = self.busy.get_mut(&key) else { return };
        match behind.pop_front() {
            Some(next) => self.ready.push_back(next),
            None => drop(self.busy.remove(&key)),
        }
    }

    /// Tasks that wait.
    pub(crate) fn len(&self) -> usize {
        self.queued
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
