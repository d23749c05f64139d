//! Turns: one item at a time is decided, numbered, queued in the store, and let out when it is durable.

use std::sync::Arc;

use actix::Addr;
use denrei_model::effects::Effects;
use denrei_model::id::ChatId;
use denrei_model::position::Place;
use denrei_model::row::{Change, DeadLetterKey, DeadLetterRow, DeviceKey, DirtyReadsKey, Key, KeyRange, Row};
use denrei_model::shard::Shard;
use denrei_storage::shard::{EnqueueError, Fetch, Fetched, PendingRecord, Reader, Scan};
use tokio::sync::oneshot;

use super::item::{Applying, Cause, Item};
use super::ledger::Entry;
use super::messages::{Prefetched, Timers, TurnDone};
use super::outgoing::Departure;
use super::{ShardActor, faults};
use crate::command::{Facts, Reply};
use crate::entity::{Done, EntityRef, TurnAnswer};
use crate::rows::Rows;
use crate::session::{Session, SessionRefused};
use crate::{chatroom, route};

/// What a commit came from: whom to load anew, and what to try again, if the store refuses it.
#[derive(Default)]
struct Source {
    entities: Vec<EntityRef>,
    record: Option<Applying>,
    /// The chat whose read marks were due, if it is a timer's turn.
    timer: Option<ChatId>,
    /// What the turn was shown; absent when it gives a record up.
    rows: Option<Arc<Rows>>,
}

/// The turn that is under way.
pub(super) struct Current {
    turn: u64,
    rows: Arc<Rows>,
    /// One place per part; filled as the parts answer.
    done: Vec<Option<Done>>,
    waiting: usize,
    panicked: Vec<EntityRef>,
    entities: Vec<EntityRef>,
    /// The record that is applied, if it is one.
    record: Option<Applying>,
    timer: Option<ChatId>,
    /// The capture mark of the item: rows written since must stay in memory.
    at: u64,
}

/// Reads the read marks that were waiting to be told when the shard was last owned.
pub(super) fn find_timers(shard: Shard, reader: Arc<dyn Reader>, me: Addr<ShardActor>) {
    actix::spawn(async move {
        let key = |shard| DirtyReadsKey { shard, chat: ChatId::default() };
        let range = KeyRange::new(key(shard), key(Shard::new(shard.get() + 1)));
        let fetch = Fetch { keys: Vec::new(), scans: vec![Scan::forward(range, usize::MAX)] };
        loop {
            match reader.fetch(fetch.clone()).await {
                Ok(fetched) => {
                    let rows = fetched.scan::<DirtyReadsKey>(0).map(|(_, row)| row.clone()).collect();
                    return me.do_send(Timers(rows));
                }
                Err(error) => tracing::warn!(%shard, %error, "timers cannot be read; trying again"),
            }
            actix::clock::sleep(super::TICK).await;
            if !me.connected() {
                return;
            }
        }
    });
}

impl ShardActor {
    /// Puts something at the end of the line.
    pub(super) fn arrive(&mut self, cause: Cause, me: &Addr<Self>) {
        let (item, to_read) = self.prepare(cause, false);
        let id = item.id;
        self.line.push(item);
        match to_read {
            Some(fetch) => self.prefetch(id, fetch, me),
            None => self.drive(me),
        }
    }

    /// Puts something back to the front of the line, with all its rows to be looked at anew.
    fn again(&mut self, cause: Cause, me: &Addr<Self>) {
        let (item, to_read) = self.prepare(cause, true);
        let id = self.line.unpop(item);
        if let Some(fetch) = to_read {
            self.prefetch(id, fetch, me);
        }
    }

    /// Captures what memory has of an item's rows; the rest is to be read.
    fn prepare(&mut self, cause: Cause, with_cores: bool) -> (Item, Option<Fetch>) {
        let mut needs = cause.needs(self.shard);
        let entities = cause.entities();
        for entity in &entities {
            self.registry.pin(entity);
            if with_cores || !self.registry.is_active(entity) {
                let core = entity.core();
                needs.keys.extend(core.keys);
                needs.scans.extend(core.scans);
            }
        }
        let captured = self.memory.capture(needs);
        let to_read = captured.to_read();
        let fetched = to_read.is_none().then(Fetched::default);
        (Item { id: self.line.next_id(), cause, entities, captured, fetched }, to_read)
    }

    fn prefetch(&self, item: u64, fetch: Fetch, me: &Addr<Self>) {
        let (reader, me) = (Arc::clone(&self.around.reader), me.clone());
        actix::spawn(async move {
            let result = reader.fetch(fetch.clone()).await;
            if result.is_err() {
                actix::clock::sleep(super::TICK).await;
            }
            me.do_send(Prefetched { item, fetch, result });
        });
    }

