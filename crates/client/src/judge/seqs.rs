//! Sets of seqs: 64 to a word, so that what every member was told can be held for all of them.

use std::collections::BTreeMap;

/// A set of seqs.
#[derive(Default)]
pub(super) struct Seqs(BTreeMap<u64, u64>);

impl Seqs {
    pub(super) fn insert(&mut self, seq: u64) {
        *self.0.entry(seq / 64).or_default() |= 1 << (seq % 64);
    }

    pub(super) fn contains(&self, seq: u64) -> bool {
        self.0.get(&(seq / 64)).is_some_and(|word| word >> (seq % 64) & 1 == 1)
    }

    /// The lowest of them.
    pub(super) fn first(&self) -> Option<u64> {
        self.0.first_key_value().map(|(high, word)| high * 64 + u64::from(word.trailing_zeros()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_in_it_and_nothing_else() {
        let mut seqs = Seqs::default();
        assert_eq!(seqs.first(), None);
        [u64::MAX, 200, 63, 64].into_iter().for_each(|seq| seqs.insert(seq));
        let found: Vec<u64> = (0..300).filter(|seq| seqs.contains(*seq)).collect();
        assert_eq!(found, [63, 64, 200]);
        assert!(seqs.contains(u64::MAX));
        assert_eq!(seqs.first(), Some(63));
    }
}
