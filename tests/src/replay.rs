//! A replay of many people's messages by the released tool, against a node that may die meanwhile, and what it reports.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::chance::Chance;
use crate::node::Node;
use crate::surroundings;

/// A replay that lasts longer hangs.
const LONGEST: Duration = Duration::from_secs(240);

/// What a replay reports, as far as tests look at it.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// Messages that were to be sent.
    pub messages: u64,
    /// Those that were acknowledged.
    pub acknowledged: u64,
    /// Those that needed more than one attempt.
    pub retried: u64,
    /// How often the node could not be reached.
    pub absences: u64,
    /// Acknowledged sends a second, while the node was there.
    pub sends_per_second: f64,
    /// Streams opened beyond the first of each device.
    pub reconnects: u64,
    /// FullSyncs by reason.
    pub full_syncs: BTreeMap<String, u64>,
    /// Differences that devices found between their copies and fresh ones.
    pub differences: Vec<String>,
    /// What the judge found.
    pub verdict: Verdict,
}

/// What a judge found.
#[derive(Clone, Debug, Deserialize)]
pub struct Verdict {
    /// How many violations of each guarantee.
    pub counts: BTreeMap<String, u64>,
    /// The first of them in words.
    pub first: Vec<String>,
    /// How much was looked at.
    pub looked_at: BTreeMap<String, u64>,
}

impl Verdict {
    /// How much of this was looked at.
    #[must_use]
    pub fn looked_at(&self, what: &str) -> u64 {
        self.looked_at.get(what).copied().unwrap_or_default()
    }

    /// Whether this guarantee was broken.
    #[must_use]
    pub fn names(&self, guarantee: &str) -> bool {
        self.counts.contains_key(guarantee)
    }
}

impl Report {
    /// Fails unless every message was sent and every guarantee kept, and something was looked at.
    pub fn assert_clean(&self) {
        assert_eq!(self.verdict.counts, BTreeMap::new(), "{:#?}", self.verdict.first);
        assert_eq!(self.differences, [""; 0]);
        assert_eq!(self.acknowledged, self.messages, "messages that were not taken");
        for what in ["devices", "operations", "full_syncs", "acknowledged", "messages", "copies"] {
            assert!(self.verdict.looked_at(what) > 0, "no {what} were judged: {:?}", self.verdict.looked_at);
        }
    }
}

/// What is replayed.
pub struct ReplaySetup<'a> {
    /// Lines `sender receiver unix_seconds`.
    pub file: &'a Path,
    /// Only the first so many messages.
    pub limit: Option<usize>,
    /// Sends that may wait for their answer at once.
    pub in_flight: usize,
    /// What chance is seeded with.
    pub seed: u64,
}

/// A replay under way. Ended when it is dropped.
pub struct Replay {
    child: Child,
    answer: PathBuf,
    /// Where the recording is.
    pub recording: PathBuf,
}

impl ReplaySetup<'_> {
    /// Starts it, by the tool in `binary`, against a node; the recording goes to the node's directory.
    #[must_use]
    pub fn start(&self, binary: &Path, node: &Node) -> Replay {
        let recording = node.directory().join("recording");
        let [answer, complaints] = ["report.json", "replay.txt"].map(|name| node.directory().join(name));
        let mut command = Command::new(binary);
        command.arg("replay").arg(self.file).args(["--node", &node.url(), "--json"]);
        command.arg("--record").arg(&recording);
        command.args(["--seed", &self.seed.to_string(), "--in-flight", &self.in_flight.to_string()]);
        if let Some(limit) = self.limit {
            command.args(["--limit", &limit.to_string()]);
        }
        let [out, err] = [&answer, &complaints].map(|path| File::create(path).expect("a file for output"));
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Replay { child: child.expect("the replay starts"), answer, recording }
    }
}

impl Replay {
    /// Whether it is under way.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Whether sends are being answered by now; before that, people register.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        fs::metadata(self.recording.join("sends.ndjson")).is_ok_and(|sends| sends.len() > 0)
    }

    /// Waits for its report.
    pub fn finish(mut self) -> Report {
        let ended = surroundings::holds_within(LONGEST, || !self.is_running());
        let complaints = fs::read_to_string(self.answer.with_file_name("replay.txt")).unwrap_or_default();
        assert!(ended, "the replay hangs: {complaints}");
        let answer = fs::read_to_string(&self.answer).unwrap_or_default();
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("no report ({error}): {answer}{complaints}"))
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The messages among students that the project replays.
///
/// # Errors
/// Why they are not there.
pub fn college_messages() -> Result<PathBuf, String> {
    let path = surroundings::root().join("../shared/data/collegemsg.txt");
    if path.is_file() { Ok(path) } else { Err("shared/data/collegemsg.txt is not there".to_owned()) }
}

/// Writes made-up messages: so many people, each of whom mostly writes to a few.
#[must_use]
pub fn made_up(directory: &Path, people: usize, messages: usize, chance: &mut Chance) -> PathBuf {
    let mut text = String::new();
    for at in 0..messages {
        let sender = chance.below(people);
        let receiver = (sender + 1 + chance.below(5)) % people;
        writeln!(text, "{sender} {receiver} {at}").expect("writing to memory");
    }
    let path = directory.join("messages.txt");
    fs::write(&path, text).expect("the messages are written");
    path
}