    pub(super) fn prefetched(&mut self, read: Prefetched, me: &Addr<Self>) {
        match read.result {
            Ok(fetched) => {
                if let Some(item) = self.line.get_mut(read.item) {
                    item.fetched = Some(fetched);
                }
                self.drive(me);
            }
            Err(error) => {
                tracing::warn!(shard = %self.shard, %error, "rows cannot be read; trying again");
                self.last_error = Some(error.to_string());
                self.prefetch(read.item, read.fetch, me);
            }
        }
    }

    /// Gives turns while the first in line is ready and none is under way.
    pub(super) fn drive(&mut self, me: &Addr<Self>) {
        self.shed_resting();
        while self.current.is_none() && self.ready() {
            let Some(item) = self.line.pop() else { return };
            self.start(item, me);
            self.shed_resting();
        }
        let current = self.current.as_ref().map(|current| current.at);
        self.memory.retire(current.into_iter().chain(self.line.oldest()).min());
    }

    /// Whether the first in line has its rows and none of its entities rests.
    fn ready(&self) -> bool {
        let Some(item) = self.line.front() else { return false };
        item.fetched.is_some()
            && self.around.clock.monotonic() >= self.rest_until
            && !item.entities.iter().any(|entity| self.rests(entity))
    }

    fn rests(&self, entity: &EntityRef) -> bool {
        self.registry.resting_until(entity).is_some_and(|until| until > self.around.clock.monotonic())
    }

    /// Sheds the commands in front whose entity rests after a panic: only a record, which must be applied in its order,
    /// holds up the others.
    fn shed_resting(&mut self) {
        let resting = |shard: &Self| match shard.line.front() {
            Some(Item { cause: Cause::Ask(part), .. }) => {
                shard.current.is_none() && shard.rests(&part.entity)
            }
            _ => false,
        };
        while resting(self) {
            let Some(Item { cause: Cause::Ask(part), entities, .. }) = self.line.pop() else { return };
            self.registry.unpin(&entities);
            self.counts.shed += 1;
            part.work.shed(self.around.options.retry_after());
        }
    }

    fn start(&mut self, item: Item, me: &Addr<Self>) {
        let Item { cause, entities, captured, fetched, .. } = item;
        let at = captured.at;
        let lacks_core =
            |entity: &EntityRef| !self.registry.is_active(entity) && !captured.names(&entity.core());
        if entities.iter().any(lacks_core) {
            // An entity panicked after this item arrived: its rows have to be read first. The item keeps its place.
            self.registry.unpin(&entities);
            return self.again(cause, me);
        }
        let rows = Arc::new(self.memory.view(captured, fetched.unwrap_or_default()));
        for entity in &entities {
            if !self.registry.is_active(entity) {
                self.registry.activate(entity, &rows);
            }
        }
        let (parts, record, timer) = match cause {
            Cause::Register { session, to } => return self.register(session, to, &rows),
            Cause::Ask(part) => (vec![part], None, None),
            Cause::Timer(chat, part) => (vec![part], None, Some(chat)),
            Cause::Record(applying) => match applying.record.as_ref().map(route::parts) {
                Some(parts) => (parts, Some(applying), None),
                None => return self.set_aside(applying, "it does not decode", &rows, me),
            },
        };
        self.turns += 1;
        self.counts.turns += 1;
        let facts = Facts { now: self.around.clock.now(), shards: self.around.shards, shard: self.shard };
        let waiting = parts.len();
        let done = parts.iter().map(|_| None).collect();
        for (index, part) in parts.into_iter().enumerate() {
            let answer = TurnAnswer::new(me.clone(), self.turns, index);
            self.registry.give(part, &rows, facts, answer);
        }
        self.current = Some(Current {
            turn: self.turns,
            rows,
            done,
            waiting,
            panicked: Vec::new(),
            entities,
            record,
            timer,
            at,
        });
        if waiting == 0 {
            self.finish(me);
        }
    }

    /// A part has answered, or its entity panicked.
    pub(super) fn decided(&mut self, answer: TurnDone, me: &Addr<Self>) {
        let Some(current) = self.current.as_mut().filter(|current| current.turn == answer.turn) else {
            return;
        };
        current.waiting -= 1;
        match (answer.done, current.done.get_mut(answer.part)) {
            (Some(done), Some(place)) => *place = Some(done),
            _ => current.panicked.extend(current.entities.get(answer.part).cloned()),
        }
        if current.waiting == 0 {
            self.finish(me);
            self.drive(me);
        }
    }

