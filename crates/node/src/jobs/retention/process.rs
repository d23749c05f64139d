//! Running the tasks of retention: each may be run again, and goes on where it was.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use denrei_actors::shard::Sweep;
use denrei_model::clock::Timestamp;
use denrei_model::id::AccountId;
use denrei_model::shard::Shard;
use denrei_queue::admin::QueueAdmin;
use denrei_queue::{Processor, Task, TaskError};
use denrei_storage::log::{ErrorKind, LogError, Place};
use futures_util::StreamExt as _;

use super::census;
use super::schedule::{Job, next_plan, plan_after, sweeps};
use crate::jobs::open::Ground;

/// Accounts that are found before their shards are asked to sweep, so that each shard gets a few at a time.
const GATHERED: usize = 8_192;
/// Shards that sweep at once: their commits share a sync.
const AT_ONCE: usize = 8;

/// What runs them.
pub(super) struct Retention {
    ground: Ground,
    admin: QueueAdmin,
    place: Place,
    stopping: Arc<AtomicBool>,
}

impl Retention {
    pub(super) fn new(ground: Ground, admin: QueueAdmin, place: Place, stopping: Arc<AtomicBool>) -> Self {
        Self { ground, admin, place, stopping }
    }

    /// Where its tasks are.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Has the next plan wait for its time.
    pub(super) async fn put_next_plan(&self) -> Result<(), LogError> {
        let now = self.now();
        self.put(now, next_plan(now, self.ground.options.sweep_hour), &[]).await
    }

    /// Has a plan wait until it is due, and these jobs for their turn, all or none.
    async fn put(&self, now: Timestamp, plan: (Job, Timestamp), jobs: &[Job]) -> Result<(), LogError> {
        let all = std::iter::once(plan).chain(jobs.iter().map(|job| (*job, now)));
        let timers: Result<Vec<_>, _> = all.map(|(job, due)| job.timer(now, due)).collect();
        let timers = timers.map_err(|error| LogError::new(ErrorKind::Invalid, error.to_string()))?;
        self.admin.put_timers(&self.place, timers).await
    }

    fn now(&self) -> Timestamp {
        self.ground.runtime.clock().now()
    }

    /// Sweeps a shard until nothing is left, and says how many rows went.
    async fn sweep(&self, shard: Shard, sweep: Sweep) -> Result<usize, TaskError> {
        let (mut next, mut rows) = (Some(sweep), 0);
        while let Some(sweep) = next {
            self.go_on()?;
            let swept = self.ground.runtime.sweep(shard, sweep).await?;
            (next, rows) = (swept.rest, rows + swept.rows);
        }
        Ok(rows)
    }

    /// Refuses to go on once the node is going: the task waits for the next start.
    fn go_on(&self) -> Result<(), TaskError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(TaskError::retry("the node stops"));
        }
        Ok(())
    }

    /// Walks over all accounts. A shard that does not answer does not keep the others from being swept.
    async fn sweep_operations(&self) -> Result<(), TaskError> {
        let kept = self.ground.options.operations_for();
        let before = Timestamp::default().plus(self.now().since(Timestamp::default().plus(kept)));
        let (mut rows, mut failed) = (0, None);
        let (mut from, mut gathered) = (Some(AccountId::default()), Vec::new());
        while let Some(at) = from {
            self.go_on()?;
            let page = census::page(&*self.ground.reader, at, before).await?;
            gathered.extend(page.accounts);
            from = page.next;
            if gathered.len() >= GATHERED || from.is_none() {
                let mut results = self.sweep_logs(std::mem::take(&mut gathered), before).await;
                rows += results.iter().filter_map(|result| result.as_ref().ok()).sum::<usize>();
                failed = failed.or(results.extract_if(.., |result| result.is_err()).find_map(Result::err));
            }
        }
        if rows > 0 {
            tracing::info!(rows, days = self.ground.options.operation_days, "old operations were swept");
        }
        failed.map_or(Ok(()), Err)
    }

    /// Has each shard sweep the logs of its accounts, some shards at once.
    async fn sweep_logs(&self, gathered: Vec<AccountId>, before: Timestamp) -> Vec<Result<usize, TaskError>> {
        let mut of_shards: HashMap<Shard, Vec<AccountId>> = HashMap::new();
        for account in gathered {
            let shard = self.ground.runtime.shards().of_account(account);
            of_shards.entry(shard).or_default().push(account);
        }
        let sweeps = of_shards
            .into_iter()
            .map(|(shard, accounts)| self.sweep(shard, Sweep::Operations { accounts, before }));
        futures_util::stream::iter(sweeps).buffer_unordered(AT_ONCE).collect().await
    }
}

impl Processor<Job> for Retention {
    async fn process(&self, task: Task<Job>) -> Result<(), TaskError> {
        match task.value {
            Job::Plan { day, turn } => {
                let jobs: Vec<Job> = sweeps(day, self.ground.runtime.shards()).collect();
                let now = self.now();
                let next = plan_after(day, turn, now, self.ground.options.sweep_hour);
                Ok(self.put(now, next, &jobs).await?)
            }
            Job::Answers { shard, .. } => {
                let rows = self.sweep(Shard::new(shard), Sweep::Answers { from: None }).await?;
                tracing::debug!(shard, rows, "answers were swept");
                Ok(())
            }
            Job::Operations { .. } => self.sweep_operations().await,
        }
    }
}
