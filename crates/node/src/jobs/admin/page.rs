//! What the routes answer and are asked, as JSON. Times are milliseconds since the epoch.

use std::fmt;

use bytes::Bytes;
use denrei_gateway::problem::{Code, Problem};
use denrei_gateway::request::Body;
use denrei_model::clock::Timestamp;
use denrei_queue::admin::{DeadLetter, PendingTimer, ResetTo, is_numbered};
use denrei_storage::log::{Offset, TimerId};
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Every queue of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Overview {
    pub(crate) queues: Vec<QueuePage>,
}

/// How a queue is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueuePage {
    pub(crate) topic: String,
    pub(crate) group: String,
    /// `initializing`, `running`, `rebalancing`, `shutting_down`, `terminated` or `stopped`.
    pub(crate) state: String,
    /// Tasks that run at this moment.
    pub(crate) in_flight: usize,
    pub(crate) partitions: Vec<PartitionPage>,
}

/// How far the group is in a partition.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PartitionPage {
    pub(crate) partition: u32,
    /// The first offset still there.
    pub(crate) start: u64,
    /// The first offset that is not done; absent before the first commit.
    pub(crate) committed: Option<u64>,
    /// The offset that the next record gets.
    pub(crate) end: u64,
    /// Records that are not done.
    pub(crate) lag: u64,
    /// Tasks that wait for their time, 1,000 standing for any more.
    pub(crate) timers: usize,
    pub(crate) dead_letters: u64,
}

/// Dead letters, without what they carry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letters {
    pub(crate) dead_letters: Vec<LetterPage>,
}

/// A task that was given up.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LetterPage {
    pub(crate) partition: u32,
    /// Its position among the dead letters.
    pub(crate) offset: u64,
    /// The offset of its record on the topic; absent for a timer that came from none.
    pub(crate) came_at: Option<u64>,
    pub(crate) attempts: u32,
    pub(crate) reason: String,
    pub(crate) since: u64,
    pub(crate) key: Option<String>,
    /// Bytes of the task.
    pub(crate) bytes: usize,
    /// The task itself and its headers, where one letter was asked for.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Content>,
}

/// What a letter carries.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) value: Option<Blob>,
    pub(crate) headers: Vec<(String, Option<Blob>)>,
}

/// Bytes, readable where they are text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Blob {
    Text(String),
    Hex(String),
}

/// Timers, the earliest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Timers {
    pub(crate) timers: Vec<TimerPage>,
}

/// A task that waits for its time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TimerPage {
    pub(crate) partition: u32,
    /// As paths name it: `<offset>.<attempt>`.
    pub(crate) timer: String,
    pub(crate) due: u64,
    /// `scheduled`, `retry`, `shaped` or `behind`.
    pub(crate) why: String,
    /// What the last try said; empty before the first.
    pub(crate) reason: String,
    pub(crate) key: Option<String>,
    /// How often it was tried.
    pub(crate) attempt: u32,
}

/// A place in a partition: `"earliest"`, `"latest"`, or an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Spot {
    Offset(u64),
    End(End),
}

/// One end of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Earliest,
    Latest,
}

/// Which dead letters are put back.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedriveRequest {
    #[serde(default)]
    pub(crate) partition: u32,
    /// The first of them; the first there is if absent.
    #[serde(default)]
    pub(crate) from: u64,
    /// At most so many; 100 if absent.
    #[serde(default)]
    pub(crate) limit: Option<usize>,
    /// Throws those away that were put back, and all before them.
    #[serde(default)]
    pub(crate) purge: bool,
}

/// What was put back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RedrivenPage {
    pub(crate) tasks: u64,
    /// The first dead letter that was not.
    pub(crate) next: u64,
}

/// Which dead letters are thrown away: those before this place.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurgeRequest {
    #[serde(default)]
    pub(crate) partition: u32,
    pub(crate) before: Spot,
}

/// When a timer is due from now on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveRequest {
    pub(crate) due: u64,
}

/// Where a group goes on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    #[serde(default)]
    pub(crate) partition: u32,
    pub(crate) to: Spot,
}

/// Where it does now.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResetPage {
    pub(crate) offset: u64,
}

/// Written out, for what an untagged enum is told of a value that is neither helps nobody.
impl<'de> Deserialize<'de> for Spot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfSpot)
    }
}

struct OfSpot;

