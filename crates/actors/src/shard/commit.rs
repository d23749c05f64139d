//! Commits: effects are numbered and queued; what follows from them leaves when they are durable.

use actix::{AsyncContext as _, Context};
use denrei_model::effects::Effects;
use denrei_model::id::ChatId;
use denrei_model::position::Place;
use denrei_model::row::{Change, DeadLetterKey, DeadLetterRow, Key, Row};
use denrei_model::shard::Shard;
use denrei_storage::shard::{EnqueueError, PendingRecord};

use super::item::{Applying, Arriving, Cause, GivenUp};
use super::ledger::Entry;
use super::outgoing::Departure;
use super::{ShardActor, faults};
use crate::command::Reply;
use crate::entity::EntityRef;
use crate::route;
use crate::rows::Rows;

/// What a commit came from: whom to load anew, and what to try again, if the store refuses it.
#[derive(Default)]
pub(super) struct Source {
    pub(super) entities: Vec<EntityRef>,
    pub(super) record: Option<Applying>,
    /// The chat whose read marks were due, if it is a timer's turn.
    pub(super) timer: Option<ChatId>,
}

impl ShardActor {
    /// Queues the commit and lets out, or keeps until it is durable, what follows from it. Tells whether the store took it.
    pub(super) fn commit(
        &mut self,
        mut entry: Entry,
        reply: Option<Box<dyn Reply>>,
        source: Source,
        ctx: &Context<Self>,
    ) -> bool {
        let mut departure = Departure { reply, ..Departure::default() };
        let empty = entry.batch.changes.is_empty()
            && entry.batch.emitted.is_empty()
            && entry.batch.applied.is_empty();
        if !empty {
            if faults::armed("reply-before-commit") {
                self.depart(Departure { reply: departure.reply.take(), ..Departure::default() });
            }
            match self.around.store.enqueue(self.shard, self.epoch, &entry.batch) {
                Ok(ticket) => self.ticketed(&mut entry, ticket.place, &mut departure, ctx),
                Err(error) => {
                    self.refused(&error, departure.reply, source, ctx);
                    return false;
                }
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
        true
    }

    fn ticketed(&mut self, entry: &mut Entry, place: Place, departure: &mut Departure, ctx: &Context<Self>) {
        self.disk_full = false;
        self.ledger.take_up(entry);
        self.memory.write(&entry.batch.changes, place);
        self.outgoing.ticket(place);
        for change in &entry.batch.changes {
            self.observe(change, departure);
        }
        let emitted = entry.batch.emitted.iter().zip(entry.records.drain(..));
        let records = emitted.map(|(emitted, record)| {
            let stored = emitted.record.clone();
            let pending = PendingRecord { from: self.shard, number: emitted.number, record: stored };
            (emitted.to, Arriving { pending, record: Some(record) })
        });
        let records: Vec<_> = records.collect();
        if self.around.store.early_apply() {
            self.hand_over(records, ctx);
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
                let device = (key.account, key.device);
                departure.devices.push(device);
                if matches!(&**row, Row::Device(row) if row.revoked_at != 0) {
                    departure.revoked.push(device);
                }
            }
            Change::Delete(Key::Device(key)) => departure.devices.push((key.account, key.device)),
            _ => {}
        }
    }

    fn hand_over(&mut self, records: Vec<(Shard, Arriving)>, ctx: &Context<Self>) {
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
            ctx.address().do_send(super::messages::Handed { records: own });
        }
    }

    /// The store gave no ticket: nothing of the turn has happened, so its entities must not remember it.
    fn refused(
        &mut self,
        error: &EnqueueError,
        reply: Option<Box<dyn Reply>>,
        source: Source,
        ctx: &Context<Self>,
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
        match (source.record, error) {
            (Some(mut applying), EnqueueError::TooLarge { .. })
                if applying.given_up != Some(GivenUp::TooLarge) =>
            {
                applying.given_up = Some(GivenUp::TooLarge);
                self.again(Cause::Record(applying), ctx);
            }
            (Some(applying), _) => {
                // A record must be applied in its order: it keeps its place, and the line rests until the next tick.
                self.rest_until = self.around.clock.monotonic() + super::TICK;
                self.disk_full = matches!(error, EnqueueError::DiskFull { .. });
                if self.disk_full {
                    self.shed_waiting();
                }
                self.again(Cause::Record(applying), ctx);
            }
            (None, _) => {}
        }
    }

    /// Gives a record up: it is kept as a dead letter. Of the accounts it names, those that can still take it do; the others
    /// begin a new log, so that their devices take snapshots. While the store refuses that, the record keeps its place.
    pub(super) fn set_aside(
        &mut self,
        mut applying: Applying,
        why: GivenUp,
        rows: &Rows,
        ctx: &Context<Self>,
    ) {
        applying.given_up = Some(why);
        let (facts, reason) = (self.facts(), why.reason().to_owned());
        let PendingRecord { from, number, record: stored } = applying.pending.clone();
        let letter = DeadLetterRow { at: facts.now.as_millis(), reason, record: stored };
        let key = DeadLetterKey { to: self.shard, from, number };
        let mut effects = Effects { changes: vec![Change::put(key, letter)], ..Effects::default() };
        let (mut named, mut renewed) = (Vec::new(), Vec::new());
        if let Some(record) = applying.record.as_deref() {
            for &account in route::accounts(record) {
                named.push(account);
                match route::heard(record, account, rows, &facts) {
                    // Its rows go on; only what its devices would be told is too much.
                    Some(heard) if why == GivenUp::TooLarge => {
                        effects.append(Effects { operations: Vec::new(), ..heard });
                    }
                    Some(heard) => {
                        effects.append(heard);
                        continue;
                    }
                    None => {}
                }
                effects.changes.extend(route::renewed_log(account, rows, facts.now));
                renewed.push(account);
            }
        }
        let entry = self.ledger.enter(effects, rows, vec![applying.mark()]);
        let source = Source { record: Some(applying), ..Source::default() };
        if !self.commit(entry, None, source, ctx) {
            return;
        }
        self.counts.skipped += 1;
        tracing::error!(shard = %self.shard, %from, %number, accounts = ?renewed, why = why.reason(), "a record is set aside");
        for account in named {
            // What it has in memory is older than its rows.
            self.registry.forget(&EntityRef::Account(account));
        }
        if let Some(departure) = self.outgoing.leave(Departure { renewed, ..Departure::default() }) {
            self.depart(departure);
        }
    }

    /// Tickets up to this place are durable.
    pub(super) fn durable(&mut self, up_to: Place, ctx: &Context<Self>) {
        self.memory.durable(up_to);
        for mut departure in self.outgoing.durable(up_to) {
            self.hand_over(std::mem::take(&mut departure.records), ctx);
            self.depart(departure);
        }
        self.drive(ctx);
    }

    fn depart(&mut self, departure: Departure) {
        // First, for whoever is answered may come again at once.
        self.around.watch.changed(departure.devices);
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
}
