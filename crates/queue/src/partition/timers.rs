//! Which timers of a partition are fired, and which come next.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{
    Epoch, LogError, Place, TimerId, TimerMark, TimerQuery, TimerRow, TimerVersion, Timers,
};

/// How often a partition asks for its timers anew: an administrator may have moved or cancelled one, or the wall clock jumped.
/// A timer that is cancelled within so much of its time may still fire.
pub(super) const RECHECK: Duration = Duration::from_secs(1);
/// Timers that are read at once, and bytes of what they carry, unless a single one carries more.
pub(super) const PAGE: TimerQuery = TimerQuery { bytes: 1 << 20, ..TimerQuery::first(1_000) };
/// The window is read until its timers carry so many bytes; what is put meanwhile may make it twice as large.
const WINDOW_BYTES: usize = 4 << 20;

/// The timers of one partition that are in the hands of the queue: the fired ones, and a window of those that come next.
pub(crate) struct TimerBook {
    timers: Arc<dyn Timers>,
    place: Place,
    epoch: Epoch,
    /// Fired, and not yet deleted.
    firing: HashMap<TimerId, TimerMark>,
    window: Window,
    /// Timers due at this time or later may be missing from the window.
    horizon: Option<Timestamp>,
    looked: Option<Duration>,
    /// They could not be read; until then that is not tried again, and nothing fires: what the window says may be so no longer.
    unread: Option<Duration>,
    /// Whether the window was read anew since somebody asked.
    was_reloaded: bool,
}

impl TimerBook {
    pub(crate) fn new(timers: Arc<dyn Timers>, place: Place, epoch: Epoch) -> Self {
        Self {
            timers,
            place,
            epoch,
            firing: HashMap::new(),
            window: Window::default(),
            horizon: None,
            looked: None,
            unread: None,
            was_reloaded: false,
        }
    }

    /// A timer was written. One that was found durable and fired before its writer heard of it is not taken in again.
    pub(crate) fn added(&mut self, row: TimerRow, room: usize) {
        if self.firing.contains_key(&row.id) {
            return;
        }
        self.window.remove(row.id);
        if self.horizon.is_none_or(|horizon| row.due < horizon) {
            self.window.insert(row);
        }
        let (room, bytes) = (room.saturating_mul(2).max(1), WINDOW_BYTES * 2);
        while self.window.len() > room || (self.window.len() > 1 && self.window.bytes > bytes) {
            let Some(due) = self.window.pop_last() else { break };
            self.horizon = Some(due);
        }
    }

    /// What the window says of some timers may no longer be so: it is read anew before any is fired.
    pub(crate) fn doubt(&mut self) {
        self.looked = None;
    }

    /// A timer that was fired is gone, or waits again.
    pub(crate) fn ended(&mut self, id: TimerId) {
        self.firing.remove(&id);
    }

    pub(crate) fn is_fired(&self, timer: TimerVersion) -> bool {
        self.firing.get(&timer.id) == Some(&timer.mark)
    }

    /// One was taken out of its turn.
    pub(crate) fn fire(&mut self, timer: TimerVersion) {
        self.firing.insert(timer.id, timer.mark);
    }

    /// A timer of the window.
    pub(crate) fn row_of(&self, id: TimerId) -> Option<TimerRow> {
        let due = *self.window.due.get(&id)?;
        let payload = self.window.upcoming.get(&(due, id))?.clone();
        Some(TimerRow { id, due, payload })
    }

    /// From when on timers may be missing from the window, if any may.
    pub(crate) fn horizon(&self) -> Option<Timestamp> {
        self.horizon
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
        if let Some(until) = self.unread {
            return until <= steady;
        }
        self.looked.is_none_or(|looked| looked + RECHECK <= steady)
            || (self.window.len() == 0 && self.horizon.is_some())
    }