impl Visitor<'_> for OfSpot {
    type Value = Spot;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"earliest\", \"latest\" or an offset")
    }

    fn visit_u64<E: de::Error>(self, offset: u64) -> Result<Spot, E> {
        Ok(Spot::Offset(offset))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Spot, E> {
        Err(E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Spot, E> {
        match word {
            "earliest" => Ok(Spot::End(End::Earliest)),
            "latest" => Ok(Spot::End(End::Latest)),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }
}

impl Body for RedriveRequest {
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

impl Body for PurgeRequest {
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

impl Body for ResetRequest {
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

impl Body for MoveRequest {
    /// A time beyond the last date is a slip: of the unit, most likely.
    fn check(&self) -> Result<(), Problem> {
        let last = Timestamp::LAST_DATE;
        if self.due <= last.as_millis() {
            return Ok(());
        }
        let detail = format!("`due` must be at most {} ({last})", last.as_millis());
        Err(Problem::new(Code::InvalidRequest).detail(detail).with("field", "due"))
    }
}

impl Spot {
    /// As the queue names it.
    pub(crate) const fn reset_to(self) -> ResetTo {
        match self {
            Self::Offset(offset) => ResetTo::Offset(Offset(offset)),
            Self::End(End::Earliest) => ResetTo::Earliest,
            Self::End(End::Latest) => ResetTo::Latest,
        }
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Blob {
    fn new(bytes: &Bytes) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }
}

impl LetterPage {
    /// A letter of a partition, with what it carries only if that is asked for.
    pub(super) fn new(partition: u32, letter: &DeadLetter, whole: bool) -> Self {
        let content = || Content {
            value: letter.value.as_ref().map(Blob::new),
            headers: letter
                .headers
                .iter()
                .map(|header| (text(&header.name), header.value.as_ref().map(Blob::new)))
                .collect(),
        };
        Self {
            partition,
            offset: letter.offset.0,
            came_at: (!is_numbered(letter.came_at)).then_some(letter.came_at.0),
            attempts: letter.attempts,
            reason: letter.reason.clone(),
            since: letter.since.as_millis(),
            key: letter.key.as_ref().map(text),
            bytes: letter.value.as_ref().map_or(0, Bytes::len),
            content: whole.then(content),
        }
    }
}

impl TimerPage {
    pub(super) fn new(partition: u32, timer: &PendingTimer) -> Self {
        let TimerId { offset, attempt } = timer.id;
        Self {
            partition,
            timer: format!("{}.{attempt}", offset.0),
            due: timer.due.as_millis(),
            why: timer.why.to_lowercase(),
            reason: timer.reason.clone(),
            key: timer.key.as_ref().map(text),
            attempt: timer.metadata.attempt(),
        }
    }
}

/// The timer that a path names.
pub(super) fn timer_id(text: &str) -> Option<TimerId> {
    let (offset, attempt) = text.split_once('.')?;
    Some(TimerId { offset: Offset(offset.parse().ok()?), attempt: attempt.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_is_a_number_or_an_end() {
        let spots = [
            ("7", Spot::Offset(7)),
            ("\"earliest\"", Spot::End(End::Earliest)),
            ("\"latest\"", Spot::End(End::Latest)),
        ];
        for (json, spot) in spots {
            assert_eq!(serde_json::from_str::<Spot>(json).unwrap(), spot);
            assert_eq!(serde_json::to_string(&spot).unwrap(), json);
        }
        for (json, said) in [
            (
                "\"somewhere\"",
                "invalid value: string \"somewhere\", expected \"earliest\", \"latest\" or an offset",
            ),
            ("-1", "invalid value: integer `-1`, expected \"earliest\", \"latest\" or an offset"),
            ("1.5", "invalid type: floating point `1.5`, expected \"earliest\", \"latest\" or an offset"),
            ("null", "invalid type: null, expected \"earliest\", \"latest\" or an offset"),
        ] {
            let error = serde_json::from_str::<Spot>(json).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn a_timer_is_not_moved_beyond_the_last_date() {
        let check = |due| MoveRequest { due }.check();
        assert!(check(253_402_300_799_999).is_ok());
        assert_eq!(check(253_402_300_800_000).unwrap_err().body()["field"], "due");
    }

    #[test]
    fn timers_are_named_by_offset_and_attempt() {
        let id = TimerId { offset: Offset(1 << 62), attempt: 3 };
        assert_eq!(timer_id("4611686018427387904.3"), Some(id));
        for wrong in ["", "1", "1.", ".1", "a.1", "1.1.1", "-1.0"] {
            assert_eq!(timer_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bytes_are_readable_where_they_are_text() {
        assert!(matches!(Blob::new(&Bytes::from_static(b"plan")), Blob::Text(text) if text == "plan"));
        assert!(matches!(Blob::new(&Bytes::from_static(b"\xff\x0a")), Blob::Hex(hex) if hex == "ff0a"));
    }
}
