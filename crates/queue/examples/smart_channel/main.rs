//! Content at the top of a screen: which impressions led to a click, which to a mute, and which to nothing?
//!
//! "Nothing" has no event of its own, so each impression is also a task due ten minutes later, plus half a minute for clicks that are
//! on their way. Whatever is known of the impression by then is its outcome, decided once.
//!
//! `cargo run -p denrei-queue --example smart_channel [directory]`: on the embedded log, with the ten minutes scaled down to a second; with
//! `DENREI_KAFKA` set, on that broker.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "an example is a program of its own")]

mod content;
mod outcomes;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{EmbeddedOptions, ErrorKind, LocalLog, Log, TopicConfig};

use self::content::ContentUpdates;
use self::outcomes::{Action, Outcomes};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let scratch = tempfile::tempdir()?;
    let log: Arc<dyn Log> = if let Ok(servers) = std::env::var("DENREI_KAFKA") {
        Arc::new(KafkaLog::new(KafkaOptions::new(servers), Arc::clone(&clock))?)
    } else {
        let directory = std::env::args().nth(1);
        let directory = directory.as_deref().map_or(scratch.path(), Path::new);
        Arc::new(LocalLog::embedded(directory, Arc::clone(&clock), &EmbeddedOptions::default())?)
    };
    for topic in [outcomes::TOPIC, content::TOPIC] {
        match log.admin().create_topic(&topic.into(), TopicConfig::new(4)).await {
            Err(error) if error.kind() != ErrorKind::TopicExists => return Err(error.into()),
            _ => {}
        }
    }
    let outcomes = Outcomes::start(&log, &clock, Duration::from_secs(1)).await?;
    let updates = ContentUpdates::start(&log, &clock).await?;
    updates.changed("weather", "rain").await?;
    updates.changed("weather", "sun").await?;
    for (impression, action) in [("a", Some(Action::Click)), ("b", Some(Action::Mute)), ("c", None)] {
        outcomes.shown(impression).await?;
        if let Some(action) = action {
            outcomes.acted(impression, action).await?;
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!("content: {:?}", updates.shown());
    for (impression, outcome) in outcomes.decided() {
        println!("{impression}: {outcome:?}");
    }
    outcomes.stop().await;
    updates.stop().await;
    Ok(())
}
