//! The example as a test: impressions are decided after ten and a half minutes of a clock that jumps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/smart_channel/content.rs"]
mod content;
#[path = "../examples/smart_channel/outcomes.rs"]
mod outcomes;

use std::sync::Arc;
use std::time::Duration;

use denrei_model::Clock;
use denrei_queue::testing::{Bench, TokioClock};

use self::content::ContentUpdates;
use self::outcomes::{Action, Outcome, Outcomes};

const PATIENCE: Duration = Duration::from_secs(630);

#[tokio::test(start_paused = true)]
async fn an_impression_is_decided_after_ten_and_a_half_minutes_by_what_is_known_then() {
    let bench = Bench::new(outcomes::TOPIC, 4).await;
    let clock: Arc<dyn Clock> = Arc::<TokioClock>::clone(&bench.clock);
    let outcomes = Outcomes::start(&bench.log, &clock, PATIENCE).await.unwrap();
    for n in 0..300 {
        outcomes.shown(&format!("impression-{n}")).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    for n in (0..300).step_by(3) {
        outcomes.acted(&format!("impression-{n}"), Action::Click).await.unwrap();
        outcomes.acted(&format!("impression-{}", n + 1), Action::Mute).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(325)).await;
    assert!(outcomes.decided().is_empty());
    // The last moment: a click that is on its way when the ten minutes are over.
    outcomes.acted("impression-2", Action::Click).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Too late: the outcome is decided once.
    outcomes.acted("impression-5", Action::Click).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let decided = outcomes.decided();
    let count = |wanted: Outcome| decided.values().filter(|outcome| **outcome == wanted).count();
    assert_eq!(count(Outcome::Acted(Action::Click)), 101);
    assert_eq!(count(Outcome::Acted(Action::Mute)), 100);
    assert_eq!(count(Outcome::NoAction), 99);
    outcomes.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_updates_ends_with_the_last_one_shown() {
    let bench = Bench::new(content::TOPIC, 1).await;
    let clock: Arc<dyn Clock> = Arc::<TokioClock>::clone(&bench.clock);
    let updates = ContentUpdates::start(&bench.log, &clock).await.unwrap();
    for text in ["rain", "clouds", "sun"] {
        updates.changed("weather", text).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(updates.shown().get("weather").map(String::as_str), Some("sun"));
    updates.stop().await;
}
