//! Recording: everything raw, in order, with its time. The form is told in [`crate::judge`].

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use denrei_model::operation::Category;
use denrei_model::wire::Position;
use denrei_model::wire::frame::FullSyncReason;
use serde_json::json;

use crate::device::{NodeWatch, Observer};

/// A file is appended to in pieces of this size, so that thousands need not be open.
const PIECE: usize = 64 * 1024;

/// Lines of one file.
pub(super) struct Tape {
    path: PathBuf,
    buffer: RefCell<Vec<u8>>,
    watch: Rc<NodeWatch>,
    failed: Rc<RefCell<Option<std::io::Error>>>,
}

/// The directory of a recording.
pub(super) struct Recorder {
    directory: PathBuf,
    watch: Rc<NodeWatch>,
    failed: Rc<RefCell<Option<std::io::Error>>>,
    tapes: RefCell<Vec<Rc<Tape>>>,
}

impl Recorder {
    /// An empty recording; what was in the directory before goes.
    pub(super) fn new(directory: &Path, watch: Rc<NodeWatch>) -> std::io::Result<Self> {
        for part in ["devices", "fresh"] {
            let part = directory.join(part);
            if part.exists() {
                fs::remove_dir_all(&part)?;
            }
            fs::create_dir_all(part)?;
        }
        let recorder =
            Self { directory: directory.to_owned(), watch, failed: Rc::default(), tapes: RefCell::default() };
        fs::write(directory.join("sends.ndjson"), b"")?;
        Ok(recorder)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn tape(&self, name: &str) -> Rc<Tape> {
        let path = self.directory.join(name);
        let failed = Rc::clone(&self.failed);
        let tape = Rc::new(Tape { path, buffer: RefCell::default(), watch: Rc::clone(&self.watch), failed });
        self.tapes.borrow_mut().push(Rc::clone(&tape));
        tape
    }

    /// Writes what is left; fails if anything could not be written.
    pub(super) fn finish(&self) -> std::io::Result<()> {
        for tape in self.tapes.borrow().iter() {
            tape.flush();
        }
        self.failed.borrow_mut().take().map_or(Ok(()), Err)
    }
}

impl Tape {
    /// A line: `{"at": …, "what": …` and the rest, which is JSON members with a comma before each.
    pub(super) fn line(&self, what: &str, rest: &str) {
        let mut buffer = self.buffer.borrow_mut();
        let written = writeln!(buffer, "{{\"at\":{},\"what\":\"{what}\"{rest}}}", self.watch.wall_ms());
        debug_assert!(written.is_ok(), "writing to memory");
        if buffer.len() >= PIECE {
            drop(buffer);
            self.flush();
        }
    }

    /// A line that is JSON already.
    pub(super) fn raw(&self, line: &str) {
        let mut buffer = self.buffer.borrow_mut();
        buffer.extend_from_slice(line.as_bytes());
        buffer.push(b'\n');
        if buffer.len() >= PIECE {
            drop(buffer);
            self.flush();
        }
    }

    fn flush(&self) {
        let buffer = self.buffer.take();
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(&buffer));
        if let Err(error) = written {
            self.failed.borrow_mut().get_or_insert(error);
        }
    }
}

/// What all devices together received, for the report.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) bytes: Cell<u64>,
    pub(super) full_syncs: RefCell<HashMap<&'static str, u64>>,
}

/// Records what a device receives.
pub(super) struct DeviceTape {
    pub(super) tape: Rc<Tape>,
    pub(super) tally: Rc<Tally>,
}

impl DeviceTape {
    fn count(&self, bytes: usize) {
        self.tally.bytes.set(self.tally.bytes.get() + bytes as u64);
    }
}

impl Observer for DeviceTape {
    fn opened(&self, position: Option<Position>) {
        self.tape.line("open", &format!(",\"position\":{}", json!(position)));
    }

    fn line(&self, line: &str) {
        self.count(line.len() + 1);
        self.tape.line("frame", &format!(",\"frame\":{line}"));
    }

    fn page(&self, category: Category, body: &str) {
        self.count(body.len());
        self.tape.line("page", &format!(",\"category\":\"{}\",\"page\":{body}", category.as_str()));
    }

    fn stored(&self, position: Position) {
        self.tape.line("stored", &format!(",\"position\":{}", json!(position)));
    }

    fn full_sync(&self, reason: FullSyncReason) {
        *self.tally.full_syncs.borrow_mut().entry(reason.as_str()).or_default() += 1;
    }
}
