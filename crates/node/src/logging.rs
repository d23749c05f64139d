//! Structured logs.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Not logged unless asked for: actix-http calls it an error when a client sends what is no HTTP. The server says so itself, at
/// debug, and counts it.
const NOISE: &str = "actix_http::h1::dispatcher=off";

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogOptions {
    /// Levels, per module if wanted: `info`, `info,denrei_actors=debug`. The environment's `RUST_LOG` goes before it.
    pub(crate) level: String,
    /// `text` or `json`.
    pub(crate) format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

impl LogOptions {
    /// Everything that is wrong with these options, each by its key.
    pub(crate) fn faults(&self) -> Vec<String> {
        let directives = self.level.split(',').map(str::trim).filter(|directive| !directive.is_empty());
        directives.filter_map(fault).map(|fault| format!("level: {fault}")).collect()
    }
}

/// What is wrong with one directive. A word alone is a level: the filter itself takes any other for the name of a module, of which
/// it shows everything, and of the rest nothing.
fn fault(directive: &str) -> Option<String> {
    let level = directive.rsplit(['=', ']']).next().unwrap_or_default();
    if level.parse::<LevelFilter>().is_err() {
        let expected = "expected off, error, warn, info, debug or trace, or MODULE=LEVEL";
        return Some(format!("{directive:?}: {level:?} is no level: {expected}"));
    }
    EnvFilter::try_new(directive).err().map(|error| format!("{directive:?}: {error}"))
}

/// Starts logging to standard error.
pub(crate) fn start(options: &LogOptions) -> anyhow::Result<()> {
    let filter = match EnvFilter::try_from_default_env() {
        Ok(filter) => filter,
        Err(_) => EnvFilter::try_new(format!("{NOISE},{}", options.level)).context("log.level")?,
    };
    // Colours are for people at a terminal, not for files.
    let colours = std::io::stderr().is_terminal();
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    match options.format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}
