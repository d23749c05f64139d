//! Taking back what no sync has covered. Writes become what stood there before, zeroes where nothing did: the file does not
//! get shorter. A file that was made or renamed goes back unless it, or its folder, was synced since.

use std::collections::HashMap;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::notes::{Kind, Note, read};
use crate::chance::Chance;
use crate::node::{edit, files};

/// What of the writes that were not synced is lost.
pub enum Loss<'a> {
    /// All of it.
    Everything,
    /// Each write with even odds, in no order: a disk writes what it likes first.
    Some(&'a mut Chance),
}

/// What was taken back.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Writes and truncations.
    pub writes: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were made or renamed.
    pub names: usize,
}

/// What no sync has covered yet, in the order in which it was done.
#[derive(Default)]
struct Pending<'a> {
    contents: HashMap<u64, Vec<&'a Note>>,
    names: Vec<&'a Note>,
}

pub(super) fn take_back(log: &Path, root: &Path, loss: &mut Loss<'_>) -> Taken {
    let notes = read(log);
    let mut pending = Pending::default();
    for note in &notes {
        pending.take(note);
    }
    let mut taken = Taken::default();
    let paths: HashMap<u64, PathBuf> =
        files(root).into_iter().map(|path| (fs::metadata(&path).expect("a file").ino(), path)).collect();
    for (inode, notes) in &pending.contents {
        let Some(path) = paths.get(inode) else { continue };
        for note in notes.iter().rev().filter(|_| loss.strikes()) {
            restore(path, note);
            taken.writes += 1;
            taken.bytes += if note.kind == Kind::Written { note.length } else { note.length - note.at };
        }
    }
    for note in pending.names.iter().rev() {
        taken.names += usize::from(unname(note));
    }
    taken
}

impl Loss<'_> {
    fn strikes(&mut self) -> bool {
        match self {
            Self::Everything => true,
            Self::Some(chance) => chance.below(2) == 0,
        }
    }
}

impl<'a> Pending<'a> {
    fn take(&mut self, note: &'a Note) {
        let Note { kind, inode, at, .. } = *note;
        match kind {
            Kind::Written | Kind::Shortened => self.contents.entry(inode).or_default().push(note),
            Kind::Synced => {
                if let Some(contents) = self.contents.get_mut(&inode) {
                    contents.retain(|earlier| earlier.position >= at);
                }
                let covers = |name: &Note| name.inode == inode || name.at == inode;
                self.names.retain(|name| name.position >= at || !covers(name));
            }
            Kind::Born => {
                // The inode may be that of a file which is gone.
                self.contents.remove(&inode);
                self.names.push(note);
            }
            Kind::Renamed => self.names.push(note),
            Kind::Gone => {
                self.contents.remove(&inode);
                self.names.retain(|name| name.inode != inode);
            }
        }
    }
}

/// Puts back what stood in the file before.
fn restore(path: &Path, note: &Note) {
    let mut file = edit(path);
    let size = file.metadata().expect("a file").len();
    let end = match note.kind {
        Kind::Shortened => {
            file.set_len(size.max(note.length)).expect("the file grows again");
            note.length
        }
        _ => (note.at + note.length).min(size),
    };
    let Some(length) = end.checked_sub(note.at).filter(|length| *length > 0) else { return };
    let mut before = note.data.clone();
    // What was cut off is zeroes already, beyond what was noted.
    if note.kind == Kind::Written {
        before.resize(usize::try_from(length).expect("a write fits into memory"), 0);
    }
    file.seek(SeekFrom::Start(note.at)).expect("a place in the file");
    file.write_all(&before).expect("the file is put back");
}

/// Takes a file's name back, if it still has it.
fn unname(note: &Note) -> bool {
    let names: Vec<&str> =
        note.data.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok()).collect();
    let is_it = |path: &str| fs::metadata(path).is_ok_and(|file| file.ino() == note.inode);
    match (note.kind, names.as_slice()) {
        (Kind::Born, [path, ..]) if is_it(path) => fs::remove_file(path).is_ok(),
        (Kind::Renamed, [from, to, ..]) if is_it(to) => fs::rename(to, from).is_ok(),
        _ => false,
    }
}
