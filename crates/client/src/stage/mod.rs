//! The stage: people on a real node whose devices are recorded, what they are told to do, how it ends, and the report.
//!
//! ```text
//! entrances ──enter──► players ──open or follow──► streams; everything raw goes to tapes, counts to tallies
//!                         │
//! errands ──desks──► done in the order of each person, within the bound of what may wait for an answer
//!                         ▼
//!                      finish: everyone catches up, fresh copies ──► judge ──► report
//! ```
//! What a run keeps in memory does not grow with its length: recordings go to files, devices keep the newest messages, and
//! no more errands wait than may be in flight. The judge reads one account at a time, and keeps a line for each send.

mod absence;
mod desk;
mod enter;
mod error;
mod finish;
mod message;
mod place;
mod record;
mod report;
mod score;
mod stamp;
mod tally;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use desk::{Desks, Errand};
pub(crate) use enter::{Entrance, Player, Streams, follow};
pub use error::{RecordError, RunError};
pub(crate) use finish::finish;
pub(crate) use message::{Change, Said};
use record::{DeviceTape, Recorder, Tape};
pub use report::{Latency, Report};
pub(crate) use report::{full_syncs, seconds};
use score::Score;
pub(crate) use tally::Tally;

use crate::device::{LinkError, NodeWatch};
use crate::transport::Target;

/// What a run needs to begin.
pub(crate) struct StageOptions {
    /// What is played: goes into keys, and devices call their platform so.
    pub(crate) play: &'static str,
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub(crate) node: String,
    /// PEM file of the certificates to trust over TLS; those of the system if absent.
    pub(crate) certificates: Option<PathBuf>,
    /// What chance decides.
    pub(crate) seed: u64,
    /// Where the recording is kept; nowhere if absent.
    pub(crate) record: Option<PathBuf>,
    /// Show a progress bar.
    pub(crate) progress: bool,
    /// Messages that will be sent, if that is known.
    pub(crate) messages: Option<usize>,
}

/// What everyone shares.
pub(crate) struct Stage {
    pub(crate) watch: Rc<NodeWatch>,
    pub(crate) score: Score,
    pub(crate) progress: ProgressBar,
    pub(crate) target: Target,
    /// What all devices receive that have no tally of their own.
    pub(crate) tally: Rc<Tally>,
    tallies: RefCell<Vec<Rc<Tally>>>,
    recorder: Recorder,
    sends: Rc<Tape>,
    changes: Rc<Tape>,
    options: StageOptions,
    /// One run is one set of people and one set of messages: keys hold the time at which it began.
    began: u64,
}

/// How long something took, and for how much of it the node was away.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) took: Duration,
    pub(crate) away: Duration,
}

impl Stage {
    pub(crate) fn open(options: StageOptions) -> Result<Rc<Self>, RunError> {
        let watch = Rc::new(NodeWatch::default());
        let target = match &options.certificates {
            None => Target::parse(&options.node),
            Some(certificates) => Target::parse_trusting(&options.node, certificates),
        };
        let target = target.map_err(LinkError::from)?;
        let recorder = Recorder::open(options.record.as_deref(), options.play, Rc::clone(&watch))?;
        let tally = Rc::new(Tally::new()?);
        let progress = progress(&options);
        tokio::task::spawn_local(absence::tell(Rc::clone(&watch), options.node.clone(), progress.clone()));
        Ok(Rc::new(Self {
            target,
            sends: recorder.tape("sends.ndjson"),
            changes: recorder.tape("changes.ndjson"),
            progress,
            score: Score::new()?,
            tallies: RefCell::new(vec![Rc::clone(&tally)]),
            tally,
            began: watch.wall_ms(),
            recorder,
            watch,
            options,
        }))
    }

    /// A tally for devices that are to be counted apart.
    pub(crate) fn tally_apart(&self) -> std::io::Result<Rc<Tally>> {
        let tally = Rc::new(Tally::new()?);
        self.tallies.borrow_mut().push(Rc::clone(&tally));
        Ok(tally)
    }

    /// An idempotency key that no other run has.
    fn key(&self, name: &str) -> String {
        let StageOptions { play, seed, .. } = &self.options;
        format!("{}-{play}-{}-{}-{seed}-{name}", self.watch.date(), self.began, std::process::id())
    }

    /// Measures what is done between now and the call of what it gives.
    pub(crate) fn measure(&self) -> impl FnOnce() -> Span {
        let (began, before) = (self.watch.now(), self.watch.away());
        let watch = Rc::clone(&self.watch);
        move || Span { took: watch.now().saturating_sub(began), away: watch.away().saturating_sub(before) }
    }
}

/// Plays to the end, on a single-threaded runtime of its own.
pub(crate) fn perform<T>(play: impl Future<Output = T>) -> std::io::Result<T> {
    // A connection per device: as many descriptors as the system gives.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, play))
}

fn progress(options: &StageOptions) -> ProgressBar {
    if !options.progress {
        return ProgressBar::hidden();
    }
    let (bar, template) = match options.messages {
        Some(total) => (ProgressBar::new(total as u64), "{bar:40} {pos}/{len} {per_sec} {eta} {msg}"),
        None => (ProgressBar::no_length(), "{elapsed} {pos} {per_sec} {msg}"),
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
