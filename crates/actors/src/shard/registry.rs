//! The registry: who is active on a shard. Only here are the addresses of entities kept.

use std::collections::VecDeque;
use std::time::Duration;

use actix::Addr;
use foldhash::HashMap;

use crate::account::Account;
use crate::chatroom::Chatroom;
use crate::command::Facts;
use crate::entity::{Entity, EntityActor, EntityRef, Part, PartWork, Turn, TurnAnswer, load};
use crate::name::Name;
use crate::rows::Rows;

/// Where an entity can be reached.
enum Address {
    Account(Addr<EntityActor<Account>>),
    Chat(Addr<EntityActor<Chatroom>>),
    Name(Addr<EntityActor<Name>>),
}

struct Active {
    address: Address,
    /// When it was last used: only the newest mention in `used` counts.
    stamp: u64,
}

/// What went wrong with an entity, and until when it rests.
struct Failure {
    panics: u32,
    until: Duration,
}

/// How many of each kind are active.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Census {
    pub(crate) accounts: usize,
    pub(crate) chats: usize,
    pub(crate) names: usize,
}

impl Census {
    fn of(&mut self, entity: &EntityRef) -> &mut usize {
        match entity {
            EntityRef::Account(_) => &mut self.accounts,
            EntityRef::Chat(_) => &mut self.chats,
            EntityRef::Name(_) => &mut self.names,
        }
    }
}

/// Longest rest after repeated panics.
const MAX_BACK_OFF: Duration = Duration::from_secs(30);

/// The active entities, their order of use, and how many waiting items need each.
pub(crate) struct Registry {
    active: HashMap<EntityRef, Active>,
    used: VecDeque<(EntityRef, u64)>,
    pins: HashMap<EntityRef, u32>,
    census: Census,
    failures: HashMap<EntityRef, Failure>,
    stamp: u64,
    max_active: usize,
}

impl Registry {
    pub(crate) fn new(max_active: usize) -> Self {
        Self {
            active: HashMap::default(),
            used: VecDeque::new(),
            pins: HashMap::default(),
            census: Census::default(),
            failures: HashMap::default(),
            stamp: 0,
            max_active,
        }
    }

    pub(crate) fn is_active(&self, entity: &EntityRef) -> bool {
        self.active.contains_key(entity)
    }

    /// How many are active.
    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    /// How many are active, by kind.
    pub(crate) const fn census(&self) -> Census {
        self.census
    }

    /// How many items need it.
    pub(crate) fn pinned_by(&self, entity: &EntityRef) -> u32 {
        self.pins.get(entity).copied().unwrap_or_default()
    }

    /// The active ones, in no order.
    pub(crate) fn entities(&self) -> impl Iterator<Item = &EntityRef> {
        self.active.keys()
    }

    /// An item that needs it waits: it is not passivated meanwhile.
    pub(crate) fn pin(&mut self, entity: &EntityRef) {
        *self.pins.entry(entity.clone()).or_default() += 1;
    }

    /// What needed these entities is over.
    pub(crate) fn unpin(&mut self, entities: &[EntityRef]) {
        for entity in entities {
            self.unpin_one(entity);
        }
        self.passivate();
    }

    fn unpin_one(&mut self, entity: &EntityRef) {
        if let Some(count) = self.pins.get_mut(entity) {
            *count -= 1;
            if *count == 0 {
                self.pins.remove(entity);
            }
        }
    }

    /// Until when (on the monotonic clock) it rests after panics.
    pub(crate) fn resting_until(&self, entity: &EntityRef) -> Option<Duration> {
        self.failures.get(entity).map(|failure| failure.until)
    }

    /// It panicked: its actor is gone, and it rests for a while, longer each time.
    pub(crate) fn panicked(&mut self, entity: &EntityRef, now: Duration) {
        self.forget(entity);
        let failure = self.failures.entry(entity.clone()).or_insert(Failure { panics: 0, until: now });
        failure.panics = failure.panics.saturating_add(1);
        let rest = Duration::from_millis(10).saturating_mul(1 << failure.panics.min(12));
        failure.until = now.saturating_add(rest.min(MAX_BACK_OFF));
    }

    /// It decided without trouble.
    pub(crate) fn recovered(&mut self, entity: &EntityRef) {
        if !self.failures.is_empty() {
            self.failures.remove(entity);
        }
    }

    /// Drops its actor; what it holds in memory must not be used again.
    pub(crate) fn forget(&mut self, entity: &EntityRef) {
        if self.active.remove(entity).is_some() {
            *self.census.of(entity) -= 1;
        }
    }

    /// Starts its actor from the rows of its core.
    pub(crate) fn activate(&mut self, entity: &EntityRef, rows: &Rows) {
        let core = entity.core();
        let address = match entity {
            EntityRef::Account(id) => {
                Address::Account(EntityActor::start_with(load(Account::empty(*id), &core, rows)))
            }
            EntityRef::Chat(id) => {
                Address::Chat(EntityActor::start_with(load(Chatroom::empty(*id), &core, rows)))
            }
            EntityRef::Name(name) => {
                Address::Name(EntityActor::start_with(load(Name::empty(name.clone()), &core, rows)))
            }
        };
        if self.active.insert(entity.clone(), Active { address, stamp: 0 }).is_none() {
            *self.census.of(entity) += 1;
        }
        self.touch(entity);
        self.passivate();
    }

    fn touch(&mut self, entity: &EntityRef) {
        self.stamp += 1;
        if let Some(active) = self.active.get_mut(entity) {
            active.stamp = self.stamp;
            self.used.push_back((entity.clone(), self.stamp));
        }
        // Mentions that no longer count are dropped before the queue outgrows what it lists.
        if self.used.len() > 2 * self.active.len() + 64 {
            let active = &self.active;
            self.used.retain(|(entity, stamp)| active.get(entity).is_some_and(|found| found.stamp == *stamp));
        }
    }

    /// Lets the least recently used go while there are too many, sparing those that items wait for.
    fn passivate(&mut self) {
        let mut looked = 0;
        while self.active.len() > self.max_active && looked < 16 {
            looked += 1;
            let Some((entity, stamp)) = self.used.pop_front() else { return };
            if self.active.get(&entity).is_none_or(|active| active.stamp != stamp) {
                continue;
            }
            if self.pins.contains_key(&entity) {
                self.used.push_back((entity, stamp));
            } else {
                self.forget(&entity);
            }
        }
    }

    /// Gives an entity its part of a turn. It must be active; if its mailbox is closed, the drop of the turn says so.
    pub(crate) fn give(&mut self, part: Part, rows: &std::sync::Arc<Rows>, facts: Facts, answer: TurnAnswer) {
        self.touch(&part.entity);
        let Some(active) = self.active.get(&part.entity) else { return };
        let rows = std::sync::Arc::clone(rows);
        // Bounded by design: a shard has one turn at a time, so each mailbox holds at most one.
        match (&active.address, part.work) {
            (Address::Account(address), PartWork::Account(work)) => {
                address.do_send(Turn { work, rows, facts, answer });
            }
            (Address::Chat(address), PartWork::Chat(work)) => {
                address.do_send(Turn { work, rows, facts, answer });
            }
            (Address::Name(address), PartWork::Name(work)) => {
                address.do_send(Turn { work, rows, facts, answer });
            }
            _ => tracing::error!(entity = ?part.entity, "work for another kind of entity is dropped"),
        }
    }
}

#[cfg(test)]
#[path = "registry/tests.rs"]
mod tests;
