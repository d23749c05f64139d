//! Asynchronous tasks on a partitioned log: work that may wait, and must not be lost.
//!
//! # Why
//! A log such as Kafka gives order and durability per partition, and leaves the rest to whoever reads it: one slow task stops all behind it,
//! a failed one has nowhere to go, a delayed one has nowhere to wait. This crate adds what is missing: a queue per *key* rather than
//! per partition, retries with growing delays, timers as durable as the log, dead letters, rates and quotas, batches and merges. It
//! is what Decaton is to Kafka and speaks its wire format ([for those who come from there](migration)), and runs on a log on the process's own
//! disk as well.
//!
//! # Quick start
//! ```
//! use std::sync::Arc;
//! use denrei_model::clock::{Clock, SystemClock};
//! use denrei_queue::codec::Text;
//! use denrei_queue::{Pipeline, Source, Subscription, Task, TaskClient, TaskError};
//! use denrei_storage::log::{LocalLog, LocalOptions, Log, TopicConfig};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
//! // In memory here; `LocalLog::embedded` keeps it on disk, `KafkaLog::new` on a cluster.
//! let log: Arc<dyn Log> = Arc::new(LocalLog::memory(Arc::clone(&clock), LocalOptions::default())?);
//! log.admin().create_topic(&"mails".into(), TopicConfig::new(8)).await?;
//!
//! let (sent, mut outbox) = tokio::sync::mpsc::unbounded_channel();
//! let mailer = move |task: Task<String>| {
//!     let sent = sent.clone();
//!     async move { sent.send(task.value).map_err(|_| TaskError::retry("the mail server is away")) }
//! };
//! let subscription = Subscription::builder(Arc::clone(&log), Arc::clone(&clock), "mailers")
//!     .topic("mails", Pipeline::new(Text, mailer))
//!     .start()
//!     .await?;
//!
//! let source = Source { application: "shop".into(), instance: "1".into() };
//! let mails = TaskClient::new(log.producer(), clock, source, "mails", Text);
//! mails.put("anna", &"your parcel is on its way".to_owned()).await?;
//! assert_eq!(outbox.recv().await.as_deref(), Some("your parcel is on its way"));
//! subscription.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # What is guaranteed
//! - **At least once.** A task whose `put` was confirmed runs until it says `Ok`, or becomes a dead letter. Its offset completes only when it is
//!   done, its key is ignored, what it was merged into is done, its timer is durable, or its dead letter is durable. A write of a timer or dead
//!   letter that fails completes nothing; it is tried again.
//! - **Redone after a crash**: what was in flight, and what was done since the last commit. What was done above the watermark and is in the commit
//!   is not redone, as far as its runs fit into 4 KiB of metadata. After an outage of the log, in which nothing can be committed, the owner that gets
//!   its partitions back before anybody else has committed redoes only what was in flight, tries among it whose retry could not be written.
//! - **Order and seriality per key** within an assignment of a partition: while `process` is awaited, no other task of its key runs; tasks of one key start in
//!   the order of the log. [`Context::defer`] gives the key free earlier. A task that is retried or delayed lets later ones pass, unless
//!   [`KeyOrder::Hold`](settings::KeyOrder) is set. Tasks without a key know no order.
//! - **Across assignments**, an owner that was replaced without knowing may still be running: [`Context::token`] rises with each assignment, so
//!   that a store can refuse the older one; for as long as the log keeps the group's commits.
//! - **Not early.** A delayed task does not run before the wall clock shows its time. A clock that is set back makes it wait, one that is set
//!   forward is noticed within a second.
//! - **Bounded.** What is read and not done is bounded by count and bytes, timers fired at once by count, those that come next by count and
//!   bytes (8 MiB a partition), the log client's own queue by [`SubscriptionBuilder::fetch_bytes`]. Timers that wait longer take no memory, but
//!   for some 30 bytes each while its record is to be read once more, after a change of owner: they are on disk. On Kafka their owner keeps them in
//!   a directory that it fills from the log and removes (`KafkaOptions::timers_dir`), with 96 MiB in memory at most for all partitions of a
//!   `KafkaLog`, however many wait. With [`KeyOrder::Hold`](settings::KeyOrder) each key that is held takes some 350 bytes, and each task that is parked
//!   behind another some 40, the first of its key 200: both are bounded by count ([`max_held_keys`](Settings::max_held_keys),
//!   [`max_held`](Settings::max_held)), and no more is read while there is no room. Timers that come due while an earlier task of their key waits
//!   go behind it whatever the bound. If earlier owners left more than that, timers fire, and nothing is
//!   read, until the rest has room.
//!
//! # Properties
//! All of [`Settings`] can be changed while it runs, from code ([`settings::StaticSettings`]), a watched file
//! ([`settings::SettingsFile`]), or whatever implements [`settings::SettingsSource`]; settings that cannot be used are reported, and the last
//! good ones stay. Each field says its unit and default. What is set at the start, and not reloaded: topics and pipelines, group, member name,
//! `fetch_bytes`, `write_retry_topics`.
//!
//! # Processors
//! Async closures, or [`Processor`]; [`Blocking`] for functions that block; [`Spawned`] to use several cores for one partition; [`stage`] to put
//! steps before a processor; [`Batching`] and [`Compaction`] to run many tasks as one. `?` on any error is a retry; [`TaskError::fatal`] goes
//! to the dead letters; a panic is a retry.
//!
//! # Looking after it
//! [`admin::QueueAdmin`] lists, redrives and purges dead letters (topic `<topic>.<group>.dead-letters`), lists, cancels and moves timers, shows the lag,
//! and resets offsets. It also puts timers under numbers of the caller's own: under a number one waits, the last that
//! was put, and what is put while a task of its number runs is run after it. A timer has one id, whatever the try; cancelled while its task
//! runs, that has no further try. A task that is put back is as young as that for `task_ttl_ms`, and its metadata still tells when it was made.
//!
//! **Records above the maximum size.** A topic of dead letters takes 64 KiB more than the topic of its tasks, which is asked at the start: every
//! task fits. What is put under a number is refused if it is larger than a record of its topic. If a dead letter does not fit all the same,
//! since a limit was lowered or a timer was put otherwise, nothing is cut and nothing is lost: the task stays open, the writing is tried twice a
//! minute and counted (`denrei_queue_dead_letter_failures_total`), its error is logged, and it is written once the topic takes more. Meanwhile
//! it keeps its part of `max_pending_records` and `max_pending_bytes`, or its place among `max_fired_timers`: with too many of them, partitions
//! stand still. Other tasks go on, but those of its own key if it holds that: with the order held, if it has waited before. One that fails
//! fatally at its first try never holds its key. Its partition cannot end before `rebalance_timeout_ms`, nor a shutdown before
//! `shutdown_timeout_ms`.
//!
//! Metrics go through the `metrics` crate, as `denrei_queue_…`; each try is a `tracing` span named `task`, and carries the
//! task's `traceparent` header, which is kept across retries.
//!
//! # Testing
//! With the feature `testing`, `denrei_queue::testing::Bench` runs processors in memory on paused time, and guarantees judge what was seen.
//!
//! # Inside
//! ```text
//! client ─► log ─► subscription (reader: polls, commits) ─► partition (tracker, key queues, timers, dead letters) ─► pipeline ─► processor
//! ```

pub mod admin;
mod batching;
mod client;
pub mod codec;
mod compaction;
mod metrics;
#[doc = include_str!("../docs/decaton.md")]
pub mod migration {}
mod partition;
mod pipeline;
mod processor;
pub mod settings;
mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wire;

pub use batching::{BatchLimits, BatchProcessor, Batching};
pub use client::{PutError, PutOptions, Source, TaskClient};
pub use compaction::{Compaction, Merged};
pub use pipeline::{Pipeline, Staged, stage};
pub use processor::{Blocking, Completion, Context, Processor, Spawned, Task, TaskError};
pub use settings::Settings;
pub use subscription::{StartError, State, Subscription, SubscriptionBuilder};
