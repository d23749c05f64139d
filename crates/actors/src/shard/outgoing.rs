//! What waits for a ticket to become durable before it may leave: replies, pushes, notices, records.

use std::collections::VecDeque;

use denrei_model::effects::Notice;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::position::Place;
use denrei_model::shard::Shard;

use super::item::Arriving;
use super::ledger::Push;
use crate::command::Reply;

/// What follows from one turn.
#[derive(Default)]
pub(crate) struct Departure {
    pub(crate) reply: Option<Box<dyn Reply>>,
    pub(crate) pushes: Vec<Push>,
    pub(crate) notices: Vec<Notice>,
    /// Records, where they may not be applied before their source is durable.
    pub(crate) records: Vec<(Shard, Arriving)>,
    /// Devices whose rows have changed.
    pub(crate) devices: Vec<(AccountId, DeviceId)>,
    /// Devices that were logged out.
    pub(crate) revoked: Vec<(AccountId, DeviceId)>,
    /// Accounts whose log has a new id.
    pub(crate) renewed: Vec<AccountId>,
}

/// Departures in the order of their tickets.
#[derive(Default)]
pub(crate) struct Outgoing {
    waiting: VecDeque<(Place, Departure)>,
    /// The highest ticket of the shard: whatever leaves may have seen what it holds.
    last: Place,
    durable: Place,
}

impl Outgoing {
    /// A commit has its ticket.
    pub(crate) fn ticket(&mut self, place: Place) {
        self.last = self.last.max(place);
    }

    /// Something wants to leave; it waits for the shard's last ticket. Given back at once if that is durable.
    pub(crate) fn leave(&mut self, departure: Departure) -> Option<Departure> {
        if self.last <= self.durable {
            return Some(departure);
        }
        self.waiting.push_back((self.last, departure));
        None
    }

    /// Tickets up to this place are durable: what may leave now.
    pub(crate) fn durable(&mut self, up_to: Place) -> Vec<Departure> {
        self.durable = self.durable.max(up_to);
        let ready = self.waiting.partition_point(|(place, _)| *place <= self.durable);
        self.waiting.drain(..ready).map(|(_, departure)| departure).collect()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The highest ticket, and the highest durable place.
    pub(crate) fn marks(&self) -> (Place, Place) {
        (self.last, self.durable)
    }
}

#[cfg(test)]
#[path = "outgoing/tests.rs"]
mod tests;
