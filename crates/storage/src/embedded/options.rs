//! What an operator may set.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// When the disk has it: `fdatasync` before every answer. Survives a power cut.
    #[default]
    Sync,
    /// When the operating system has it. Survives `kill -9`; after a power cut the store may refuse to start until its
    /// loss is accepted.
    Os,
}

/// Options of the embedded store. Read at start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedOptions {
    /// Where everything is kept. Default: `data`.
    pub data_dir: PathBuf,
    /// When a commit counts as durable: `sync` or `os`. Default: `sync`.
    pub durability: Durability,
    /// Journals are kept near this size, and replayed at start. At least 64 MiB. Default: 128 MiB.
    pub journal_bytes: u64,
    /// Rows written and not yet in a table, per keyspace, of which there are five. Default: 16 MiB.
    pub memtable_bytes: u64,
    /// Memory for blocks of tables that were read. Default: 128 MiB.
    pub cache_bytes: u64,
    /// Writes are refused while less than this is free on the disk. Default: 512 MiB.
    pub free_disk_bytes: u64,
    /// How many commits may wait for the committer; beyond it, load is shed. Default: 16,384.
    pub queue_commits: NonZeroUsize,
    /// How many bytes of commits may wait for the committer. Default: 64 MiB.
    pub queue_bytes: NonZeroUsize,
    /// A group of commits is closed beyond this size; also the largest single commit: a group of 500
    /// people comes to 17 MiB when few shards hold them all. Default: 32 MiB.
    pub group_bytes: NonZeroUsize,
    /// A group holds at most this many commits. Default: 2,048.
    pub group_commits: NonZeroUsize,
    /// Threads that read. Default: 2.
    pub reader_threads: NonZeroUsize,
    /// How many reads may wait for a thread; beyond it, they are refused. Default: 4,096.
    pub reader_queue: NonZeroUsize,
}

const MIB: usize = 1024 * 1024;

const fn non_zero(number: usize) -> NonZeroUsize {
    match NonZeroUsize::new(number) {
        Some(number) => number,
        None => NonZeroUsize::MIN,
    }
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            durability: Durability::Sync,
            journal_bytes: 128 * MIB as u64,
            memtable_bytes: 16 * MIB as u64,
            cache_bytes: 128 * MIB as u64,
            free_disk_bytes: 512 * MIB as u64,
            queue_commits: non_zero(16_384),
            queue_bytes: non_zero(64 * MIB),
            group_bytes: non_zero(32 * MIB),
            group_commits: non_zero(2_048),
            reader_threads: non_zero(2),
            reader_queue: non_zero(4_096),
        }
    }
}

impl EmbeddedOptions {
    /// Options for a store in this directory, the rest by default.
    #[must_use]
    pub fn at(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), ..Self::default() }
    }

    /// Everything that is wrong with these options, in words; empty when they will do.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.journal_bytes < 64 * MIB as u64 {
            faults.push("journal_bytes must be at least 67108864 (64 MiB)".to_owned());
        }
        if self.memtable_bytes < MIB as u64 {
            faults.push("memtable_bytes must be at least 1048576 (1 MiB)".to_owned());
        }
        if self.queue_bytes < self.group_bytes {
            faults
                .push("queue_bytes must not be below group_bytes: the largest commit has to fit".to_owned());
        }
        if self.data_dir.as_os_str().is_empty() {
            faults.push("data_dir must not be empty".to_owned());
        }
        faults
    }
}