    fn finish(&mut self, me: &Addr<Self>) {
        let Some(current) = self.current.take() else { return };
        self.registry.unpin(&current.entities);
        if !current.panicked.is_empty() {
            return self.panicked(current, me);
        }
        for entity in &current.entities {
            self.registry.recovered(entity);
        }
        let mut effects = Effects::default();
        let mut reply = None;
        for done in current.done.into_iter().flatten() {
            effects.append(done.effects);
            reply = reply.or(done.reply);
        }
        let mut applied: Vec<_> = current.record.iter().map(Applying::mark).collect();
        if faults::armed("mark-dropped") {
            applied.clear();
        }
        let entry = self.ledger.enter(effects, &current.rows, applied);
        let Current { entities, record, timer, rows, .. } = current;
        let source = Source { entities, record, timer, rows: Some(rows) };
        self.commit(entry, reply, source, me);
    }

    /// Queues the commit and lets out, or keeps until it is durable, what follows from it.
    fn commit(&mut self, mut entry: Entry, reply: Option<Box<dyn Reply>>, source: Source, me: &Addr<Self>) {
        let mut departure = Departure { reply, ..Departure::default() };
        let empty = entry.batch.changes.is_empty()
            && entry.batch.emitted.is_empty()
            && entry.batch.applied.is_empty();
        if !empty {
            if faults::armed("reply-before-commit") {
                self.depart(Departure { reply: departure.reply.take(), ..Departure::default() });
            }
            match self.around.store.enqueue(self.shard, self.epoch, entry.batch.clone()) {
                Ok(ticket) => self.ticketed(&entry, ticket.place, &mut departure, me),
                Err(error) => return self.refused(&error, departure.reply, source, me),
            }
        }
        departure.pushes = std::mem::take(&mut entry.pushes);
        departure.notices = std::mem::take(&mut entry.notices);
        if faults::armed("push-before-commit") {
            self.sessions.push(std::mem::take(&mut departure.pushes));
        }
        if let Some(departure) = self.outgoing.leave(departure) {
            self.depart(departure);
        }
    }

    fn ticketed(&mut self, entry: &Entry, place: Place, departure: &mut Departure, me: &Addr<Self>) {
        self.ledger.take_up(entry);
        self.memory.write(&entry.batch.changes, place);
        self.outgoing.ticket(place);
        for change in &entry.batch.changes {
            self.observe(change, departure);
        }
        let records = entry.batch.emitted.iter().map(|emitted| {
            let record = emitted.record.clone();
            (emitted.to, PendingRecord { from: self.shard, number: emitted.number, record })
        });
        let records: Vec<_> = records.collect();
        if self.around.store.early_apply() {
            self.hand_over(records, me);
        } else {
            departure.records = records;
        }
    }

    /// Some rows mean something to the shard itself.
    fn observe(&mut self, change: &Change, departure: &mut Departure) {
        match change {
            Change::Put(Key::DirtyReads(key), row) => {
                if let Row::DirtyReads(row) = &**row {
                    self.arm(key.chat, row.due);
                }
            }
            Change::Delete(Key::DirtyReads(key)) => self.disarm(key.chat),
            Change::Put(Key::Device(key), row) => {
                if matches!(&**row, Row::Device(row) if row.revoked_at != 0) {
                    departure.revoked.push((key.account, key.device));
                }
            }
            _ => {}
        }
    }

    fn hand_over(&mut self, records: Vec<(Shard, PendingRecord)>, me: &Addr<Self>) {
        let mut own = Vec::new();
        for (to, record) in records {
            if to == self.shard {
                own.push(record);
            } else {
                self.around.routes.hand_over(to, record);
            }
        }
        if !own.is_empty() {
            // Through the mailbox rather than at once: the turn under way ends first.
            me.do_send(super::messages::Handed { records: own });
        }
    }

    /// The store gave no ticket: nothing of the turn has happened, so its entities must not remember it.
    fn refused(
        &mut self,
        error: &EnqueueError,
        reply: Option<Box<dyn Reply>>,
        source: Source,
        me: &Addr<Self>,
    ) {
        for entity in &source.entities {
            self.registry.forget(entity);
        }
        self.counts.shed += 1;
        self.last_error = Some(error.to_string());
        let gone = matches!(error, EnqueueError::NotYours | EnqueueError::Failed(_));
        if let Some(reply) = reply.filter(|_| !gone) {
            reply.shed(self.around.options.retry_after());
        }
        self.delay(source.timer);
        match (source.record, source.rows, error) {
            (Some(applying), Some(rows), EnqueueError::TooLarge { .. }) => {
                self.set_aside(applying, "what follows from it is too large for one commit", &rows, me);
            }
            (Some(applying), ..) => {
                // A record must be applied in its order: it keeps its place, and the line rests until the next tick.
                self.rest_until = self.around.clock.monotonic() + super::TICK;
                self.again(Cause::Record(applying), me);
            }
            (None, ..) => {}
        }
    }

