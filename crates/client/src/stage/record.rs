//! Recording: everything raw, in order, with its time. The form is told in [`crate::judge`].

use std::cell::{Cell, RefCell};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use denrei_model::operation::Category;
use denrei_model::wire::Position;
use denrei_model::wire::frame::FullSyncReason;
use serde_json::json;

use super::tally::Tally;
use super::{RecordError, place};
use crate::device::{NodeWatch, Observer};

/// A file is appended to in pieces of this size, so that thousands need not be open.
const PIECE: usize = 64 * 1024;
/// All tapes together hold no more than this; beyond it each line is written as it comes.
const HELD: usize = 64 * 1024 * 1024;

/// What the tapes of one recording share.
#[derive(Default)]
struct Reel {
    held: Cell<usize>,
    failed: RefCell<Option<RecordError>>,
}

/// Lines of one file.
pub(super) struct Tape {
    path: PathBuf,
    buffer: RefCell<Vec<u8>>,
    watch: Rc<NodeWatch>,
    reel: Rc<Reel>,
}

/// The directory of a recording. One that nobody asked to keep goes with it.
pub(super) struct Recorder {
    directory: PathBuf,
    kept: bool,
    watch: Rc<NodeWatch>,
    reel: Rc<Reel>,
    tapes: RefCell<Vec<Rc<Tape>>>,
}

impl Recorder {
    /// An empty recording, in a directory of its own if none is named; an earlier one there is replaced.
    pub(super) fn open(record: Option<&Path>, play: &str, watch: Rc<NodeWatch>) -> Result<Self, RecordError> {
        let scratch = || std::env::temp_dir().join(format!("denrei-{play}-{}", std::process::id()));
        let directory = record.map_or_else(scratch, Path::to_owned);
        place::clear(&directory)?;
        let (reel, tapes) = (Rc::default(), RefCell::default());
        Ok(Self { directory, kept: record.is_some(), watch, reel, tapes })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn tape(&self, name: &str) -> Rc<Tape> {
        let tape = Rc::new(Tape {
            path: self.directory.join(name),
            buffer: RefCell::default(),
            watch: Rc::clone(&self.watch),
            reel: Rc::clone(&self.reel),
        });
        self.tapes.borrow_mut().push(Rc::clone(&tape));
        tape
    }

    /// Writes what is left; fails if anything could not be written.
    pub(super) fn finish(&self) -> Result<(), RecordError> {
        for tape in self.tapes.borrow().iter() {
            tape.flush();
        }
        self.reel.failed.borrow_mut().take().map_or(Ok(()), Err)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.kept {
            // Nobody waits for it: what cannot be removed is left to whoever cleans the place.
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

impl Tape {
    /// A line: `{"at": …, "what": …` and the rest, which is JSON members with a comma before each.
    pub(super) fn line(&self, what: &str, rest: &str) {
        let at = self.watch.wall_ms();
        self.raw(format_args!("{{\"at\":{at},\"what\":\"{what}\"{rest}}}"));
    }

    /// A line that is JSON already.
    pub(super) fn raw(&self, line: std::fmt::Arguments<'_>) {
        let (before, now) = {
            let mut buffer = self.buffer.borrow_mut();
            let before = buffer.len();
            let written = writeln!(buffer, "{line}");
            debug_assert!(written.is_ok(), "writing to memory");
            (before, buffer.len())
        };
        let held = self.reel.held.get() + now - before;
        self.reel.held.set(held);
        if now >= PIECE || held >= HELD {
            self.flush();
        }
    }

    fn flush(&self) {
        let buffer = self.buffer.take();
        self.reel.held.set(self.reel.held.get().saturating_sub(buffer.len()));
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(&buffer));
        if let Err(error) = written {
            self.reel.failed.borrow_mut().get_or_insert(RecordError::at(&self.path)(error));
        }
    }
}

/// Records what a device receives.
pub(super) struct DeviceTape {
    pub(super) tape: Rc<Tape>,
    pub(super) tally: Rc<Tally>,
    pub(super) watch: Rc<NodeWatch>,
}

impl Observer for DeviceTape {
    fn opened(&self, position: Option<Position>) {
        self.tally.opened(self.watch.now());
        self.tape.line("open", &format!(",\"position\":{}", json!(position)));
    }

    fn line(&self, line: &str) {
        self.tally.line(line, self.watch.now());
        self.tape.line("frame", &format!(",\"frame\":{line}"));
    }

    fn page(&self, category: Category, body: &str) {
        self.tally.page(body);
        self.tape.line("page", &format!(",\"category\":\"{}\",\"page\":{body}", category.as_str()));
    }

    fn stored(&self, position: Position) {
        self.tape.line("stored", &format!(",\"position\":{}", json!(position)));
    }

    fn full_sync(&self, reason: FullSyncReason) {
        self.tally.full_sync(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder(record: Option<&Path>, play: &str) -> Recorder {
        Recorder::open(record, play, Rc::new(NodeWatch::default())).unwrap()
    }

    #[test]
    fn lines_are_kept_in_order_however_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let recorder = recorder(Some(directory.path()), "trial");
        let tape = recorder.tape("sends.ndjson");
        let long = "x".repeat(PIECE);
        for text in ["one", &long, "three"] {
            tape.raw(format_args!("\"{text}\""));
        }
        recorder.finish().unwrap();
        let written = fs::read_to_string(directory.path().join("sends.ndjson")).unwrap();
        assert_eq!(written, format!("\"one\"\n\"{long}\"\n\"three\"\n"));
        assert_eq!(recorder.reel.held.get(), 0);
    }

    #[test]
    fn tapes_beyond_what_may_be_held_write_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let recorder = recorder(Some(directory.path()), "trial");
        recorder.reel.held.set(HELD);
        recorder.tape("sends.ndjson").raw(format_args!("{{}}"));
        assert_eq!(fs::read_to_string(directory.path().join("sends.ndjson")).unwrap(), "{}\n");
        assert_eq!(recorder.reel.held.get(), HELD);
    }

    #[test]
    fn a_recording_that_is_kept_replaces_the_one_before_and_another_goes() {
        let directory = tempfile::tempdir().unwrap();
        let sends = directory.path().join("sends.ndjson");
        fs::write(&sends, "{\"at\":5}").unwrap();
        drop(recorder(Some(directory.path()), "trial"));
        assert_eq!(fs::read_to_string(sends).unwrap(), "");
        let scratch = recorder(None, "trial");
        let place = scratch.directory().to_owned();
        assert!(place.exists());
        drop(scratch);
        assert!(!place.exists());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_and_the_cause_told_apart() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let failed = Recorder::open(Some(file.path()), "trial", Rc::new(NodeWatch::default())).err().unwrap();
        assert_eq!(failed.to_string(), format!("cannot record to {}", file.path().display()));
        assert!(std::error::Error::source(&failed).is_some());
    }
}
