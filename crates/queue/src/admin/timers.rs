//! Pending timers: put, seen, cancelled, moved.

use std::hash::{BuildHasher as _, RandomState};

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{ErrorKind, LogError, Offset, Place, TimerChange, TimerId, TimerQuery, TimerRow};
use prost::Message;

use super::QueueAdmin;
use crate::wire::{Metadata, NUMBERED, Parked, ParkedKind, RawTask};

/// How often a timer is cancelled that is tried again while it is.
pub const MOST_ROUNDS: usize = 16;
/// Pages of a thousand timers, or of a mebibyte of what they carry, that are looked through for one. Whoever puts timers meanwhile
/// cannot have it go on for ever.
const MOST_PAGES: usize = 100_000;

/// A task that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTimer {
    /// Which one, in its partition: the same for all tries.
    pub id: TimerId,
    /// When it is due.
    pub due: Timestamp,
    /// Why it waits: `Scheduled`, `Retry`, `Shaped` or `Behind`.
    pub why: String,
    /// What the last try said.
    pub reason: String,
    /// The task's key.
    pub key: Option<Bytes>,
    /// The task's bytes.
    pub value: Bytes,
    /// The task's metadata.
    pub metadata: Metadata,
}

/// A task that is to wait under a number of its caller's own, rather than under the offset of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedTimer {
    /// Which one, in its partition; below 2^62.
    pub number: u64,
    /// When it is due.
    pub due: Timestamp,
    /// The task.
    pub task: RawTask,
}

impl NumberedTimer {
    fn row(self) -> Result<TimerRow, LogError> {
        if self.number >= NUMBERED {
            return Err(LogError::new(ErrorKind::Invalid, "the number of a timer lies below 2^62"));
        }
        let id = TimerId { offset: Offset(NUMBERED | self.number), attempt: 0 };
        // What is put while the same runs is another task: it must not end with that.
        let stamp = RandomState::new().hash_one(self.number);
        let parked = Parked::new(ParkedKind::Scheduled, &self.task, "").stamped(stamp);
        Ok(TimerRow { id, due: self.due, payload: parked.encode_to_bytes() })
    }
}

fn pending(row: TimerRow) -> Result<PendingTimer, LogError> {
    let parked = Parked::decode(row.payload).map_err(|e| LogError::new(ErrorKind::Corrupt, e.to_string()))?;
    let task = parked.task();
    Ok(PendingTimer {
        id: row.id,
        due: row.due,
        why: format!("{:?}", parked.kind()),
        reason: parked.reason,
        key: task.key,
        value: task.value,
        metadata: task.metadata,
    })
}

/// Whether a timer has a later try of the task that this one had; if not, it was put.
fn is_later_try(next: &TimerRow, of: &TimerRow) -> bool {
    let read = |row: &TimerRow| Parked::decode(row.payload.clone()).ok();
    read(next).zip(read(of)).is_some_and(|(next, of)| next.is_later_try_of(&of))
}

impl QueueAdmin {
    /// The timers of a partition, the earliest first.
    ///
    /// # Errors
    /// If the log cannot be asked.
    pub async fn timers(&self, place: &Place, query: TimerQuery) -> Result<Vec<PendingTimer>, LogError> {
        self.timers.list(place, query).await?.into_iter().map(pending).collect()
    }

    /// Has tasks wait, all of them or none; their owner notices within a second. Under a number there waits one timer at most, that which
    /// was put last: whoever puts the same again after a crash doubles nothing, and what is put takes the place of a task that waits for
    /// another try, or for the quota of its key. What is put while a task of its number runs, or is about to, runs after it; if that
    /// fails it is not tried again.
    ///
    /// # Errors
    /// If the log cannot do it, a number is too high, or a task larger than a record of its topic
    /// ([`TooLarge`](denrei_storage::log::ErrorKind::TooLarge)): it could not be put back, and not become a dead letter either.
    pub async fn put_timers(&self, place: &Place, timers: Vec<NumberedTimer>) -> Result<(), LogError> {
        let topic = self.admin.topic(&place.topic).await?;
        let most = topic.map_or(usize::MAX, |topic| topic.max_record_bytes);
        if let Some(timer) = timers.iter().find(|timer| timer.task.record_size() > most) {
            let (number, size) = (timer.number, timer.task.record_size());
            let what =
                format!("the task of timer {number} has {size} bytes, and a record of {most} at most",);
            return Err(LogError::new(ErrorKind::TooLarge, what));
        }
        let put = |timer: NumberedTimer| timer.row().map(TimerChange::Put);
        let puts: Vec<TimerChange> = timers.into_iter().map(put).collect::<Result<_, _>>()?;
        self.timers.change(place, None, puts).await
    }

    /// Cancels a timer: its task will not run. One that is due within a second may run all the same, and what runs already is not
    /// broken off; if that fails it is not tried again, unless its retries are written to a topic. If it is given up it becomes a dead
    /// letter. What is put under its number meanwhile stays. False: there is none.
    ///
    /// # Errors
    /// If the log cannot do it; [`Unavailable`](denrei_storage::log::ErrorKind::Unavailable) also if it was seen to be tried again
    /// [`MOST_ROUNDS`] times meanwhile, and is to be cancelled anew.
    pub async fn cancel_timer(&self, place: &Place, id: TimerId) -> Result<bool, LogError> {
        let Some(mut row) = self.find(place, id).await? else { return Ok(false) };
        for _ in 0..MOST_ROUNDS {
            self.timers.change(place, None, vec![TimerChange::End(row.version())]).await?;
            // A try that failed meanwhile has left another in its place.
            match self.find(place, id).await?.filter(|next| is_later_try(next, &row)) {
                Some(next) => row = next,
                None => return Ok(true),
            }
        }
        Err(busy("the timer changes faster than it can be cancelled"))
    }

    /// Moves a timer to another time; its owner notices within a second. False: there is none, or something else has taken its place
    /// meanwhile, and was not moved: look again. The task of one that has been fired meanwhile goes on, and is not run once more at the
    /// other time.
    ///
    /// # Errors
    /// If the log cannot do it. It is tried once.
    pub async fn move_timer(&self, place: &Place, id: TimerId, due: Timestamp) -> Result<bool, LogError> {
        let Some(row) = self.find(place, id).await? else { return Ok(false) };
        let mark = row.mark();
        let moved = TimerChange::Replace(mark, TimerRow { due, ..row });
        self.timers.change(place, None, vec![moved]).await?;
        // It may be gone already, if it was due at once.
        Ok(self.find(place, id).await?.is_none_or(|now| now.mark() == mark))
    }

    /// Looks through all timers, [`MOST_PAGES`] at most.
    async fn find(&self, place: &Place, id: TimerId) -> Result<Option<TimerRow>, LogError> {
        let mut query = TimerQuery { bytes: 1 << 20, ..TimerQuery::first(1_000) };
        for _ in 0..MOST_PAGES {
            let rows = self.timers.list(place, query).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            query.after = Some((last.due, last.id));
            if let Some(found) = rows.into_iter().find(|row| row.id == id) {
                return Ok(Some(found));
            }
        }
        Err(busy("there are more timers than can be looked through, or they come faster"))
    }
}

fn busy(why: &str) -> LogError {
    LogError::new(ErrorKind::Unavailable, format!("busy, try again: {why}"))
}

#[cfg(test)]
mod tests;
