//! What is done above the watermark, as it travels in the metadata of a commit: run-length coded, within 4 KiB.
//!
//! `1.<token>.<checksum>.<base64 of varints>`: the lengths of runs that are not done and done, in turn, from the watermark
//! on. What does not fit, and metadata of any other form, means that the offsets are run again. Once the offset was set by
//! hand, or is no longer there, only the token counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use denrei_storage::log::{Offset, RESET_MARK};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of runs before base64: 4 KiB of metadata less the rest.
const MAX_RUN_BYTES: usize = 2_900;

/// A set of offsets as runs, first to last, in order and apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DoneSet(Vec<(u64, u64)>);

impl DoneSet {
    pub(crate) fn contains(&self, offset: Offset) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < offset.0);
        self.0.get(at).is_some_and(|(first, _)| *first <= offset.0)
    }

    /// Adds what the other holds from this offset on; all of it lies behind what is here.
    pub(crate) fn extend_from(&mut self, other: &Self, from: Offset) {
        for (first, last) in &other.0 {
            if *last >= from.0 {
                self.push((*first).max(from.0), *last);
            }
        }
    }

    /// Adds what lies from one offset on to before another; all of it lies behind what is here.
    pub(crate) fn push_before(&mut self, from: Offset, to: Offset) {
        if from < to {
            self.push(from.0, to.0 - 1);
        }
    }

    fn push(&mut self, first: u64, last: u64) {
        match self.0.last_mut() {
            Some(run) if run.1 + 1 >= first => run.1 = run.1.max(last),
            _ => self.0.push((first, last)),
        }
    }

    #[cfg(test)]
    pub(crate) fn runs(&self) -> &[(u64, u64)] {
        &self.0
    }
}

#[cfg(test)]
impl FromIterator<Offset> for DoneSet {
    /// From offsets in order.
    fn from_iter<I: IntoIterator<Item = Offset>>(offsets: I) -> Self {
        let mut set = Self::default();
        offsets.into_iter().for_each(|offset| set.push(offset.0, offset.0));
        set
    }
}

/// What is committed beside a watermark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CommitNote {
    /// Counts the assignments of the partition.
    pub(crate) token: u64,
    pub(crate) done: DoneSet,
}

impl CommitNote {
    pub(crate) fn encode(&self, watermark: Offset) -> String {
        let (mut bytes, mut at) = (Vec::new(), watermark.0);
        for (first, last) in &self.done.0 {
            let mut run = Vec::new();
            put_varint(&mut run, first - at);
            put_varint(&mut run, last - first + 1);
            if bytes.len() + run.len() > MAX_RUN_BYTES {
                break;
            }
            bytes.extend(run);
            at = last + 1;
        }
        let sum = checksum(self.token, watermark, &bytes);
        format!("1.{:x}.{sum:x}.{}", self.token, STANDARD_NO_PAD.encode(bytes))
    }

    /// What was noted at this watermark; nothing, if the note is not one of ours or belongs to another offset.
    pub(crate) fn decode(metadata: &str, watermark: Offset) -> Self {
        Self::parse(metadata, watermark).unwrap_or_default()
    }

    /// Whether the group was put elsewhere than where its last owner left it.
    pub(crate) fn is_reset(metadata: &str) -> bool {
        metadata.ends_with(RESET_MARK)
    }

    fn parse(metadata: &str, watermark: Offset) -> Option<Self> {
        let (metadata, is_reset) =
            metadata.strip_suffix(RESET_MARK).map_or((metadata, false), |kept| (kept, true));
        let mut parts = metadata.split('.');
        let (version, token, sum, runs) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "1" || parts.next().is_some() {
            return None;
        }
        let token = u64::from_str_radix(token, 16).ok()?;
        let bytes = STANDARD_NO_PAD.decode(runs).ok()?;
        if u64::from_str_radix(sum, 16).ok()? != checksum(token, watermark, &bytes) || is_reset {
            // The token is worth keeping even so: a higher one than necessary does no harm.
            return Some(Self { token, done: DoneSet::default() });
        }
        let (mut done, mut rest, mut at) = (DoneSet::default(), bytes.as_slice(), watermark.0);
        while !rest.is_empty() {
            let first = at.checked_add(take_varint(&mut rest)?)?;
            let end = first.checked_add(take_varint(&mut rest)?)?;
            done.push(first, end.checked_sub(1)?);
            at = end;
        }
        Some(Self { token, done })
    }
}

fn checksum(token: u64, watermark: Offset, bytes: &[u8]) -> u64 {
    xxh3_64(&[&token.to_be_bytes()[..], &watermark.0.to_be_bytes(), bytes].concat())
}

fn put_varint(bytes: &mut Vec<u8>, value: u64) {
    prost::encoding::encode_varint(value, bytes);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    prost::encoding::decode_varint(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_note_reads_back_at_its_watermark_and_nowhere_else(
            offsets in proptest::collection::btree_set(11_u64..5_000, 0..300), token in any::<u64>()
        ) {
            let done: DoneSet = offsets.iter().copied().map(Offset).collect();
            let note = CommitNote { token, done };
            let text = note.encode(Offset(10));
            prop_assert!(text.len() <= 4096);
            prop_assert_eq!(&CommitNote::decode(&text, Offset(10)), &note);
            prop_assert_eq!(CommitNote::decode(&text, Offset(9)).done, DoneSet::default());
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_far_end() {
        let done: DoneSet = (0..100_000).filter(|n| n % 2 == 1).map(Offset).collect();
        let text = CommitNote { token: u64::MAX, done }.encode(Offset(0));
        assert!(text.len() <= 4096, "{}", text.len());
        let read = CommitNote::decode(&text, Offset(0)).done;
        assert!(read.contains(Offset(1)) && read.contains(Offset(2_001)) && !read.contains(Offset(99_999)));
    }

    #[test]
    fn of_a_note_that_was_reset_only_the_token_is_left_even_at_the_same_watermark() {
        let note = CommitNote { token: 7, done: [Offset(12)].into_iter().collect() };
        let text = note.encode(Offset(10));
        assert!(CommitNote::is_reset(&format!("{text}.reset")) && !CommitNote::is_reset(&text));
        let left = CommitNote { token: 7, done: DoneSet::default() };
        assert_eq!(CommitNote::decode(&format!("{text}.reset"), Offset(10)), left);
    }

    #[test]
    fn metadata_of_others_means_that_all_is_run_again() {
        for text in ["", "1", "1.x.y.z", "2.1.1.AA", "decaton"] {
            assert_eq!(CommitNote::decode(text, Offset(0)), CommitNote::default(), "{text}");
        }
    }
}
