//! The chain of groups: what was durable is there, all of it and in one piece, or the store does not open.
//!
//! fjall cuts a damaged journal at the damage and opens without a word. So every group leaves a [`Link`] in every
//! keyspace, and the links must be contiguous, the same everywhere, and reach what the witness has seen. Links are kept
//! for as long as journals may hold the rows beside them.

use std::collections::VecDeque;
use std::path::Path;

use fjall::{Readable as _, Slice, Snapshot};
use xxhash_rust::xxh3::Xxh3;

use super::error::OpenError;
use super::link::{Link, PREFIX};
use super::spaces::{Space, Spaces};
use super::witness::Seen;

/// Links are dropped beyond this many, to bound the time that a start takes.
const MOST_LINKS: usize = 262_144;

/// A group removes at most this many old links.
const MOST_EXPIRED: usize = 16;

/// Where the chain stands.
pub(super) struct Chain {
    last: Link,
    /// Numbers and totals of the links that are stored.
    kept: VecDeque<(u64, u64)>,
    /// Links are kept for this many bytes of journal.
    window: u64,
}

impl Chain {
    /// A chain that starts; the incarnation tells it from every other.
    pub(super) fn root(incarnation: &[u8], journal_bytes: u64) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_128(incarnation);
        let last = Link { number: 0, total: 0, hash };
        Self { last, kept: VecDeque::new(), window: 2 * journal_bytes + 128 * 1024 * 1024 }
    }

    /// Goes on from what is stored.
    pub(super) fn resume(self, links: &[Link]) -> Self {
        Self {
            last: links.last().copied().unwrap_or(self.last),
            kept: links.iter().map(|link| (link.number, link.total)).collect(),
            window: self.window,
        }
    }

    pub(super) const fn last(&self) -> Link {
        self.last
    }

    /// The link of the next group, from a hash over what it writes.
    pub(super) fn extend(&mut self, digest: u128, bytes: u64) -> Link {
        let mut hasher = Xxh3::new();
        hasher.update(&self.last.hash.to_be_bytes());
        hasher.update(&self.last.number.to_be_bytes());
        hasher.update(&digest.to_be_bytes());
        let (number, total) = (self.last.number + 1, self.last.total.saturating_add(bytes));
        self.last = Link { number, total, hash: hasher.digest128() };
        self.kept.push_back((number, total));
        self.last
    }

    /// Keys of links that may go now.
    pub(super) fn expire(&mut self) -> impl Iterator<Item = Slice> + '_ {
        let horizon = self.last.total.saturating_sub(self.window);
        let mut left = MOST_EXPIRED;
        std::iter::from_fn(move || {
            let &(number, total) = self.kept.front()?;
            if left == 0 || (total >= horizon && self.kept.len() <= MOST_LINKS) {
                return None;
            }
            left -= 1;
            self.kept.pop_front();
            Some(Link::key(number))
        })
    }
}

/// The links of one keyspace, in order.
pub(super) fn links(snapshot: &Snapshot, spaces: &Spaces, space: Space) -> fjall::Result<Vec<Option<Link>>> {
    snapshot
        .prefix(spaces.get(space), [PREFIX])
        .map(|row| row.into_inner().map(|(key, value)| Link::decode(&key, &value)))
        .collect()
}

/// The links, if nothing is missing from any keyspace and they reach what the witness has seen.
pub(super) fn verify(
    snapshot: &Snapshot,
    spaces: &Spaces,
    path: &Path,
    seen: Option<Seen>,
) -> Result<Vec<Link>, OpenError> {
    let damaged = |reason: String| OpenError::Damaged { path: path.to_owned(), reason };
    let mut first: Option<Vec<Link>> = None;
    for space in Space::ALL {
        let links = links(snapshot, spaces, space).map_err(OpenError::engine(path))?;
        let links: Option<Vec<Link>> = links.into_iter().collect();
        let links = links.ok_or_else(|| damaged(format!("a link in keyspace {space:?} is malformed")))?;
        if let Some(hole) = links.windows(2).find(|pair| matches!(pair, [a, b] if a.number + 1 != b.number)) {
            return Err(damaged(format!("groups are missing from keyspace {space:?} between {hole:?}")));
        }
        match &first {
            None => first = Some(links),
            Some(first) if *first == links => {}
            Some(first) => {
                let (here, there) = (links.last().map(|l| l.number), first.last().map(|l| l.number));
                return Err(damaged(format!(
                    "keyspace {space:?} ends at group {here:?} and keyspace State at {there:?}: a journal was cut"
                )));
            }
        }
    }
    let links = first.unwrap_or_default();
    let last = links.last().map_or(0, |link| link.number);
    if let Some(seen) = seen {
        if last < seen.number {
            return Err(damaged(format!(
                "the journal ends at group {last}, but group {} was durable: {} groups are lost",
                seen.number,
                seen.number - last
            )));
        }
        if links.iter().any(|link| link.number == seen.number && link.hash != seen.hash) {
            return Err(damaged(format!("group {} is not the one that was written", seen.number)));
        }
    }
    Ok(links)
}

#[cfg(test)]
mod tests;
