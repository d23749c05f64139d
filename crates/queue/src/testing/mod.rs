//! For the tests of processors: a log in memory, a clock that moves when nobody is busy, and guarantees as objects.
//!
//! ```
//! use denrei_queue::codec::Text;
//! use denrei_queue::testing::Bench;
//! use denrei_queue::{Pipeline, Settings, Task, TaskError};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let bench = Bench::new("greetings", 1).await;
//! let (seen, mut greeted) = tokio::sync::mpsc::unbounded_channel();
//! let greet = move |task: Task<String>| {
//!     let seen = seen.clone();
//!     async move { seen.send(task.value).map_err(|_| TaskError::fatal("nobody listens")) }
//! };
//! let subscription = bench.subscribe(Pipeline::new(Text, greet), Settings::default()).await;
//! bench.client(Text).put_after(std::time::Duration::from_secs(600), "anna", &"hello".to_owned()).await.unwrap();
//! assert_eq!(greeted.recv().await.as_deref(), Some("hello")); // ten minutes later, and at once
//! subscription.shutdown().await;
//! # }
//! ```
//!
//! The time is tokio's: in a test with `start_paused = true` it stands still while anything runs, and jumps to the next thing that
//! waits when nothing does.

mod bench;
mod clock;
mod fault;
mod guarantee;
mod hanging;

pub use self::bench::Bench;
pub use self::clock::TokioClock;
pub use self::fault::Fault;
pub use self::guarantee::{
    AtLeastOnce, DeadLetterOrDone, Guarantee, NoEarlyDelivery, OrderPerKey, Seen, Sent, SerialPerKey,
    Violation, judge,
};
pub use self::hanging::HangingLog;
