//! `denrei replay`: the messages of a file, sent through real devices to a node, and a verdict.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use denrei_client::replay::{self, ReplayOptions};

use crate::logging::{self, LogOptions};

/// What to replay, against which node.
#[derive(Args)]
pub(crate) struct ReplayArgs {
    /// Lines `sender receiver unix_seconds`; a header line is passed over, messages to oneself are left out and counted.
    file: PathBuf,
    /// The node. One that does not listen yet, or goes away, is waited for; a host that nobody knows, or an address at which
    /// something else answers, ends the run.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    node: String,
    /// With https://: a PEM file of the certificates to trust, instead of those of the system.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Send at this multiple of the recorded speed (open loop): latency counts from the scheduled time to the answer that settled
    /// it, with all attempts and any time without a node. Without it, as fast as it goes (closed loop).
    #[arg(long)]
    speed: Option<f64>,
    /// What chance decides: who has two devices, who is away when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the first so many messages.
    #[arg(long)]
    limit: Option<NonZeroUsize>,
    /// Sends that may wait for their answer at once.
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
    /// Keep what was received in this directory: one NDJSON file per device, and one of all sends. An earlier recording there is
    /// replaced; a directory that holds anything else is refused.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

impl ReplayArgs {
    /// Replays, reports, and fails if a guarantee was broken.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        logging::start(&LogOptions { level: "warn".to_owned(), ..LogOptions::default() })?;
        anyhow::ensure!(self.speed.is_none_or(|speed| speed > 0.0), "--speed must be more than 0");
        let options = ReplayOptions {
            file: self.file,
            node: self.node,
            certificates: self.ca,
            speed: self.speed,
            seed: self.seed,
            limit: self.limit,
            in_flight: self.in_flight,
            record: self.record,
            progress: !self.json,
        };
        let report = replay::run(&options)?;
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print!("{report}");
        }
        Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
