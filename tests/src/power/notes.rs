//! Reading what the shim has noted. The form is that of `struct note` in `shim/power.c`.

use std::path::Path;

/// What happened to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Written,
    Shortened,
    Synced,
    Born,
    Gone,
    Renamed,
}

/// One note.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// Where in the log it begins: the order of things.
    pub(super) position: u64,
    pub(super) kind: Kind,
    pub(super) inode: u64,
    /// An offset in the file, the end of the log when a sync began, or the inode of a folder.
    pub(super) at: u64,
    pub(super) length: u64,
    /// What stood there before, or names.
    pub(super) data: Vec<u8>,
}

const HEAD: usize = 32;

/// All notes. The last one may be torn: its process was killed.
pub(super) fn read(log: &Path) -> Vec<Note> {
    let bytes = std::fs::read(log).expect("the shim has noted something: is it preloaded?");
    let mut notes = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((note, after)) = first(rest, (bytes.len() - rest.len()) as u64) {
        notes.push(note);
        rest = after;
    }
    notes
}

fn first(bytes: &[u8], position: u64) -> Option<(Note, &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let (kind, head) = head.split_first_chunk::<4>()?;
    let (size, head) = head.split_first_chunk::<4>()?;
    let (inode, head) = head.split_first_chunk::<8>()?;
    let (at, head) = head.split_first_chunk::<8>()?;
    let length = head.first_chunk::<8>()?;
    let kind = match u32::from_le_bytes(*kind) {
        1 => Kind::Written,
        2 => Kind::Shortened,
        3 => Kind::Synced,
        4 => Kind::Born,
        5 => Kind::Gone,
        6 => Kind::Renamed,
        other => panic!("a note of kind {other} at {position}"),
    };
    let (data, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*size)).ok()?)?;
    let [inode, at, length] = [inode, at, length].map(|number| u64::from_le_bytes(*number));
    Some((Note { position, kind, inode, at, length, data: data.to_vec() }, rest))
}