    /// How long until it is worth looking; zero: now.
    pub(crate) fn wait(&self, now: Timestamp, steady: Duration, room: usize) -> Duration {
        if let Some(until) = self.unread {
            return until.saturating_sub(steady);
        }
        let recheck = self.looked.map_or(Duration::ZERO, |looked| (looked + RECHECK).saturating_sub(steady));
        if self.firing.len() >= room {
            return recheck;
        }
        if self.is_stale(steady) {
            return Duration::ZERO;
        }
        let due = self.window.first().map_or(RECHECK, |due| due.since(now));
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
            let read = self.reload(steady, room).await;
            self.unread = read.is_err().then(|| steady + RECHECK);
            read?;
        }
        if self.unread.is_some() {
            return Ok(Vec::new());
        }
        let mut fired = Vec::new();
        while self.firing.len() < room {
            let Some(row) = self.window.pop_due(now) else { break };
            self.firing.insert(row.id, row.mark());
            fired.push(row);
        }
        Ok(fired)
    }

    async fn reload(&mut self, steady: Duration, room: usize) -> Result<(), LogError> {
        self.looked = Some(steady);
        let mut query = TimerQuery { limit: PAGE.limit.min(room.saturating_add(1)), ..PAGE };
        let mut window = Window::default();
        let horizon = loop {
            let rows = self.timers.list(&self.place, query).await?;
            let Some(last) = rows.last().map(|row| (row.due, row.id)) else { break None };
            query.after = Some(last);
            // What was put in the place of one that was fired waits until that has ended.
            rows.into_iter()
                .filter(|row| !self.firing.contains_key(&row.id))
                .for_each(|row| window.insert(row));
            if window.len() > room || window.bytes >= WINDOW_BYTES {
                break Some(last.0);
            }
        };
        (self.window, self.horizon, self.was_reloaded) = (window, horizon, true);
        Ok(())
    }
}

impl Drop for TimerBook {
    /// However the partition ends, broken off as well.
    fn drop(&mut self) {
        self.timers.close(&self.place, self.epoch);
    }
}

/// Timers that come next, by when they are due.
#[derive(Default)]
struct Window {
    upcoming: BTreeMap<(Timestamp, TimerId), Bytes>,
    due: HashMap<TimerId, Timestamp>,
    bytes: usize,
}

impl Window {
    fn len(&self) -> usize {
        self.upcoming.len()
    }

    fn first(&self) -> Option<Timestamp> {
        self.upcoming.first_key_value().map(|((due, _), _)| *due)
    }

    /// A timer that is there already waits for another time from now on.
    fn insert(&mut self, row: TimerRow) {
        self.remove(row.id);
        self.bytes += row.payload.len();
        self.due.insert(row.id, row.due);
        self.upcoming.insert((row.due, row.id), row.payload);
    }

    fn remove(&mut self, id: TimerId) {
        let payload = self.due.remove(&id).and_then(|due| self.upcoming.remove(&(due, id)));
        self.bytes -= payload.map_or(0, |payload| payload.len());
    }

    fn pop_last(&mut self) -> Option<Timestamp> {
        let ((due, id), _) = self.upcoming.last_key_value()?;
        let (due, id) = (*due, *id);
        self.remove(id);
        Some(due)
    }

