//! Effects: what a decision wants. The shard gives the numbers, makes it one commit, and only then lets it out.

use crate::id::AccountId;
use crate::operation::Payload;
use crate::record::Record;
use crate::row::Change;
use crate::shard::Shard;

/// What one decision wants written and told.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Effects {
    /// Rows of the deciding actor.
    pub changes: Vec<Change>,
    /// Operations for logs of this shard; each gets the next revision of its account, in this order.
    pub operations: Vec<Draft>,
    /// Records for other entities, by the shard where they live; that may be this one.
    pub emits: Vec<Emit>,
    /// What open streams are told once, without an operation.
    pub notices: Vec<Notice>,
}

/// An operation that has no revision yet.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// Whose log it goes to.
    pub account: AccountId,
    /// When it happened, milliseconds since the epoch.
    pub created_at: u64,
    /// What happened.
    pub payload: Payload,
}

/// A record that has no number yet.
#[derive(Clone, PartialEq, Debug)]
pub struct Emit {
    /// The shard that is to apply it.
    pub to: Shard,
    /// The record.
    pub record: Record,
}

/// Something for the open streams of an account; lost if there is none.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// Whose streams.
    pub account: AccountId,
    /// What they are told, as the payload of an operation would be.
    pub payload: Payload,
}

impl Effects {
    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.operations.is_empty()
            && self.emits.is_empty()
            && self.notices.is_empty()
    }

    /// Takes up what another decision of the same commit wants.
    pub fn append(&mut self, mut other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        self.changes.append(&mut other.changes);
        self.operations.append(&mut other.operations);
        self.emits.append(&mut other.emits);
        self.notices.append(&mut other.notices);
    }
}
