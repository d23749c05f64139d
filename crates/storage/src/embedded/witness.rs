//! A small file beside the engine that remembers the last durable group.
//!
//! It is written after the group is durable and never before, so it may lag and is never ahead. Two slots are written in
//! turn; if a power cut tears one, the other still stands.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::link::Link;

const MAGIC: [u8; 8] = *b"denreiw1";
const SLOT: usize = 512;
const USED: usize = 40;

/// What the witness has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) number: u64,
    pub(super) hash: u128,
}

pub(super) struct Witness {
    file: File,
}

impl Witness {
    /// Makes the file, as durable as its directory entry can be made.
    pub(super) fn create(path: &Path, link: Link) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        file.set_len(2 * SLOT as u64)?;
        let witness = Self { file };
        witness.put(link)?;
        witness.file.sync_all()?;
        if let Some(parent) = path.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(witness)
    }

    /// Opens it and reads what it has seen; `None` in the pair if neither slot can be read.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<Seen>)> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut seen: Option<Seen> = None;
        for slot in 0..2_u64 {
            let mut bytes = [0; USED];
            if file.read_exact_at(&mut bytes, slot * SLOT as u64).is_ok()
                && let Some(found) = decode(&bytes)
            {
                seen = Some(match seen {
                    Some(other) if other.number > found.number => other,
                    _ => found,
                });
            }
        }
        Ok((Self { file }, seen))
    }

    /// Remembers a group that is durable. Not synced: it may lag.
    pub(super) fn put(&self, link: Link) -> io::Result<()> {
        self.file.write_all_at(&encode(link), link.number % 2 * SLOT as u64)
    }

    /// Makes it as durable as the groups are; for the end, so that it does not cost a group.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encode(link: Link) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USED);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&link.number.to_be_bytes());
    bytes.extend_from_slice(&link.hash.to_be_bytes());
    let check = xxh3_64(&bytes);
    bytes.extend_from_slice(&check.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8; USED]) -> Option<Seen> {
    let (content, check) = bytes.split_at(USED - 8);
    let content_hash = xxh3_64(content).to_be_bytes();
    let rest = content.strip_prefix(&MAGIC)?;
    let (number, hash) = rest.split_first_chunk::<8>()?;
    let seen = Seen { number: u64::from_be_bytes(*number), hash: u128::from_be_bytes(hash.try_into().ok()?) };
    (check == content_hash).then_some(seen)
}
