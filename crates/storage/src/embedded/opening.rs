//! Opening the engine, with a look at its journals before and at the chain after.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use denrei_model::clock::Clock;
use fjall::{CompressionType, Database};

use super::chain::{Chain, verify};
use super::error::OpenError;
use super::journal::{Journal, journals};
use super::meta::StoreMeta;
use super::options::EmbeddedOptions;
use super::spaces::Spaces;
use super::witness::{Seen, Witness};

/// The engine, checked, and where the chain goes on.
pub(super) struct Opened {
    pub(super) db: Database,
    pub(super) spaces: Spaces,
    pub(super) meta: StoreMeta,
    pub(super) chain: Chain,
    pub(super) witness: Witness,
}

/// Where the engine keeps its files.
pub(super) fn engine_path(data_dir: &Path) -> PathBuf {
    data_dir.join("shards")
}

/// Where the witness is.
pub(super) fn witness_path(data_dir: &Path) -> PathBuf {
    data_dir.join("witness")
}

fn damaged<T>(path: &Path, reason: impl Into<String>) -> Result<T, OpenError> {
    Err(OpenError::Damaged { path: path.to_owned(), reason: reason.into() })
}

impl Opened {
    pub(super) fn open(
        options: &EmbeddedOptions,
        shards: u16,
        seed: u64,
        clock: &dyn Clock,
    ) -> Result<Self, OpenError> {
        let (path, witness_path) = (engine_path(&options.data_dir), witness_path(&options.data_dir));
        let witness = open_witness(&witness_path)?;
        let seen = match &witness {
            Some((_, None)) => return damaged(&witness_path, "neither of its two slots can be read"),
            Some((_, seen)) => *seen,
            None => None,
        };
        let found = journals(&path).map_err(OpenError::io(&path))?;
        check_journals(&found, seen)?;
        cut_torn_tail(&found)?;
        let db = database(options, &path)?;
        let spaces = Spaces::open(&db, options.memtable_bytes).map_err(OpenError::engine(&path))?;
        let mut meta = match (StoreMeta::read(&db, &spaces, &path)?, seen) {
            (Some(meta), _) => meta,
            (None, None) => StoreMeta::new(shards, seed, clock.now().as_millis()),
            (None, Some(_)) => return damaged(&path, "there is a witness of groups, but the store is empty"),
        };
        meta.check(&path, shards, seed)?;
        let links = verify(&db.snapshot(), &spaces, &path, seen)?;
        let chain = Chain::root(&meta.root, options.journal_bytes).resume(&links);
        meta.opened += 1;
        meta.write(&db, &spaces, &path)?;
        let witness = match witness {
            Some((witness, _)) => {
                // It lags by no more than this run: the journals are durable, for the meta row behind them is.
                let renewed = witness.put(chain.last()).and_then(|()| witness.sync());
                renewed.map_err(OpenError::io(&witness_path))?;
                witness
            }
            None if links.is_empty() => {
                Witness::create(&witness_path, chain.last()).map_err(OpenError::io(&witness_path))?
            }
            None => return damaged(&witness_path, "it is missing, though the store has groups"),
        };
        Ok(Self { db, spaces, meta, chain, witness })
    }
}

/// The witness and what it has seen; `None` if there is none.
pub(super) fn open_witness(path: &Path) -> Result<Option<(Witness, Option<Seen>)>, OpenError> {
    match Witness::open(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OpenError::Io { path: path.to_owned(), source }),
    }
}

/// Refuses journals from which something durable is missing, while they are still as they were found. Only the last one
/// may end in the middle of a batch, where the process died, and only after what the witness has seen. The witness may lag
/// after a power cut; but a group is written once the one before it is durable, so that nothing whole follows such an end.
pub(super) fn check_journals(journals: &[Journal], seen: Option<Seen>) -> Result<(), OpenError> {
    let Some((newest, older)) = journals.split_last() else { return Ok(()) };
    if let Some(journal) = older.iter().find(|journal| journal.damaged) {
        let reason = format!("what follows {} is no batch, and later journals exist", end(journal));
        return damaged(&journal.path, reason);
    }
    // Journals go oldest first, so that if they hold any group they hold the last one. They hold none only when all rows
    // are in tables, and then nothing has been written to the newest one.
    let last = journals.iter().filter_map(|journal| journal.groups).map(|(_, last)| last).max();
    let seen = seen.filter(|seen| last.is_some() || (newest.damaged && seen.number > 0));
    let lost = seen.map_or(0, |seen| seen.number.saturating_sub(last.unwrap_or(0)));
    if let Some(Seen { number, .. }) = seen.filter(|_| lost > 0) {
        let end = end(newest);
        let reason = format!("it ends after {end}, but group {number} was durable: {lost} groups are lost");
        return damaged(&newest.path, reason);
    }
    if let Some(beyond) = newest.beyond {
        let reason = format!("what follows {} is no batch, and {beyond} is whole", end(newest));
        return damaged(&newest.path, reason);
    }
    Ok(())
}

fn end(journal: &Journal) -> String {
    let group = journal.groups.map_or_else(|| "its start".to_owned(), |(_, group)| format!("group {group}"));
    format!("{group} at byte {}", journal.valid_bytes)
}

/// Takes away the batch in which the process died, if it left one: the engine refuses some forms of it.
fn cut_torn_tail(journals: &[Journal]) -> Result<(), OpenError> {
    let Some(journal) = journals.last().filter(|journal| journal.damaged) else { return Ok(()) };
    let at = journal.valid_bytes;
    tracing::info!(path = %journal.path.display(), at, "the last batch was not finished; it is cut away");
    let cut = OpenOptions::new().write(true).open(&journal.path).and_then(|file| {
        file.set_len(at)?;
        file.sync_all()
    });
    cut.map_err(OpenError::io(&journal.path))
}

/// Opens or makes the engine.
pub(super) fn database(options: &EmbeddedOptions, path: &Path) -> Result<Database, OpenError> {
    Database::builder(path)
        .cache_size(options.cache_bytes)
        .max_journaling_size(options.journal_bytes)
        .journal_compression(CompressionType::None)
        .worker_threads(2)
        .open()
        .map_err(OpenError::engine(path))
}
