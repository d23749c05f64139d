//! Folding the batches of a group into one: the last write of a key wins.

use std::collections::hash_map::Entry;

use fjall::Slice;
use foldhash::HashMap;

use super::encode::{Item, Write};
use super::spaces::Space;

/// What one commit of the engine writes. Two writes of one key in one engine batch would carry the same sequence number,
/// so that folding is needed to be right, not only to be quick.
#[derive(Default)]
pub(super) struct Group {
    items: Vec<Folded>,
    places: HashMap<Slice, usize>,
}

struct Folded {
    space: Space,
    key: Slice,
    /// None when nothing is to be written after all.
    write: Option<Write>,
}

impl Group {
    /// Takes in the next batch.
    pub(super) fn add(&mut self, items: Vec<Item>) {
        for Item { space, key, write } in items {
            match self.places.entry(key) {
                Entry::Vacant(vacant) => {
                    let key = vacant.key().clone();
                    vacant.insert(self.items.len());
                    self.items.push(Folded { space, key, write: Some(write) });
                }
                Entry::Occupied(occupied) => {
                    if let Some(earlier) = self.items.get_mut(*occupied.get()) {
                        earlier.write = match (&earlier.write, write) {
                            // The record came and went within the group.
                            (Some(Write::Put(_)) | None, Write::Settle) => None,
                            (_, write) => Some(write),
                        };
                    }
                }
            }
        }
    }

    /// Gives up what is to be written and is ready for the next group; capacity stays.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Space, Slice, Option<Slice>)> + '_ {
        self.places.clear();
        self.items.drain(..).filter_map(|folded| {
            let value = match folded.write? {
                Write::Put(value) => Some(value),
                Write::Delete | Write::Settle => None,
            };
            Some((folded.space, folded.key, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &[u8], write: Write) -> Item {
        Item { space: Space::Inbox, key: Slice::from(key), write }
    }

    fn put(value: &[u8]) -> Write {
        Write::Put(Slice::from(value))
    }

    fn fold(writes: Vec<Write>) -> Vec<Option<Slice>> {
        let mut group = Group::default();
        for write in writes {
            group.add(vec![item(b"k", write)]);
        }
        group.drain().map(|(_, _, value)| value).collect()
    }

    #[test]
    fn the_last_write_of_a_key_wins() {
        assert_eq!(fold(vec![put(b"1"), put(b"2")]), [Some(Slice::from(b"2"))]);
        assert_eq!(fold(vec![put(b"1"), Write::Delete]), [None]);
        assert_eq!(fold(vec![Write::Delete, put(b"1")]), [Some(Slice::from(b"1"))]);
    }

    #[test]
    fn a_record_that_comes_and_goes_within_a_group_is_not_written() {
        assert!(fold(vec![put(b"1"), Write::Settle]).is_empty());
    }

    #[test]
    fn a_record_of_an_earlier_group_is_removed() {
        assert_eq!(fold(vec![Write::Settle]), [None]);
    }

    #[test]
    fn nothing_of_a_group_is_left_for_the_next() {
        let mut group = Group::default();
        group.add(vec![item(b"k", put(b"1"))]);
        assert_eq!(group.drain().count(), 1);
        group.add(vec![item(b"k", Write::Settle)]);
        assert_eq!(group.drain().map(|(_, _, value)| value).collect::<Vec<_>>(), [None]);
    }
}
