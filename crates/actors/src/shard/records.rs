//! Records between shards: taking them in order, pulling those that were not handed over.

use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, AsyncContext as _, Context};
use denrei_model::shard::Shard;
use denrei_storage::shard::{InboxStore, ReadError};

use super::ShardActor;
use super::inbox::Arrival;
use super::item::{Applying, Arriving, Cause};
use super::messages::{Pulled, Sources};

/// Most records read from a durable inbox at once.
const PULL: usize = 512;
/// How long to wait when the next record is not durable yet, or the store did not answer.
const PULL_PAUSE: Duration = Duration::from_millis(20);

/// Looks which shards have durable records for this one.
pub(super) async fn find_sources(shard: Shard, inboxes: Arc<dyn InboxStore>, me: &Addr<ShardActor>) {
    while me.connected() {
        match inboxes.sources(shard).await {
            Ok(sources) => return me.do_send(Sources(sources)),
            Err(error @ ReadError::Damaged(_)) => {
                return tracing::error!(%shard, %error, "the numbers of the inbox are damaged: records that waited stay there");
            }
            Err(error) => {
                tracing::warn!(%shard, %error, "the sources of the inbox cannot be read; trying again");
            }
        }
        actix::clock::sleep(PULL_PAUSE).await;
    }
}

impl ShardActor {
    /// Takes records that were handed over, as far as they are the next ones and there is room.
    pub(super) fn take_records(&mut self, records: Vec<Arriving>, ctx: &Context<Self>) {
        for record in records {
            self.take_record(record, ctx);
        }
        self.pull(ctx);
        self.drive(ctx);
    }

    fn take_record(&mut self, record: Arriving, ctx: &Context<Self>) {
        match self.inbox.judge(&record.pending) {
            Arrival::Repeat => self.counts.repeats += 1,
            Arrival::Early => {}
            // Without room the record stays in the durable inbox; it is pulled when there is room again.
            Arrival::Take if self.line.records() >= self.around.options.max_queued_records => {}
            Arrival::Take => {
                self.inbox.taken(&record.pending);
                let since = self.around.clock.monotonic();
                self.arrive(Cause::Record(Applying::new(record, since)), ctx);
            }
        }
    }

    /// Reads what is missing from the durable inboxes of its sources.
    pub(super) fn pull(&mut self, ctx: &Context<Self>) {
        if self.line.records() >= self.around.options.max_queued_records {
            return;
        }
        for (from, after) in self.inbox.begin_pulls() {
            let (inboxes, to, me) = (Arc::clone(&self.around.inboxes), self.shard, ctx.address());
            actix::spawn(async move {
                let result = inboxes.pending(to, from, after, PULL).await;
                let first = result.as_ref().ok().and_then(|records| records.first());
                if first.is_none_or(|record| record.number != after.next()) {
                    actix::clock::sleep(PULL_PAUSE).await;
                }
                me.do_send(Pulled { from, after, result });
            });
        }
    }

    pub(super) fn take_pulled(&mut self, pulled: Pulled, ctx: &Context<Self>) {
        let Pulled { from, after, result } = pulled;
        self.inbox.pulled(from);
        match result {
            Ok(records) => {
                self.counts.pulled += records.len() as u64;
                if records.len() == PULL {
                    self.inbox.rumour(from);
                }
                self.take_records(records.into_iter().map(Arriving::from).collect(), ctx);
            }
            Err(error) => {
                tracing::warn!(shard = %self.shard, %from, %after, %error, "an inbox cannot be read; trying again");
                self.last_error = Some(error.to_string());
                self.inbox.rumour(from);
                self.pull(ctx);
            }
        }
    }
}
