//! Reading the engine's journals before the engine does, which cuts them at the first damage and says nothing.
//!
//! A journal of fjall 3.1 is batches, then zeroes: `1 count:u32 seqno:u64`, so many items `2 type:u8 compression:u8
//! keyspace:u64 key:u16 value:u32 stored:u32 bytes…` (or `4 keyspace:u64`), then `3 xxh3_64:u64 "FJL\x03"`, all
//! little-endian.

use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::link::Link;

/// The engine spends a sequence number on other things than batches now and then, but not so many.
const MOST_SKIPPED: u64 = 1 << 20;

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The file.
    pub path: PathBuf,
    /// Up to here every batch is whole.
    pub valid_bytes: u64,
    /// Whether something else than zeroes follows.
    pub damaged: bool,
    /// The first and the last group in the whole batches.
    pub groups: Option<(u64, u64)>,
}

/// All journals in a directory of the engine, oldest first.
pub(super) fn journals(directory: &Path) -> io::Result<Vec<Journal>> {
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let number = path.extension().filter(|extension| *extension == "jnl").and_then(|_| {
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok())
        });
        found.extend(number.map(|number| (number, path)));
    }
    found.sort_unstable();
    let mut before = None;
    found.into_iter().map(|(_, path)| journal(path, &mut before)).collect()
}

/// Reads a journal whose batches follow the one with the sequence number `before`.
fn journal(path: PathBuf, before: &mut Option<u64>) -> io::Result<Journal> {
    let bytes = std::fs::read(&path)?;
    let mut rest = bytes.as_slice();
    let mut groups: Option<(u64, u64)> = None;
    while let Some(Batch { seqno, group, after }) = batch(rest) {
        // The engine's checksum does not cover this number, though it decides which write of a key is the last.
        if before.is_some_and(|before| seqno <= before || seqno - before > MOST_SKIPPED) {
            break;
        }
        *before = Some(seqno);
        if let Some(group) = group {
            groups = Some((groups.map_or(group, |(first, _)| first), group));
        }
        rest = after;
    }
    let valid_bytes = (bytes.len() - rest.len()) as u64;
    Ok(Journal { path, valid_bytes, damaged: rest.iter().any(|byte| *byte != 0), groups })
}

struct Batch<'a> {
    seqno: u64,
    /// The number of the group, if it is one of the store's.
    group: Option<u64>,
    after: &'a [u8],
}

/// The batch at the start of these bytes, if it is whole.
fn batch(bytes: &[u8]) -> Option<Batch<'_>> {
    let mut rest = bytes;
    if take::<1>(&mut rest)? != [1] {
        return None;
    }
    let count = u32::from_le_bytes(take(&mut rest)?);
    let seqno = u64::from_le_bytes(take(&mut rest)?);
    let items = rest;
    let mut group = None;
    for _ in 0..count {
        match take::<1>(&mut rest)? {
            [2] => {
                let [kind, _] = take(&mut rest)?;
                take::<8>(&mut rest)?;
                let key = usize::from(u16::from_le_bytes(take(&mut rest)?));
                take::<4>(&mut rest)?;
                let stored = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
                let (key, after) = rest.split_at_checked(key)?;
                let (value, after) = after.split_at_checked(stored)?;
                rest = after;
                if kind == 0 {
                    group = group.or_else(|| Link::decode(key, value).map(|link| link.number));
                }
            }
            [4] => {
                take::<8>(&mut rest)?;
            }
            _ => return None,
        }
    }
    let content = items.get(..items.len() - rest.len())?;
    if take::<1>(&mut rest)? != [3] || u64::from_le_bytes(take(&mut rest)?) != xxh3_64(content) {
        return None;
    }
    (take(&mut rest)? == *b"FJL\x03").then_some(Batch { seqno, group, after: rest })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}
