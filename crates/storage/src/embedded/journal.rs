//! Reading the engine's journals before the engine does, which cuts them at the first damage and says nothing.
//!
//! A journal of fjall 3.1 is batches, then zeroes: `1 count:u32 seqno:u64`, so many items `2 type:u8 compression:u8
//! keyspace:u64 key:u16 value:u32 stored:u32 bytes…` (or `4 keyspace:u64`), then `3 xxh3_64:u64 "FJL\x03"`, all
//! little-endian.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use xxhash_rust::xxh3::xxh3_64;

use super::link::Link;

/// The engine spends a sequence number on other things than batches now and then, but not so many.
const MOST_SKIPPED: u64 = 1 << 20;

/// So many times its length is read of what follows a damage, at most, in search of a whole batch.
const MOST_READ: usize = 64;

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
    /// What is whole behind the damage; an end at which the process died has nothing behind it.
    pub beyond: Option<Beyond>,
}

/// A whole batch behind a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// Where it starts.
    pub at: u64,
    /// The last group from there on, as far as batches follow each other; none if what is there is not the store's own, or
    /// if so much looked like a batch that not all of it was read.
    pub group: Option<u64>,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group {
            Some(group) => write!(f, "what is at byte {}, up to group {group},", self.at),
            None => write!(f, "what is at byte {}", self.at),
        }
    }
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
    let groups = follow(&mut rest, before);
    let valid_bytes = (bytes.len() - rest.len()) as u64;
    let written = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let found = rest.get(..written).and_then(|rest| beyond(rest, *before));
    let beyond = found.map(|(skipped, group)| Beyond { at: valid_bytes + skipped as u64, group });
    Ok(Journal { path, valid_bytes, damaged: written > 0, groups, beyond })
}

/// Reads batches for as long as each is whole and follows the one before; tells the first and the last group.
fn follow(rest: &mut &[u8], before: &mut Option<u64>) -> Option<(u64, u64)> {
    let mut groups: Option<(u64, u64)> = None;
    let mut ahead = *rest;
    while let Some(Batch { seqno, group }) = batch(&mut ahead) {
        // The engine's checksum does not cover this number, though it decides which write of a key is the last.
        if !follows(seqno, *before) {
            break;
        }
        *before = Some(seqno);
        if let Some(group) = group {
            groups = Some((groups.map_or(group, |(first, _)| first), group));
        }
        *rest = ahead;
    }
    groups
}

fn follows(seqno: u64, before: Option<u64>) -> bool {
    before.is_none_or(|before| seqno > before && seqno - before <= MOST_SKIPPED)
}

/// Looks for a whole batch in what follows a damage: how far into it, and the last group from there on. Bytes of a message
/// may look like one: its sequence number and its checksum have to be right. Whatever makes that too long to find out
/// counts as found, for only what is certainly an unfinished end may be cut.
fn beyond(rest: &[u8], before: Option<u64>) -> Option<(usize, Option<u64>)> {
    let mut left = rest.len().saturating_mul(MOST_READ);
    for at in 0..rest.len() {
        let from = rest.get(at..)?;
        // A whole batch at the very place is one whose sequence number is damaged.
        if at > 0 && !starts(from, before) {
            continue;
        }
        let mut ahead = from;
        if batch(&mut ahead).is_some() {
            return Some((at, follow(&mut { from }, &mut None).map(|(_, last)| last)));
        }
        match left.checked_sub(from.len() - ahead.len()) {
            Some(fewer) => left = fewer,
            None => return Some((at, None)),
        }
    }
    None
}

/// Whether this can be the start of a batch that was written after the one with the sequence number `before`.
fn starts(mut bytes: &[u8], before: Option<u64>) -> bool {
    take(&mut bytes) == Some([1])
        && take(&mut bytes).is_some_and(|count| u32::from_le_bytes(count) > 0)
        && take(&mut bytes).is_some_and(|seqno| follows(u64::from_le_bytes(seqno), before))
}

struct Batch {
    seqno: u64,
    /// The number of the group, if it is one of the store's.
    group: Option<u64>,
}

/// Reads the batch at the start of these bytes, if it is whole; else the bytes that are left tell how far that took.
fn batch(rest: &mut &[u8]) -> Option<Batch> {
    if take::<1>(rest)? != [1] {
        return None;
    }
    let count = u32::from_le_bytes(take(rest)?);
    let seqno = u64::from_le_bytes(take(rest)?);
    let items = *rest;
    let mut group = None;
    for _ in 0..count {
        match take::<1>(rest)? {
            [2] => {
                let [kind, _] = take(rest)?;
                take::<8>(rest)?;
                let key = usize::from(u16::from_le_bytes(take(rest)?));
                take::<4>(rest)?;
                let stored = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
                let (key, after) = rest.split_at_checked(key)?;
                let (value, after) = after.split_at_checked(stored)?;
                *rest = after;
                if kind == 0 {
                    group = group.or_else(|| Link::decode(key, value).map(|link| link.number));
                }
            }
            [4] => {
                take::<8>(rest)?;
            }
            _ => return None,
        }
    }
    let content = items.get(..items.len() - rest.len())?;
    if take::<1>(rest)? != [3] {
        return None;
    }
    let check = u64::from_le_bytes(take(rest)?);
    (take(rest)? == *b"FJL\x03" && check == xxh3_64(content)).then_some(Batch { seqno, group })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts of batches whose one item reaches to a common end, so that each is read up to there.
    fn nested(starts: usize) -> Vec<u8> {
        const HEAD: usize = 13 + 21;
        let mut bytes = Vec::new();
        for left in (0..starts).rev() {
            let stored = u32::try_from(left * HEAD).unwrap();
            bytes.push(1);
            bytes.extend(1_u32.to_le_bytes());
            bytes.extend(8_u64.to_le_bytes());
            bytes.extend([2, 0, 0]);
            bytes.extend([0; 8 + 2]);
            bytes.extend(stored.to_le_bytes());
            bytes.extend(stored.to_le_bytes());
        }
        bytes.extend([3, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"FJL\x03");
        bytes
    }

    #[test]
    fn what_takes_too_long_to_tell_from_a_batch_counts_as_one() {
        assert_eq!(beyond(&nested(20), Some(7)), None);
        assert!(matches!(beyond(&nested(1_000), Some(7)), Some((_, None))));
        assert_eq!(beyond(&nested(1_000), Some(8)), None, "numbers that were used are passed over");
    }
}
