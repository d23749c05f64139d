//! `denrei queue …`: looks after the queues of a running node, over its admin port.

mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use denrei_client::transport::{Answer, Call, Connection, Method, Target};
use denrei_model::clock::{Clock as _, SystemClock};
use serde::Serialize;
use serde_json::Value;

use crate::jobs::page::{End, MoveRequest, PurgeRequest, RedriveRequest, ResetRequest, Spot};

/// Seconds of a hundred years, leap days left aside.
const CENTURY: u64 = 100 * 365 * 86_400;

/// Which node, and what to do.
#[derive(Args)]
pub(crate) struct QueueArgs {
    /// The node's admin port.
    #[arg(long, default_value = "http://127.0.0.1:8081", env = "DENREI_ADMIN", global = true)]
    admin: String,
    /// File with the admin token.
    #[arg(long, default_value = "data/admin.token", global = true)]
    token_file: PathBuf,
    /// Print what the node answers, as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

/// A queue: its topic, and the group that reads it.
#[derive(Args)]
struct Queue {
    /// The topic.
    topic: String,
    /// The group.
    group: String,
}

/// A timer of a queue.
#[derive(Args)]
struct Timer {
    #[command(flatten)]
    queue: Queue,
    /// Its name, as `timers` lists it.
    timer: String,
    /// Its partition.
    #[arg(long, default_value_t = 0)]
    partition: u32,
}

#[derive(Subcommand)]
enum Action {
    /// List the queues: state, lag, timers, dead letters.
    List,
    /// List dead letters.
    Letters {
        #[command(flatten)]
        queue: Queue,
        /// Only this partition.
        #[arg(long)]
        partition: Option<u32>,
        /// From this offset on.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// At most so many, up to 1,000.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show one dead letter with all that it carries.
    Letter {
        #[command(flatten)]
        queue: Queue,
        /// Its offset among the dead letters.
        offset: u64,
        /// Its partition.
        #[arg(long, default_value_t = 0)]
        partition: u32,
    },
    /// Put dead letters back on their topic. They stay among the dead letters, unless they are purged.
    Redrive {
        #[command(flatten)]
        queue: Queue,
        /// Their partition.
        #[arg(long, default_value_t = 0)]
        partition: u32,
        /// From this offset on.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// At most so many, up to 1,000.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Throw those away that were put back, and all before them.
        #[arg(long)]
        purge: bool,
    },
    /// Throw dead letters away.
    Purge {
        #[command(flatten)]
        queue: Queue,
        /// Those before this offset, or `latest` for all.
        before: String,
        /// Their partition.
        #[arg(long, default_value_t = 0)]
        partition: u32,
    },
    /// List tasks that wait for their time, the earliest first.
    Timers {
        #[command(flatten)]
        queue: Queue,
        /// Only this partition.
        #[arg(long)]
        partition: Option<u32>,
        /// At most so many, up to 1,000.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Cancel a timer: its task will not run.
    Cancel(Timer),
    /// Have a timer's task run at another time.
    Move {
        #[command(flatten)]
        timer: Timer,
        /// So many seconds from now, up to a hundred years; 0 is at once.
        #[arg(long, value_parser = clap::value_parser!(u64).range(..=CENTURY))]
        r#in: u64,
    },
    /// Set where the group goes on in a partition.
    Reset {
        #[command(flatten)]
        queue: Queue,
        /// `earliest` (all there is runs again), `latest` (all there is is skipped), or an offset.
        to: String,
        /// Which partition.
        #[arg(long, default_value_t = 0)]
        partition: u32,
    },
}

impl QueueArgs {
    /// Asks the node and prints its answer.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let token = std::fs::read_to_string(&self.token_file)
            .with_context(|| format!("{}: the admin token cannot be read", self.token_file.display()))?;
        let target = Target::parse(&self.admin)?;
        let call = self.action.call()?.bearer(token.trim());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer: Answer = runtime.block_on(async {
            let connection = Connection::open(&target).await.with_context(|| self.admin.clone())?;
            anyhow::Ok(connection.call(&call).await?)
        })?;
        ensure!(answer.is_ok(), "{}", refusal(&answer));
        if self.json {
            println!("{}", if answer.body.is_empty() { "{}" } else { &answer.body });
        } else {
            print!("{}", self.action.words(&answer)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Why the node did not do it, in its own words.
fn refusal(answer: &Answer) -> String {
    let problem: Value = answer.json().unwrap_or_default();
    let said = |name: &str| problem.get(name).and_then(Value::as_str);
    match (said("code"), said("detail")) {
        (Some(code), Some(detail)) => format!("{code}: {detail}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => format!("the node answered {}", answer.status),
    }
}

impl Queue {
    /// The path of what belongs to it.
    fn path(&self, rest: &str) -> anyhow::Result<String> {
        for name in [&self.topic, &self.group] {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
            ensure!(name.chars().all(plain) && !name.is_empty(), "{name:?} is not the name of a queue");
        }
        Ok(format!("/debug/queues/{}/{}{rest}", self.topic, self.group))
    }
}

impl Timer {
    fn call(&self, method: Method) -> anyhow::Result<Call> {
        let plain = |letter: char| letter.is_ascii_digit() || letter == '.';
        ensure!(self.timer.chars().all(plain), "{:?} is not the name of a timer", self.timer);
        let rest = format!("/timers/{}/{}", self.partition, self.timer);
        Ok(Call::new(method, self.queue.path(&rest)?))
    }
}

fn spot(text: &str) -> anyhow::Result<Spot> {
    Ok(match text {
        "earliest" => Spot::End(End::Earliest),
        "latest" => Spot::End(End::Latest),
        offset => match offset.parse() {
            Ok(offset) => Spot::Offset(offset),
            Err(_) => bail!("{offset:?}: expected `earliest`, `latest`, or an offset"),
        },
    })
}

fn post(path: String, body: &impl Serialize) -> Call {
    Call::post(path, body)
}

impl Action {
    fn call(&self) -> anyhow::Result<Call> {
        let of = |partition: &Option<u32>| partition.map(|n| format!("&partition={n}")).unwrap_or_default();
        Ok(match self {
            Self::List => Call::get("/debug/queues"),
            Self::Letters { queue, partition, from, limit } => {
                let rest = format!("/dead-letters?from={from}&limit={limit}{}", of(partition));
                Call::get(queue.path(&rest)?)
            }
            Self::Letter { queue, offset, partition } => {
                Call::get(queue.path(&format!("/dead-letters/{partition}/{offset}"))?)
            }
            &Self::Redrive { ref queue, partition, from, limit, purge } => {
                let body = RedriveRequest { partition, from, limit: Some(limit), purge };
                post(queue.path("/dead-letters/redrive")?, &body)
            }
            Self::Purge { queue, before, partition } => {
                let body = PurgeRequest { partition: *partition, before: spot(before)? };
                post(queue.path("/dead-letters/purge")?, &body)
            }
            Self::Timers { queue, partition, limit } => {
                Call::get(queue.path(&format!("/timers?limit={limit}{}", of(partition)))?)
            }
            Self::Cancel(timer) => timer.call(Method::DELETE)?,
            Self::Move { timer, r#in } => {
                let due = SystemClock::new().now().plus(Duration::from_secs(*r#in)).as_millis();
                timer.call(Method::PUT)?.json(&MoveRequest { due })
            }
            Self::Reset { queue, to, partition } => {
                let body = ResetRequest { partition: *partition, to: spot(to)? };
                post(queue.path("/reset")?, &body)
            }
        })
    }

    /// The answer for people.
    fn words(&self, answer: &Answer) -> anyhow::Result<String> {
        Ok(match self {
            Self::List => table::queues(&answer.json()?),
            Self::Letters { .. } => table::letters(&answer.json()?),
            Self::Timers { .. } => table::timers(&answer.json()?),
            Self::Letter { .. } => {
                let letter: Value = answer.json()?;
                format!("{letter:#}\n")
            }
            Self::Redrive { .. } => table::redriven(&answer.json()?),
            Self::Reset { .. } => table::reset(&answer.json()?),
            Self::Purge { .. } | Self::Cancel(_) | Self::Move { .. } => "done\n".to_owned(),
        })
    }
}
