//! When sweeps are due, and under which numbers they wait. Pure.

use std::time::Duration;

use bytes::Bytes;
use denrei_model::clock::{Day, Timestamp};
use denrei_model::shard::{Shard, ShardMap};
use denrei_queue::admin::NumberedTimer;
use denrei_queue::codec::{Codec as _, CodecError, Json};
use denrei_queue::wire::{Metadata, RawTask};
use serde::{Deserialize, Serialize};

/// The key of plans.
pub(super) const PLAN: &str = "plan";

/// One task; the day, `yyyymmdd`, is that of the plan that it comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Job {
    /// Plan the day. Each plan of a day that ran before its hour makes the next one a turn later.
    Plan {
        day: u32,
        #[serde(default, skip_serializing_if = "is_first")]
        turn: u16,
    },
    /// Sweep the answers of a shard.
    Answers { day: u32, shard: u16 },
    /// Sweep the operations of all accounts.
    Operations { day: u32 },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
const fn is_first(turn: &u16) -> bool {
    *turn == 0
}

impl Job {
    /// What its tasks do not run beside, and what people find it by.
    fn key(self) -> String {
        match self {
            Self::Plan { .. } => PLAN.to_owned(),
            Self::Answers { shard, .. } => format!("answers/{shard}"),
            Self::Operations { .. } => "operations".to_owned(),
        }
    }

    /// The same for the same job of the same day, and for no other. Turns of a plan lie above all shards.
    fn number(self) -> u64 {
        let (day, of_day) = match self {
            Self::Plan { day, turn: 0 } => (day, 0),
            Self::Plan { day, turn } => (day, 1 << 17 | u64::from(turn)),
            Self::Operations { day } => (day, 1),
            Self::Answers { day, shard } => (day, u64::from(shard) + 2),
        };
        u64::from(day) << 20 | of_day
    }

    /// The timer that it waits as.
    pub(super) fn timer(self, now: Timestamp, due: Timestamp) -> Result<NumberedTimer, CodecError> {
        let millis = |time: Timestamp| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let metadata = Metadata {
            timestamp_millis: millis(now),
            source_application_id: "denrei".to_owned(),
            scheduled_time_millis: millis(due),
            ..Metadata::default()
        };
        let value = Json::default().encode(&self)?;
        let task = RawTask { key: Some(Bytes::from(self.key())), value, metadata, headers: Vec::new() };
        Ok(NumberedTimer { number: self.number(), due, task })
    }
}

fn at(day: Day, hour: u8) -> Timestamp {
    let hours = u64::from(day.number()) * 24 + u64::from(hour);
    Timestamp::default().plus(Duration::from_secs(hours * 3_600))
}

/// The first plan that is due after some time, and when that is.
pub(super) fn next_plan(after: Timestamp, hour: u8) -> (Job, Timestamp) {
    let today = after.day();
    let day = if at(today, hour) > after { today } else { Day::from_number(today.number() + 1) };
    (Job::Plan { day: day.to_yyyymmdd(), turn: 0 }, at(day, hour))
}

/// The plan that follows one of this day and turn, which runs now. The day's own hour may be still to come, if the plan was moved:
/// what follows is of the same day then, but must not be the same timer, which ends with the plan that runs.
pub(super) fn plan_after(day: u32, turn: u16, now: Timestamp, hour: u8) -> (Job, Timestamp) {
    match next_plan(now, hour) {
        (Job::Plan { day: next, .. }, due) if next == day => {
            (Job::Plan { day, turn: turn.wrapping_add(1) }, due)
        }
        other => other,
    }
}

/// What a day's plan wants done.
pub(super) fn sweeps(day: u32, shards: ShardMap) -> impl Iterator<Item = Job> {
    let answers = move |shard: Shard| Job::Answers { day, shard: shard.get() };
    shards.all().map(answers).chain([Job::Operations { day }])
}