    /// Read marks that were due and could not be told are due again soon.
    fn delay(&mut self, timer: Option<ChatId>) {
        if let Some(chat) = timer {
            self.arm(chat, self.around.clock.now().plus(super::TICK).as_millis());
        }
    }

    fn panicked(&mut self, current: Current, me: &Addr<Self>) {
        let now = self.around.clock.monotonic();
        self.counts.panics += 1;
        for entity in &current.entities {
            self.registry.forget(entity);
        }
        for entity in &current.panicked {
            tracing::error!(shard = %self.shard, ?entity, "an entity panicked; it is loaded again");
            self.last_error = Some(format!("{entity:?} panicked"));
            self.registry.panicked(entity, now);
        }
        self.delay(current.timer);
        let Some(mut applying) = current.record else { return };
        applying.panics += 1;
        if applying.panics < self.around.options.max_panics {
            return self.again(Cause::Record(applying), me);
        }
        self.set_aside(applying, "its entity panicked each time", &current.rows, me);
    }

    /// Gives a record up: it is kept as a dead letter, and the accounts it names begin a new log, so that their devices
    /// take snapshots.
    fn set_aside(&mut self, applying: Applying, reason: &str, rows: &Rows, me: &Addr<Self>) {
        self.counts.skipped += 1;
        let Applying { pending, record, .. } = &applying;
        let accounts = record.as_deref().map(route::accounts).unwrap_or_default();
        let (from, number) = (pending.from, pending.number);
        tracing::error!(shard = %self.shard, %from, %number, ?accounts, reason, "a record is set aside");
        let now = self.around.clock.now();
        let key = DeadLetterKey { to: self.shard, from, number };
        let letter =
            DeadLetterRow { at: now.as_millis(), reason: reason.to_owned(), record: pending.record.clone() };
        let mut effects = Effects { changes: vec![Change::put(key, letter)], ..Effects::default() };
        effects.changes.extend(accounts.iter().filter_map(|account| route::renewed_log(*account, rows, now)));
        let entry = self.ledger.enter(effects, rows, vec![applying.mark()]);
        let source = Source { record: Some(applying), ..Source::default() };
        self.commit(entry, None, source, me);
        if let Some(departure) = self.outgoing.leave(Departure { renewed: accounts, ..Departure::default() })
        {
            self.depart(departure);
        }
    }

    /// Tickets up to this place are durable.
    pub(super) fn durable(&mut self, up_to: Place, me: &Addr<Self>) {
        self.memory.durable(up_to);
        for mut departure in self.outgoing.durable(up_to) {
            self.hand_over(std::mem::take(&mut departure.records), me);
            self.depart(departure);
        }
        self.drive(me);
    }

    fn depart(&mut self, departure: Departure) {
        if let Some(reply) = departure.reply {
            reply.release();
        }
        self.sessions.push(departure.pushes);
        self.sessions.notify(departure.notices);
        for (account, device) in departure.revoked {
            self.sessions.revoke(account, device);
        }
        for account in departure.renewed {
            self.sessions.wake(account);
        }
    }

    fn register(&mut self, session: Session, to: oneshot::Sender<Result<(), SessionRefused>>, rows: &Rows) {
        let device = rows.get(&DeviceKey { account: session.account, device: session.device });
        if device.is_none_or(|device| device.revoked_at != 0) {
            let _ = to.send(Err(SessionRefused::Revoked));
            return;
        }
        self.sessions.add(session);
        let _ = to.send(Ok(()));
    }

    /// Remembers when the read marks of a chat are due; the earliest time counts.
    pub(super) fn arm(&mut self, chat: ChatId, due: u64) {
        if self.due.get(&chat).is_none_or(|known| due < *known) {
            self.disarm(chat);
            self.due.insert(chat, due);
            self.timers.insert((due, chat));
        }
    }

    fn disarm(&mut self, chat: ChatId) {
        if let Some(due) = self.due.remove(&chat) {
            self.timers.remove(&(due, chat));
        }
    }

    pub(super) fn fire_timers(&mut self, me: &Addr<Self>) {
        let now = self.around.clock.now().as_millis();
        while let Some((due, chat)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, chat));
            self.due.remove(&chat);
            let part = chatroom::tell_reads::part(chat, self.shard);
            self.arrive(Cause::Timer(chat, part), me);
        }
    }
}