    fn pop_due(&mut self, now: Timestamp) -> Option<TimerRow> {
        let ((due, id), payload) =
            self.upcoming.first_entry().filter(|next| next.key().0 <= now)?.remove_entry();
        self.due.remove(&id);
        self.bytes -= payload.len();
        Some(TimerRow { id, due, payload })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use bytes::Bytes;
    use denrei_model::Timestamp;
    use denrei_model::clock::ManualClock;
    use denrei_storage::log::{
        Epoch, ErrorKind, LocalLog, LocalOptions, Log, LogError, Offset, Place, TimerChange, TimerId,
        TimerQuery, TimerRow, Timers, TopicConfig, TopicName,
    };
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::{RECHECK, TimerBook, WINDOW_BYTES};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    async fn timers() -> (Arc<dyn Timers>, Place) {
        let clock = Arc::new(ManualClock::at(NOW));
        let log = LocalLog::memory(clock, LocalOptions::default()).unwrap();
        let topic = TopicName::from("t");
        log.admin().create_topic(&topic, TopicConfig::new(1)).await.unwrap();
        (log.timers(&"g".into()), Place::new(topic, 0))
    }

    #[tokio::test]
    async fn a_timer_that_is_found_before_its_writer_hears_of_it_fires_once() {
        let (timers, place) = timers().await;
        let id = TimerId { offset: Offset(5), attempt: 1 };
        let row = TimerRow { id, due: NOW, payload: Bytes::new() };
        timers.change(&place, None, vec![TimerChange::Put(row.clone())]).await.unwrap();
        let mut book = TimerBook::new(timers, place, Epoch(1));
        assert_eq!(book.due(NOW, Duration::ZERO, 10).await.unwrap(), std::slice::from_ref(&row));
        book.added(row.clone(), 10);
        assert_eq!(book.due(NOW, Duration::ZERO, 10).await.unwrap(), []);
        book.ended(id);
        book.added(row.clone(), 10);
        assert_eq!(book.due(NOW, Duration::ZERO, 10).await.unwrap(), [row], "it waits again");
    }

    /// Timers that cannot be read while it is told so.
    struct Unreadable {
        timers: Arc<dyn Timers>,
        is_out: AtomicBool,
        asked: AtomicUsize,
    }

    impl Timers for Unreadable {
        fn open<'a>(&'a self, place: &'a Place, epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
            self.timers.open(place, epoch)
        }

        fn close(&self, place: &Place, epoch: Epoch) {
            self.timers.close(place, epoch);
        }

        fn change<'a>(
            &'a self,
            place: &'a Place,
            epoch: Option<Epoch>,
            changes: Vec<TimerChange>,
        ) -> BoxFuture<'a, Result<(), LogError>> {
            self.timers.change(place, epoch, changes)
        }

        fn list<'a>(
            &'a self,
            place: &'a Place,
            query: TimerQuery,
        ) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.is_out.load(Ordering::SeqCst) {
                return async { Err(LogError::new(ErrorKind::Unavailable, "on purpose")) }.boxed();
            }
            self.timers.list(place, query)
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_anew_does_not_fire_and_is_not_asked_for_without_a_pause() {
        let (timers, place) = timers().await;
        let id = TimerId { offset: Offset(5), attempt: 0 };
        let row = TimerRow { id, due: NOW, payload: Bytes::new() };
        timers.change(&place, None, vec![TimerChange::Put(row.clone())]).await.unwrap();
        let (is_out, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        let out = Arc::new(Unreadable { timers: Arc::clone(&timers), is_out, asked });
        let mut book = TimerBook::new(Arc::<Unreadable>::clone(&out), place.clone(), Epoch(1));
        let (before, after, mut steady) = (Timestamp::from_millis(0), NOW, Duration::ZERO);
        assert_eq!(book.due(before, steady, 10).await.unwrap(), [], "it is known, and not due");
        out.is_out.store(true, Ordering::SeqCst);
        timers.change(&place, None, vec![TimerChange::End(row.version())]).await.unwrap();
        out.asked.store(0, Ordering::SeqCst);
        steady += RECHECK;
        while steady < Duration::from_secs(10) {
            assert_eq!(book.due(after, steady, 10).await.unwrap_or_default(), [], "it was cancelled");
            steady += book.wait(after, steady, 10).max(Duration::from_millis(1));
        }
        let asked = out.asked.load(Ordering::SeqCst);
        assert!((9..=11).contains(&asked), "{asked} times in ten seconds");
        let another = TimerRow { due: NOW, id: TimerId { offset: Offset(6), attempt: 0 }, ..row };
        timers.change(&place, None, vec![TimerChange::Put(another.clone())]).await.unwrap();
        out.is_out.store(false, Ordering::SeqCst);
        steady += book.wait(after, steady, 10);
        assert_eq!(book.due(after, steady, 10).await.unwrap(), [another]);
    }

    #[tokio::test]
    async fn large_timers_are_in_the_window_a_few_at_a_time_and_all_fire_in_their_order() {
        let (timers, place) = timers().await;
        let row = |n: u64| {
            let (id, due) =
                (TimerId { offset: Offset(n), attempt: 0 }, Timestamp::from_millis(2_000_000 + n));
            TimerRow { id, due, payload: vec![0; 1 << 20].into() }
        };
        timers.change(&place, None, (0..20).map(row).map(TimerChange::Put).collect()).await.unwrap();
        let mut book = TimerBook::new(timers, place, Epoch(1));
        (0..20).map(row).for_each(|row| book.added(row, 100));
        assert!(book.window.bytes <= 2 * WINDOW_BYTES, "{} bytes as written", book.window.bytes);
        assert_eq!(book.due(NOW, Duration::ZERO, 100).await.unwrap(), []);
        assert!(book.window.bytes <= WINDOW_BYTES + (1 << 20), "{} bytes as read", book.window.bytes);
        let mut fired = Vec::new();
        while fired.len() < 20 {
            // Those that are fired are the first to be listed; the others are found behind them.
            let due = book.due(Timestamp::from_millis(3_000_000), Duration::ZERO, 100).await.unwrap();
            assert!((1..=8).contains(&due.len()), "{} at once", due.len());
            fired.extend(due.into_iter().map(|row| row.id.offset.0));
        }
        assert_eq!(fired, (0..20).collect::<Vec<_>>());
    }
}
