//! A link of the chain of groups: one row in every keyspace, in the very batch of the group.
//!
//! A keyspace is flushed on its own, so that a journal cut short can take rows from one keyspace and leave another's. A
//! link per keyspace is flushed and lost with the rows beside it, and so shows it.

use fjall::Slice;

/// First byte of the keys of links; no table has the number 0.
pub(super) const PREFIX: u8 = 0;

/// What is known of a group once it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// 1, 2, 3 …
    pub(super) number: u64,
    /// About how many bytes of journal all groups so far have taken.
    pub(super) total: u64,
    /// Hash over the previous link's and over everything the group wrote.
    pub(super) hash: u128,
}

impl Link {
    pub(super) fn key(number: u64) -> Slice {
        let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
        Slice::from([PREFIX, a, b, c, d, e, f, g, h])
    }

    pub(super) fn value(&self) -> Slice {
        let mut bytes = [0; 24];
        let (total, hash) = bytes.split_at_mut(8);
        total.copy_from_slice(&self.total.to_be_bytes());
        hash.copy_from_slice(&self.hash.to_be_bytes());
        Slice::from(bytes)
    }

    pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let (&PREFIX, number) = key.split_first()? else { return None };
        let (total, hash) = value.split_first_chunk::<8>()?;
        Some(Self {
            number: u64::from_be_bytes(number.try_into().ok()?),
            total: u64::from_be_bytes(*total),
            hash: u128::from_be_bytes(hash.try_into().ok()?),
        })
    }
}
