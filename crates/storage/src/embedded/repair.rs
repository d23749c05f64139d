//! What an operator can do about a damaged store: look, and then accept what is lost.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use denrei_model::clock::Clock;
use fjall::PersistMode;

use super::chain::{Chain, links, verify};
use super::error::OpenError;
use super::journal::{Journal, journals};
use super::link::{Link, PREFIX};
use super::lock::DirectoryLock;
use super::meta::{StoreMeta, random};
use super::opening::{check_journals, database, engine_path, open_witness, witness_path};
use super::options::EmbeddedOptions;
use super::spaces::{Space, Spaces};
use super::witness::Witness;

/// What a look at a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The engine's journals, oldest first.
    pub journals: Vec<Journal>,
    /// The last group that the witness has seen.
    pub witnessed: Option<u64>,
    /// The last group that could be kept, if journals or tables tell it.
    pub kept: Option<u64>,
    /// Why the store does not open; nothing if it does.
    pub fault: Option<String>,
}

impl Inspection {
    /// The last group that was durable, if the witness can be read. It may lag behind what journals and tables tell.
    #[must_use]
    pub fn durable(&self) -> Option<u64> {
        let beyond = self.journals.iter().filter_map(|journal| journal.beyond?.group).max();
        Some(self.witnessed?.max(self.kept.max(beyond).unwrap_or(0)))
    }

    /// How many groups that were durable would be given up.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        self.fault.as_ref()?;
        Some(self.durable()?.saturating_sub(self.kept?))
    }
}

/// What was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What the store is now known by; log ids change with it.
    pub incarnation: [u8; 16],
    /// Copies of the journals that were cut or taken away, for whoever wants to look into them.
    pub set_aside: Vec<PathBuf>,
    /// The last group of each keyspace. Where they differ, rows of the groups between are there in part.
    pub kept: Vec<(Space, u64)>,
}

/// Looks at a store without changing anything that was durable.
///
/// # Errors
/// [`OpenError::InUse`], [`OpenError::Io`]; damage is what it is there to tell.
pub fn inspect(options: &EmbeddedOptions, clock: &dyn Clock) -> Result<Inspection, OpenError> {
    let path = engine_path(&options.data_dir);
    let _lock = DirectoryLock::acquire(&options.data_dir, clock.now())?;
    let journals = journals(&path).map_err(OpenError::io(&path))?;
    let seen = open_witness(&witness_path(&options.data_dir))?.and_then(|(_, seen)| seen);
    let whole = journals.iter().take_while(|journal| !journal.damaged).count();
    let kept =
        journals.iter().take(whole + 1).filter_map(|journal| journal.groups).map(|(_, last)| last).max();
    let mut found = Inspection { witnessed: seen.map(|seen| seen.number), kept, fault: None, journals };
    let fault = match check_journals(&found.journals, seen) {
        // The engine cuts what it does not understand: it may look only at journals that are whole.
        Ok(()) if whole == found.journals.len() => look(options, &path, &mut found).err(),
        Ok(()) => None,
        Err(error) => Some(error),
    };
    found.fault = fault.map(|error| error.to_string());
    Ok(found)
}

fn look(options: &EmbeddedOptions, path: &Path, found: &mut Inspection) -> Result<(), OpenError> {
    if found.journals.is_empty() && !path.exists() {
        let reason = "there is no store".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), reason });
    }
    let db = database(options, path)?;
    let spaces = Spaces::open(&db, options.memtable_bytes).map_err(OpenError::engine(path))?;
    let last = last_groups(&db, &spaces, path)?;
    found.kept = last.iter().map(|(_, last)| *last).min();
    let witness = witness_path(&options.data_dir);
    let seen = match open_witness(&witness)? {
        Some((_, Some(seen))) => seen,
        Some((_, None)) => {
            return Err(OpenError::Damaged { path: witness, reason: "it cannot be read".to_owned() });
        }
        None => return Err(OpenError::Damaged { path: witness, reason: "it is missing".to_owned() }),
    };
    verify(&db.snapshot(), &spaces, path, Some(seen)).map(|_| ())
}

fn last_groups(db: &fjall::Database, spaces: &Spaces, path: &Path) -> Result<Vec<(Space, u64)>, OpenError> {
    let snapshot = db.snapshot();
    let last = Space::ALL.map(|space| {
        let links = links(&snapshot, spaces, space).map_err(OpenError::engine(path))?;
        Ok((space, links.into_iter().flatten().map(|link| link.number).max().unwrap_or(0)))
    });
    last.into_iter().collect()
}

/// Gives up what [`inspect`] says is lost: journals are cut at the damage and later ones set aside, the chain starts
/// anew, and the store gets another incarnation, so that no device goes on as if nothing had happened.
///
/// # Errors
/// See [`OpenError`]; it can be called again after one.
pub fn accept_loss(options: &EmbeddedOptions, clock: &dyn Clock) -> Result<Accepted, OpenError> {
    let path = engine_path(&options.data_dir);
    let _lock = DirectoryLock::acquire(&options.data_dir, clock.now())?;
    let set_aside = cut(&path, clock.now().as_millis())?;
    let db = database(options, &path)?;
    let spaces = Spaces::open(&db, options.memtable_bytes).map_err(OpenError::engine(&path))?;
    let Some(mut meta) = StoreMeta::read(&db, &spaces, &path)? else {
        let reason = "nothing says what store it was".to_owned();
        return Err(OpenError::Damaged { path, reason });
    };
    let kept = last_groups(&db, &spaces, &path)?;
    let incarnation = random();
    meta.incarnation = incarnation.to_vec();
    meta.root = incarnation.to_vec();
    let snapshot = db.snapshot();
    let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
    for space in Space::ALL {
        let keyspace = spaces.get(space);
        for row in fjall::Readable::prefix(&snapshot, keyspace, [PREFIX]) {
            batch.remove(keyspace, row.key().map_err(OpenError::engine(&path))?);
        }
    }
    batch.commit().map_err(OpenError::engine(&path))?;
    meta.write(&db, &spaces, &path)?;
    let witness = witness_path(&options.data_dir);
    let root: Link = Chain::root(&meta.root, options.journal_bytes).last();
    Witness::create(&witness, root).map_err(OpenError::io(&witness))?;
    Ok(Accepted { incarnation, set_aside, kept })
}

/// Cuts the first damaged journal and sets it and all later ones aside: what is left is a prefix.
fn cut(path: &Path, now: u64) -> Result<Vec<PathBuf>, OpenError> {
    let mut set_aside = Vec::new();
    let found = journals(path).map_err(OpenError::io(path))?;
    let first = found.iter().position(|journal| journal.damaged).unwrap_or(found.len());
    for (index, journal) in found.iter().enumerate().skip(first) {
        let copy = journal.path.with_extension(format!("cut-{now}"));
        let done = if index == first {
            std::fs::copy(&journal.path, &copy).and_then(|_| {
                let file = OpenOptions::new().write(true).open(&journal.path)?;
                file.set_len(journal.valid_bytes)?;
                file.sync_all()
            })
        } else {
            std::fs::rename(&journal.path, &copy)
        };
        done.map_err(OpenError::io(&journal.path))?;
        set_aside.push(copy);
    }
    Ok(set_aside)
}
