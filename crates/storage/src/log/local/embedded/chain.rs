//! Tells at start whether the store gave back all that it had confirmed.
//!
//! fjall cuts a damaged journal without a word. So each group carries its number and a hash chained over the ones before as a
//! row, and a small witness file beside the database gets the last durable one after each group. At start the rows
//! must be contiguous and reach the witness.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fjall::{Keyspace, OwnedWriteBatch};

use crate::log::{ErrorKind, LogError};

/// How many links are kept: the journal holds far fewer groups than that between two flushes that matter.
const KEPT: u64 = 4096;

/// The number of a group and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Link {
    number: u64,
    hash: u64,
}

impl Link {
    fn after(self) -> Self {
        // Knuth's MMIX constants: any mixing does, since it is accidents that must show, not forgers.
        let hash = (self.hash ^ self.number)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Self { number: self.number + 1, hash }
    }

    fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.number) << 64 | u128::from(self.hash)).to_be_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        let low = |n: u128| u64::try_from(n & u128::from(u64::MAX)).unwrap_or(0);
        Self { number: low(both >> 64), hash: low(both) }
    }
}

/// The chain and its witness.
#[derive(Debug)]
pub(super) struct Chain {
    last: Link,
    witness: File,
    path: PathBuf,
}

impl Chain {
    pub(super) fn open(meta: &Keyspace, path: &Path) -> Result<Self, LogError> {
        let last = read_links(meta)?;
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let witness = open.map_err(|e| failed(path, &e))?;
        let mut bytes = [0; 16];
        let seen = witness.read_exact_at(&mut bytes, 0).map_or(Link::default(), |()| Link::from_bytes(bytes));
        if seen.number > last.number {
            let lost = seen.number - last.number;
            return Err(LogError::new(
                ErrorKind::Corrupt,
                format!("the log lost its last {lost} groups of appends; {} knows of them", path.display()),
            ));
        }
        Ok(Self { last, witness, path: path.to_owned() })
    }

    /// Adds the next link to a batch.
    pub(super) fn next(&self, batch: &mut OwnedWriteBatch, meta: &Keyspace) -> Link {
        let link = self.last.after();
        batch.insert(meta, key(link.number), &link.to_bytes()[..]);
        if let Some(old) = link.number.checked_sub(KEPT) {
            batch.remove(meta, key(old));
        }
        link
    }

    /// The batch is durable.
    pub(super) fn done(&mut self, link: Link) -> Result<(), LogError> {
        self.last = link;
        self.witness.write_all_at(&link.to_bytes(), 0).map_err(|e| failed(&self.path, &e))
    }
}

fn key(number: u64) -> Vec<u8> {
    [b"g", &number.to_be_bytes()[..]].concat()
}

fn read_links(meta: &Keyspace) -> Result<Link, LogError> {
    let broken =
        |what: &str| LogError::new(ErrorKind::Corrupt, format!("the chain of groups is broken: {what}"));
    let mut last: Option<Link> = None;
    for row in meta.prefix("g") {
        let value = row.value().map_err(super::foreign)?;
        let link = Link::from_bytes(value[..].try_into().map_err(|_| broken("a link of another size"))?);
        if last.is_some_and(|last| last.after() != link) {
            return Err(broken("a link is missing"));
        }
        last = Some(link);
    }
    Ok(last.unwrap_or_default())
}

fn failed(path: &Path, error: &std::io::Error) -> LogError {
    LogError::new(ErrorKind::Fatal, format!("{}: {error}", path.display()))
}
