//! Turns: one item at a time has its rows read, is decided by its entities, and goes on to its commit.

use std::sync::Arc;

use actix::{AsyncContext as _, Context};
use denrei_model::effects::Effects;
use denrei_model::id::ChatId;
use denrei_model::row::DeviceKey;
use denrei_storage::shard::{Fetch, Fetched, ReadError};
use tokio::sync::oneshot;

use super::commit::Source;
use super::item::{Applying, Cause, GivenUp, Item};
use super::messages::{Prefetched, TurnDone};
use super::{ShardActor, faults};
use crate::command::Facts;
use crate::entity::{Done, EntityRef, TurnAnswer};
use crate::route;
use crate::rows::Rows;
use crate::session::{Session, SessionRefused};

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

impl ShardActor {
    /// Puts something at the end of the line.
    pub(super) fn arrive(&mut self, cause: Cause, ctx: &Context<Self>) {
        let (item, to_read) = self.prepare(cause, false);
        let id = item.id;
        self.line.push(item);
        match to_read {
            Some(fetch) => self.prefetch(id, fetch, ctx),
            None => self.drive(ctx),
        }
    }

    /// Puts something back to the front of the line, with all its rows to be looked at anew.
    pub(super) fn again(&mut self, cause: Cause, ctx: &Context<Self>) {
        let (item, to_read) = self.prepare(cause, true);
        let id = self.line.unpop(item);
        if let Some(fetch) = to_read {
            self.prefetch(id, fetch, ctx);
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
        let since = match &cause {
            Cause::Record(applying) => applying.since,
            _ => self.around.clock.monotonic(),
        };
        let id = self.line.next_id();
        (Item { id, cause, since, entities, captured, fetched, damaged: false }, to_read)
    }

    fn prefetch(&self, item: u64, fetch: Fetch, ctx: &Context<Self>) {
        let (reader, me) = (Arc::clone(&self.around.reader), ctx.address());
        actix::spawn(async move {
            let result = reader.fetch(fetch.clone()).await;
            if result.is_err() {
                actix::clock::sleep(super::TICK).await;
            }
            me.do_send(Prefetched { item, fetch, result });
        });
    }

    /// Reads row by row, and goes without those that are damaged.
    fn salvage(&self, item: u64, fetch: Fetch, ctx: &Context<Self>) {
        let (reader, me) = (Arc::clone(&self.around.reader), ctx.address());
        actix::spawn(async move {
            let (mut read, mut fetched) = (Fetch::default(), Fetched::default());
            for key in fetch.keys {
                let one = Fetch { keys: vec![key.clone()], scans: Vec::new() };
                while me.connected() {
                    match reader.fetch(one.clone()).await {
                        Ok(found) => {
                            read.keys.push(key);
                            fetched.rows.extend(found.rows);
                            break;
                        }
                        Err(ReadError::Unavailable(_)) => actix::clock::sleep(super::TICK).await,
                        Err(ReadError::Damaged(_)) => break,
                    }
                }
            }
            me.do_send(Prefetched { item, fetch: read, result: Ok(fetched) });
        });
    }

    pub(super) fn prefetched(&mut self, read: Prefetched, ctx: &Context<Self>) {
        match read.result {
            Ok(fetched) => {
                if let Some(item) = self.line.get_mut(read.item) {
                    item.captured.make_do_with(&read.fetch.keys);
                    item.fetched = Some(fetched);
                }
                self.drive(ctx);
            }
            Err(error @ ReadError::Unavailable(_)) => {
                tracing::warn!(shard = %self.shard, %error, "rows cannot be read; trying again");
                self.last_error = Some(error.to_string());
                self.prefetch(read.item, read.fetch, ctx);
            }
            Err(error @ ReadError::Damaged(_)) => {
                tracing::error!(shard = %self.shard, %error, "rows are damaged; what needs them is given up");
                self.last_error = Some(error.to_string());
                if let Some(item) = self.line.get_mut(read.item) {
                    item.damaged = true;
                }
                self.drive(ctx);
            }
        }
    }

    /// Gives turns while the first in line is ready and none is under way.
    pub(super) fn drive(&mut self, ctx: &Context<Self>) {
        self.shed_resting();
        while self.current.is_none() && self.ready() {
            let Some(item) = self.line.pop() else { return };
            self.start(item, ctx);
            self.shed_resting();
        }
        let current = self.current.as_ref().map(|current| current.at);
        self.memory.retire(current.into_iter().chain(self.line.oldest()).min());
        self.attend(ctx);
    }

    /// Whether the first in line has its rows and none of its entities rests.
    fn ready(&self) -> bool {
        let Some(item) = self.line.front() else { return false };
        item.is_read()
            && self.around.clock.monotonic() >= self.rest_until
            && !item.entities.iter().any(|entity| self.rests(entity))
    }

    fn rests(&self, entity: &EntityRef) -> bool {
        self.registry.resting_until(entity).is_some_and(|until| until > self.around.clock.monotonic())
    }

    /// Sheds the commands in front whose entity rests after a panic, and puts timers off: only a record, which must be applied
    /// in its order, holds up the others.
    fn shed_resting(&mut self) {
        while self.current.is_none() {
            let resting = match self.line.front().map(|item| &item.cause) {
                Some(Cause::Ask(part) | Cause::Timer(_, part)) if self.rests(&part.entity) => {
                    self.registry.resting_until(&part.entity).unwrap_or_default()
                }
                _ => return,
            };
            let Some(Item { cause, entities, .. }) = self.line.pop() else { return };
            self.registry.unpin(&entities);
            match cause {
                Cause::Timer(chat, _) => {
                    let rest = resting.saturating_sub(self.around.clock.monotonic());
                    self.arm(chat, self.around.clock.now().plus(rest).as_millis());
                }
                cause => self.shed(cause),
            }
        }
    }

    /// Whether one more command would wait in vain, or for too long.
    pub(super) fn has_no_room(&self) -> bool {
        let held_up = self.disk_full && self.line.records() > 0;
        held_up || self.line.commands() >= self.around.options.max_queued_commands
    }

    /// Sheds all commands that wait behind a record for which the disk has no room: it may rest for long.
    pub(super) fn shed_waiting(&mut self) {
        for cause in self.line.take_commands() {
            self.shed(cause);
        }
    }

    /// Tells whoever asked to come back later.
    fn shed(&mut self, cause: Cause) {
        self.counts.shed += 1;
        let after = self.around.options.retry_after();
        match cause {
            Cause::Ask(part) => part.work.shed(after),
            Cause::Register { to, .. } => drop(to.send(Err(SessionRefused::Overloaded))),
            Cause::Sweep(step) => step.shed(after),
            Cause::Timer(chat, _) => self.delay(Some(chat)),
            Cause::Record(_) | Cause::Shed => {}
        }
    }

    /// There is nothing to decide, or the rows for it are damaged. A record is then set aside, once there are the rows for
    /// that; who asked hears that nothing is known, by the drop of the way back.
    fn give_up(&mut self, item: Item, ctx: &Context<Self>) {
        self.registry.unpin(&item.entities);
        if let Cause::Record(mut applying) = item.cause {
            applying.given_up.get_or_insert(GivenUp::Damaged);
            let (item, to_read) = self.prepare(Cause::Record(applying), true);
            let id = self.line.unpop(item);
            if let Some(fetch) = to_read {
                self.salvage(id, fetch, ctx);
            }
        }
    }

    fn start(&mut self, item: Item, ctx: &Context<Self>) {
        if item.damaged || matches!(item.cause, Cause::Shed) {
            return self.give_up(item, ctx);
        }
        let Item { cause, entities, captured, fetched, .. } = item;
        let at = captured.at;
        let lacks_core =
            |entity: &EntityRef| !self.registry.is_active(entity) && !captured.names(&entity.core());
        if entities.iter().any(lacks_core) {
            // An entity panicked after this item arrived: its rows have to be read first. The item keeps its place.
            self.registry.unpin(&entities);
            return self.again(cause, ctx);
        }
        let rows = Arc::new(self.memory.view(captured, fetched.unwrap_or_default()));
        for entity in &entities {
            if !self.registry.is_active(entity) {
                self.registry.activate(entity, &rows);
            }
        }
        let (parts, record, timer) = match cause {
            Cause::Register { session, to } => return self.register(session, to, &rows),
            Cause::Sweep(step) => return self.sweep(step, &rows, ctx),
            Cause::Shed => return,
            Cause::Ask(part) => (vec![part], None, None),
            Cause::Timer(chat, part) => (vec![part], None, Some(chat)),
            Cause::Record(applying) => match (applying.given_up, applying.record.as_ref()) {
                (Some(why), _) => return self.set_aside(applying, why, &rows, ctx),
                (None, None) => return self.set_aside(applying, GivenUp::Malformed, &rows, ctx),
                (None, Some(record)) => (route::parts(record), Some(applying), None),
            },
        };
        self.turns += 1;
        self.counts.turns += 1;
        let facts = self.facts();
        let waiting = parts.len();
        let done = parts.iter().map(|_| None).collect();
        for (index, part) in parts.into_iter().enumerate() {
            let answer = TurnAnswer::new(ctx.address(), self.turns, index);
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
            self.finish(ctx);
        }
    }

    /// A part has answered, or its entity panicked.
    pub(super) fn decided(&mut self, answer: TurnDone, ctx: &Context<Self>) {
        let Some(current) = self.current.as_mut().filter(|current| current.turn == answer.turn) else {
            return;
        };
        current.waiting -= 1;
        match (answer.done, current.done.get_mut(answer.part)) {
            (Some(done), Some(place)) => *place = Some(done),
            _ => current.panicked.extend(current.entities.get(answer.part).cloned()),
        }
        if current.waiting == 0 {
            self.finish(ctx);
            self.drive(ctx);
        }
    }

    fn finish(&mut self, ctx: &Context<Self>) {
        let Some(current) = self.current.take() else { return };
        self.registry.unpin(&current.entities);
        if !current.panicked.is_empty() {
            return self.panicked(current, ctx);
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
        let Current { entities, record, timer, .. } = current;
        let source = Source { entities, record, timer };
        self.commit(entry, reply, source, ctx);
    }

    fn panicked(&mut self, current: Current, ctx: &Context<Self>) {
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
        if applying.panics >= self.around.options.max_panics {
            applying.given_up = Some(GivenUp::Panicked);
        }
        self.again(Cause::Record(applying), ctx);
    }

    /// What decisions may know now.
    pub(super) fn facts(&self) -> Facts {
        Facts { now: self.around.clock.now(), shards: self.around.shards, shard: self.shard }
    }

    fn register(&mut self, session: Session, to: oneshot::Sender<Result<(), SessionRefused>>, rows: &Rows) {
        let device = rows.get(&DeviceKey { account: session.account, device: session.device });
        if device.is_none_or(|device| device.revoked_at != 0) {
            let _ = to.send(Err(SessionRefused::Revoked));
            return;
        }
        let (account, stream) = (session.account, session.stream);
        self.sessions.add(session);
        if to.send(Ok(())).is_err() {
            // Given up while it waited; its end was told before there was anything to end.
            self.sessions.remove(account, stream);
        }
    }
}
