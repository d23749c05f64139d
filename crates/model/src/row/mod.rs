//! Rows: what decisions write, typed. A table has a key struct and a row struct; both are listed in [`tables`].
//!
//! Every row has exactly one writing actor. Keys sort as their encoded bytes do (a test holds that), so that a backend
//! with ordered bytes and one with an ordered map give the same ranges.

mod field;
pub mod tables;
pub mod values;

use std::sync::Arc;

pub use tables::{
    AccountChatKey, AccountKey, AnswerKey, ChatKey, ContactKey, DeadLetterKey, DeviceKey, DirtyReadsKey,
    FollowerKey, HeadKey, HighWaterKey, InboxKey, Key, MemberKey, MessageKey, NameKey, OpKey, OutNumberKey,
    ReceivedKey, Row, SettingKey, Table,
};
pub use values::{
    AccountChatRow, AccountRow, AnswerRow, ChatRow, CounterRow, DeadLetterRow, DeviceRow, DirtyReadsRow,
    FollowerRow, HeadRow, InboxRow, Interval, MemberRow, MessageRow, NameRow, OpRow, ReceivedRow,
};

/// One row written or removed.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// The row is now this.
    Put(Key, Arc<Row>),
    /// The row is gone.
    Delete(Key),
}

impl Change {
    /// Writes a row of the key's own table. The row is shared, not copied, between the batch and a shard's cache.
    #[must_use]
    pub fn put<K: TableKey>(key: K, row: K::Row) -> Self {
        Self::Put(key.into(), Arc::new(K::wrap(row)))
    }

    /// Removes a row.
    #[must_use]
    pub fn delete<K: TableKey>(key: K) -> Self {
        Self::Delete(key.into())
    }

    /// The key concerned.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

/// A key that knows its table's row.
pub trait TableKey: Into<Key> + Clone + 'static {
    /// What the table holds.
    type Row: Clone + 'static;

    /// A row of this table as a row of any.
    fn wrap(row: Self::Row) -> Row;

    /// The row, if it is one of this table.
    fn row(row: &Row) -> Option<&Self::Row>;
}

/// Why stored bytes are no row or key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The bytes of a key do not have its table's form.
    #[error("malformed key of table {0}")]
    Key(u8),
    /// The value does not decode.
    #[error("malformed row of {table:?}: {reason}")]
    Value {
        /// Of which table.
        table: Table,
        /// What the decoder said.
        reason: String,
    },
}

/// A range of keys, `from` included, `to` not.
#[derive(Clone, PartialEq, Debug)]
pub struct KeyRange {
    /// The first key.
    pub from: Key,
    /// The key that ends it, not part of it.
    pub to: Key,
}

impl KeyRange {
    /// Keys of one table from one to before another.
    #[must_use]
    pub fn new(from: impl Into<Key>, to: impl Into<Key>) -> Self {
        Self { from: from.into(), to: to.into() }
    }

    /// Whether the key lies within.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        *key >= self.from && *key < self.to
    }
}

#[cfg(test)]
mod tests;
