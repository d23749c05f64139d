//! `denrei load`: made-up people in a pattern against a node, and a verdict.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use denrei_client::load::{self, Extent, LoadOptions, Pattern};

use crate::logging::{self, LogOptions};

/// How long it goes on if nothing is said, in seconds.
const SECONDS: f64 = 60.0;

/// What to play, against which node.
#[derive(Args)]
pub(crate) struct LoadArgs {
    /// What people do.
    pattern: PatternName,
    /// The node. One that does not listen yet, or goes away, is waited for; a host that nobody knows, or an address at which
    /// something else answers, ends the run.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    node: String,
    /// With https://: a PEM file of the certificates to trust, instead of those of the system.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// How many people, each with one device; one in ten with a second one, unless streams are idle.
    #[arg(long, default_value = "100")]
    people: NonZeroUsize,
    /// End after so many messages.
    #[arg(long, conflicts_with = "seconds")]
    messages: Option<NonZeroUsize>,
    /// End after this time, also if no node answers in it; 60 if neither is said.
    #[arg(long)]
    seconds: Option<f64>,
    /// Messages and changes a second, whatever the node does (open loop): latency counts from the scheduled time to the answer
    /// that settled it, with all attempts and any time without a node. Without it, as fast as it goes (closed loop).
    #[arg(long)]
    rate: Option<f64>,
    /// What chance decides: who writes to whom, what happens in groups, who has two devices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Sends and changes that may wait for their answer at once.
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
    /// `groups`: the largest group, 2 to 500.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(2..=500))]
    group_size: u64,
    /// `storm`: seconds between two storms.
    #[arg(long, default_value_t = 5.0)]
    every: f64,
    /// `slow`: how many of a hundred people read slowly.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    slow_percent: u32,
    /// `slow`: bytes a second that they read.
    #[arg(long, default_value = "64")]
    slow_bytes: NonZeroU32,
    /// Keep what was received in this directory: one NDJSON file per device, one of all sends, one of all changes. An earlier
    /// recording there is replaced; a directory that holds anything else is refused.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Patterns by name.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PatternName {
    /// 1:1: everyone writes to a few friends.
    Direct,
    /// Groups: made, entered and left, written, read, reacted and taken back in.
    Groups,
    /// Streams are held open; nothing is sent.
    Idle,
    /// All connections are cut and made again at once, every few seconds, while people write.
    Storm,
    /// Some devices read a few bytes a second, while people write.
    Slow,
}

impl LoadArgs {
    /// Plays, reports, and fails if a guarantee was broken.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        logging::start(&LogOptions { level: "warn".to_owned(), ..LogOptions::default() })?;
        let json = self.json;
        let report = load::run(&self.options()?)?;
        if json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print!("{report}");
        }
        Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn options(self) -> anyhow::Result<LoadOptions> {
        anyhow::ensure!(self.rate.is_none_or(|rate| rate > 0.0), "--rate must be more than 0");
        let idle = self.pattern == PatternName::Idle;
        anyhow::ensure!(idle || self.people.get() > 1, "--people must be at least 2: somebody is written to");
        anyhow::ensure!(!idle || self.messages.is_none(), "--messages: in `idle` nothing is sent");
        let seconds = |name, seconds: f64| {
            let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
            time.ok_or_else(|| anyhow::anyhow!("--{name} must be more than 0"))
        };
        let extent = match self.messages {
            Some(messages) => Extent::Messages(messages.get()),
            None => Extent::Time(seconds("seconds", self.seconds.unwrap_or(SECONDS))?),
        };
        let pattern = match self.pattern {
            PatternName::Direct => Pattern::Direct,
            PatternName::Groups => Pattern::Groups { largest: usize::try_from(self.group_size)? },
            PatternName::Idle => Pattern::Idle,
            PatternName::Storm => Pattern::Storm { every: seconds("every", self.every)? },
            PatternName::Slow => {
                Pattern::Slow { percent: self.slow_percent, bytes_per_second: self.slow_bytes }
            }
        };
        Ok(LoadOptions {
            pattern,
            node: self.node,
            certificates: self.ca,
            people: self.people,
            extent,
            rate: self.rate,
            seed: self.seed,
            in_flight: self.in_flight,
            record: self.record,
            progress: !self.json,
        })
    }
}
