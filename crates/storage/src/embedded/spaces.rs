//! Which keyspace of the engine holds which table: tables that are read alike lie together.

use std::sync::Arc;

use denrei_model::row::Table;
use fjall::compaction::Leveled;
use fjall::config::{CompressionPolicy, RestartIntervalPolicy};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions};

/// Tables are about this large. While one is written, the engine holds the blocks that it was merged from in memory, not
/// compressed: its own 64 MiB would cost hundreds.
const TABLE_BYTES: u64 = 16 * 1024 * 1024;

/// A keyspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Space {
    /// Small rows read singly: what entities are.
    State,
    /// Logs read by ranges: operations.
    Ops,
    /// Messages, and the counts at them: by ranges, written once.
    Messages,
    /// Records between shards, which come and go, and their numbers.
    Inbox,
    /// Answers kept for 48 hours, read singly and mostly not there.
    Answers,
}

impl Space {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::State, Self::Ops, Self::Messages, Self::Inbox, Self::Answers];

    /// Where a table lies.
    #[must_use]
    pub const fn of(table: Table) -> Self {
        match table {
            Table::Op => Self::Ops,
            Table::Message | Table::Received => Self::Messages,
            Table::Inbox | Table::OutNumber | Table::HighWater => Self::Inbox,
            Table::Answer => Self::Answers,
            Table::Account
            | Table::Head
            | Table::Device
            | Table::Contact
            | Table::Follower
            | Table::AccountChat
            | Table::Setting
            | Table::Chat
            | Table::Member
            | Table::Name
            | Table::DirtyReads
            | Table::DeadLetter => Self::State,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Ops => "ops",
            Self::Messages => "messages",
            Self::Inbox => "inbox",
            Self::Answers => "answers",
        }
    }
}

/// The open keyspaces.
#[derive(Clone)]
pub struct Spaces {
    state: Keyspace,
    ops: Keyspace,
    messages: Keyspace,
    inbox: Keyspace,
    answers: Keyspace,
}

impl Spaces {
    /// Opens or creates them all, with memtables of this many bytes.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn open(db: &Database, memtable_bytes: u64) -> fjall::Result<Self> {
        let open = |space: Space| {
            db.keyspace(space.name(), || {
                let merging = Leveled::default().with_table_target_size(TABLE_BYTES);
                let options = KeyspaceCreateOptions::default()
                    .max_memtable_size(memtable_bytes)
                    .compaction_strategy(Arc::new(merging));
                match space {
                    // Text in bulk shrinks well, and a range is read whole.
                    Space::Ops | Space::Messages => options
                        .data_block_compression_policy(CompressionPolicy::new([
                            CompressionType::None,
                            CompressionType::Lz4,
                        ]))
                        .data_block_restart_interval_policy(RestartIntervalPolicy::all(16)),
                    Space::State | Space::Inbox | Space::Answers => options,
                }
            })
        };
        Ok(Self {
            state: open(Space::State)?,
            ops: open(Space::Ops)?,
            messages: open(Space::Messages)?,
            inbox: open(Space::Inbox)?,
            answers: open(Space::Answers)?,
        })
    }

    /// The engine's handle.
    #[must_use]
    pub const fn get(&self, space: Space) -> &Keyspace {
        match space {
            Space::State => &self.state,
            Space::Ops => &self.ops,
            Space::Messages => &self.messages,
            Space::Inbox => &self.inbox,
            Space::Answers => &self.answers,
        }
    }
}
