//! One measurement, in a process that does nothing else: memory that was used and given back would count otherwise.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use denrei_actors::account::device::seen::Seen;
use denrei_actors::runtime::Foundation;
use denrei_actors::shard::ShardOptions;
use denrei_actors::{Handle, Origin, Runtime, RuntimeOptions};
use denrei_model::clock::SystemClock;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};

use crate::Options;
use crate::planting::{SHARDS, account, device};
use crate::resident::resident_kib;

/// Requests that wait at once.
const IN_FLIGHT: usize = 256;
/// Blocks of tables are kept too; few enough that they are there before the first look.
const CACHE: u64 = 1024 * 1024;
/// How long everybody is left alone before it is looked.
const REST: Duration = Duration::from_millis(500);

/// KiB an account.
pub(crate) fn kib(options: &Options) -> anyhow::Result<f64> {
    let own = EmbeddedOptions { cache_bytes: CACHE, ..EmbeddedOptions::at(&options.dir) };
    let store = Arc::new(EmbeddedStore::open(&own, SHARDS.len(), SHARDS.seed())?);
    actix_rt::System::new().block_on(async {
        let foundation = Foundation {
            shards: SHARDS,
            store: Arc::clone(&store) as _,
            reader: Arc::clone(&store) as _,
            inboxes: Arc::clone(&store) as _,
            clock: Arc::new(SystemClock::new()),
            incarnation: store.incarnation(),
        };
        let shard = ShardOptions {
            cached_rows: options.cached_rows,
            max_active: options.accounts,
            ..ShardOptions::default()
        };
        let runtime = Runtime::start(RuntimeOptions { arbiters: 1, shard }, foundation).await?;
        let warm = options.accounts / 10;
        wake(&runtime.handle(), 0, warm).await?;
        let before = looked_at().await?;
        wake(&runtime.handle(), warm, options.accounts).await?;
        let after = looked_at().await?;
        runtime.stop();
        Ok((after - before) / (options.accounts - warm) as f64)
    })
}

async fn looked_at() -> anyhow::Result<f64> {
    actix_rt::time::sleep(REST).await;
    resident_kib(std::process::id())
}

/// Makes the accounts with these numbers active: their devices are seen, which changes nothing.
async fn wake(handle: &Handle, from: usize, to: usize) -> anyhow::Result<()> {
    let next = Rc::new(Cell::new(from));
    let mut asking = Vec::with_capacity(IN_FLIGHT);
    for _ in 0..IN_FLIGHT {
        let (handle, next) = (handle.clone(), Rc::clone(&next));
        asking.push(actix_rt::spawn(async move {
            while next.get() < to {
                let account = account(next.replace(next.get() + 1));
                let seen = Seen { account, device: device(0), number: 0 };
                let asked = handle.ask(seen, Origin::unkeyed(account, device(0))).await;
                asked.map_err(|error| anyhow!("{account}: {error}"))?;
            }
            anyhow::Ok(())
        }));
    }
    for asked in asking {
        asked.await??;
    }
    Ok(())
}
