//! The rows of a log in a fjall database.

mod chain;

use std::ops::Bound;
use std::path::Path;

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use parking_lot::Mutex;

use self::chain::Chain;
use super::engine::LocalOptions;
use super::kv::{Kv, Op, Rows, Space};
use crate::log::{ErrorKind, LogError};

/// What a confirmed append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Loss of power: every group is synced to disk before it can be read.
    #[default]
    Sync,
    /// The end of the process, however it ends; not loss of power.
    Os,
}

/// How an embedded log keeps its rows.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedOptions {
    /// What a confirmed append survives. Default [`Durability::Sync`].
    pub durability: Durability,
    /// Bounds of the log.
    pub log: LocalOptions,
}

/// fjall replays its journal at start: this much at most.
const JOURNAL_BYTES: u64 = 64 << 20;
const CACHE_BYTES: u64 = 32 << 20;
/// Chunks larger than this are kept apart from their keys, so that compaction does not rewrite them.
const SEPARATION_BYTES: u32 = 4096;

pub(in crate::log) struct EmbeddedKv {
    database: Database,
    meta: Keyspace,
    records: Keyspace,
    timers: Keyspace,
    chain: Mutex<Chain>,
    mode: PersistMode,
}

impl EmbeddedKv {
    pub(in crate::log) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, LogError> {
        let database = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .manual_journal_persist(true)
            .open()
            .map_err(foreign)?;
        let meta = database.keyspace("log_meta", KeyspaceCreateOptions::default).map_err(foreign)?;
        let separated = || {
            let apart = KvSeparationOptions::default().separation_threshold(SEPARATION_BYTES);
            KeyspaceCreateOptions::default().with_kv_separation(Some(apart))
        };
        let records = database.keyspace("log_records", separated).map_err(foreign)?;
        let timers = database.keyspace("log_timers", KeyspaceCreateOptions::default).map_err(foreign)?;
        let chain = Mutex::new(Chain::open(&meta, &path.join("log.witness"))?);
        let mode = match options.durability {
            Durability::Sync => PersistMode::SyncData,
            Durability::Os => PersistMode::Buffer,
        };
        Ok(Self { database, meta, records, timers, chain, mode })
    }

    fn space(&self, space: Space) -> &Keyspace {
        match space {
            Space::Meta => &self.meta,
            Space::Records => &self.records,
            Space::Timers => &self.timers,
        }
    }
}

impl Kv for EmbeddedKv {
    fn apply(&self, ops: Vec<Op>) -> Result<(), LogError> {
        let mut chain = self.chain.lock();
        let mut batch = self.database.batch().durability(Some(self.mode));
        for op in ops {
            match op {
                Op::Put(space, key, value) => batch.insert(self.space(space), key, &value[..]),
                Op::Delete(space, key) => batch.remove(self.space(space), key),
            }
        }
        let link = chain.next(&mut batch, &self.meta);
        batch.commit().map_err(foreign)?;
        chain.done(link)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, LogError> {
        let value = self.space(space).get(key).map_err(foreign)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, LogError> {
        let range = (Bound::Included(from), Bound::Excluded(to));
        self.space(space).range::<&[u8], _>(range).take(limit).map(row).collect()
    }

    fn last(&self, space: Space, from: &[u8], upto: &[u8]) -> Result<Option<(Bytes, Bytes)>, LogError> {
        let range = (Bound::Included(from), Bound::Included(upto));
        self.space(space).range::<&[u8], _>(range).next_back().map(row).transpose()
    }

    fn used(&self) -> u64 {
        self.database.disk_space().unwrap_or(0)
    }
}

fn row(guard: fjall::Guard) -> Result<(Bytes, Bytes), LogError> {
    let (key, value) = guard.into_inner().map_err(foreign)?;
    Ok((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)))
}

/// The one place where fjall's errors become ours: the database poisons itself after a failed write, so none passes.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn foreign(error: fjall::Error) -> LogError {
    LogError::new(ErrorKind::Fatal, error.to_string())
}
