//! Which timers of a partition are fired, and which come next.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{LogError, Place, TimerId, TimerQuery, TimerRow, Timers};

/// How often a partition asks for its timers anew: an administrator may have moved or cancelled one, or the wall clock jumped.
/// A timer that is cancelled within so much of its time may still fire.
const RECHECK: Duration = Duration::from_secs(1);

/// The timers of one partition that are in the hands of the queue: the fired ones, and a window of those that come next.
pub(crate) struct TimerBook {
    timers: Arc<dyn Timers>,
    place: Place,
    /// Fired, and not yet deleted.
    firing: HashSet<TimerId>,
    upcoming: BTreeMap<(Timestamp, TimerId), Bytes>,
    due: HashMap<TimerId, Timestamp>,
    /// Timers due at this time or later may be missing from the window.
    horizon: Option<Timestamp>,
    looked: Option<Duration>,
    /// Whether the window was read anew since somebody asked.
    was_reloaded: bool,
}

impl TimerBook {
    pub(crate) fn new(timers: Arc<dyn Timers>, place: Place) -> Self {
        Self {
            timers,
            place,
            firing: HashSet::new(),
            upcoming: BTreeMap::new(),
            due: HashMap::new(),
            horizon: None,
            looked: None,
            was_reloaded: false,
        }
    }

    /// A timer was written. One that was found durable and fired before its writer heard of it is not taken in again.
    pub(crate) fn added(&mut self, row: TimerRow, room: usize) {
        if self.firing.contains(&row.id) {
            return;
        }
        if let Some(due) = self.due.remove(&row.id) {
            self.upcoming.remove(&(due, row.id));
        }
        if self.horizon.is_none_or(|horizon| row.due < horizon) {
            self.due.insert(row.id, row.due);
            self.upcoming.insert((row.due, row.id), row.payload);
        }
        while self.upcoming.len() > room.saturating_mul(2).max(1) {
            let Some(((due, id), _)) = self.upcoming.pop_last() else { break };
            self.due.remove(&id);
            self.horizon = Some(due);
        }
    }

    /// A timer that was fired is gone, or waits again.
    pub(crate) fn ended(&mut self, id: TimerId) {
        self.firing.remove(&id);
    }

    pub(crate) fn is_fired(&self, id: TimerId) -> bool {
        self.firing.contains(&id)
    }

    /// One was taken out of its turn.
    pub(crate) fn fire(&mut self, id: TimerId) {
        self.firing.insert(id);
    }

    /// When a timer of the window is due.
    pub(crate) fn due_of(&self, id: TimerId) -> Option<Timestamp> {
        self.due.get(&id).copied()
    }

    /// Whether a timer that is due then, and not fired, is in the window if it is there at all.
    pub(crate) fn reaches(&self, due: Timestamp) -> bool {
        self.horizon.is_none_or(|horizon| due < horizon)
    }

    /// Whether the window was read anew since this was last asked.
    pub(crate) fn take_reloaded(&mut self) -> bool {
        std::mem::take(&mut self.was_reloaded)
    }

    fn is_stale(&self, steady: Duration) -> bool {
        self.looked.is_none_or(|looked| looked + RECHECK <= steady)
            || (self.upcoming.is_empty() && self.horizon.is_some())
    }

    /// How long until it is worth looking; zero: now.
    pub(crate) fn wait(&self, now: Timestamp, steady: Duration, room: usize) -> Duration {
        let recheck = self.looked.map_or(Duration::ZERO, |looked| (looked + RECHECK).saturating_sub(steady));
        if self.firing.len() >= room {
            return recheck;
        }
        if self.is_stale(steady) {
            return Duration::ZERO;
        }
        let due = self.upcoming.first_key_value().map_or(RECHECK, |((due, _), _)| due.since(now));
        due.min(recheck)
    }

    /// Fires what is due, earliest first, up to `room` at once.
    pub(crate) async fn due(
        &mut self,
        now: Timestamp,
        steady: Duration,
        room: usize,
    ) -> Result<Vec<TimerRow>, LogError> {
        if self.is_stale(steady) {
            self.reload(steady, room).await?;
        }
        let mut fired = Vec::new();
        while self.firing.len() < room {
            let Some(next) = self.upcoming.first_entry().filter(|entry| entry.key().0 <= now) else { break };
            let ((due, id), payload) = next.remove_entry();
            self.due.remove(&id);
            if self.firing.insert(id) {
                fired.push(TimerRow { id, due, payload });
            }
        }
        Ok(fired)
    }

    async fn reload(&mut self, steady: Duration, room: usize) -> Result<(), LogError> {
        // Noted first: if the timers cannot be read, that is not tried without a pause.
        self.looked = Some(steady);
        let limit = self.firing.len() + room + 1;
        let rows = self.timers.list(&self.place, TimerQuery::first(limit)).await?;
        self.horizon = rows.last().filter(|_| rows.len() >= limit).map(|row| row.due);
        self.was_reloaded = true;
        self.upcoming.clear();
        self.due.clear();
        for row in rows {
            if !self.firing.contains(&row.id) {
                self.due.insert(row.id, row.due);
                self.upcoming.insert((row.due, row.id), row.payload);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use denrei_model::Timestamp;
    use denrei_model::clock::ManualClock;
    use denrei_storage::log::{
        LocalLog, LocalOptions, Log, Offset, Place, TimerId, TimerRow, TopicConfig, TopicName,
    };

    use super::TimerBook;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[tokio::test]
    async fn a_timer_that_is_found_before_its_writer_hears_of_it_fires_once() {
        let clock = Arc::new(ManualClock::at(NOW));
        let log = LocalLog::memory(clock, LocalOptions::default()).unwrap();
        let topic = TopicName::from("t");
        log.admin().create_topic(&topic, TopicConfig::new(1)).await.unwrap();
        let (timers, place) = (log.timers(&"g".into()), Place::new(topic, 0));
        let id = TimerId { offset: Offset(5), attempt: 1 };
        let row = TimerRow { id, due: NOW, payload: Bytes::new() };
        timers.change(&place, None, vec![row.clone()], Vec::new()).await.unwrap();
        let mut book = TimerBook::new(timers, place);
        assert_eq!(book.due(NOW, Duration::ZERO, 10).await.unwrap(), std::slice::from_ref(&row));
        book.added(row.clone(), 10);
        assert_eq!(book.due(NOW, Duration::ZERO, 10).await.unwrap(), []);
        book.ended(id);
        book.added(row.clone(), 10);
        assert_eq!(book.due(NOW, Duration::ZERO, 10).await.unwrap(), [row], "it waits again");
    }
}
