//! Asynchronous tasks on a partitioned log.

pub mod admin;
mod batching;
mod client;
pub mod codec;
mod compaction;
mod metrics;
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
