//! Our side: accounts write to each other through the real shards and the real store; a recorded pass follows the timed one.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use denrei_actors::account::device::NewDevice;
use denrei_actors::account::device::register::Register;
use denrei_actors::chatroom::send::Send;
use denrei_actors::runtime::Foundation;
use denrei_actors::{Handle, Origin, Runtime, RuntimeOptions};
use denrei_model::clock::{Clock, SystemClock};
use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::message::{Content, Text};
use denrei_model::shard::ShardMap;
use denrei_storage::embedded::Item;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use denrei_storage::shard::ShardStore;

use crate::Options;
use crate::recording::Recording;

const SHARDS: u16 = 256;
/// A message as people write them.
const TEXT: &str =
    "meet me at the station at seven, I bring the tickets and you bring the umbrella, it will rain again";

/// What a round gave.
pub(crate) struct Run {
    pub(crate) sends: usize,
    pub(crate) took: Duration,
    pub(crate) batches: Vec<Vec<Item>>,
    groups: u64,
    commits: u64,
}

impl Run {
    pub(crate) fn sends_per_second(&self) -> f64 {
        self.sends as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn commits_per_group(&self) -> f64 {
        self.commits as f64 / self.groups.max(1) as f64
    }
}

/// Makes a store, registers everyone, measures a pass, then records another.
pub(crate) fn run(options: &Options) -> anyhow::Result<Run> {
    let dir = tempfile::tempdir_in(&options.dir)?;
    let timed = pass(options, &dir.path().join("timed"), false)?;
    let recorded = pass(options, &dir.path().join("recorded"), true)?;
    Ok(Run { batches: recorded.batches, ..timed })
}

fn pass(options: &Options, dir: &Path, record: bool) -> anyhow::Result<Run> {
    let store = Arc::new(EmbeddedStore::open(&EmbeddedOptions::at(dir), SHARDS, 0)?);
    let recording = Arc::new(Recording { store: Arc::clone(&store), batches: Mutex::default() });
    let shards: Arc<dyn ShardStore> =
        if record { Arc::clone(&recording) as _ } else { Arc::clone(&store) as _ };
    actix_rt::System::new().block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let foundation = Foundation {
            shards: ShardMap::new(SHARDS, 0),
            store: shards,
            reader: Arc::clone(&store) as _,
            inboxes: Arc::clone(&store) as _,
            clock: Arc::clone(&clock),
            incarnation: store.incarnation(),
        };
        let runtime_options = RuntimeOptions { arbiters: 1, ..RuntimeOptions::default() };
        let runtime = Runtime::start(runtime_options, foundation).await?;
        let handle = runtime.handle();
        let accounts = register(&handle, options.accounts).await?;
        settle(&store).await;
        recording.batches.lock().map_err(|_| anyhow!("a recording thread panicked"))?.clear();
        let before = store.stats();
        let started = clock.monotonic();
        send_all(&handle, &accounts, options).await?;
        settle(&store).await;
        let took = clock.monotonic() - started;
        let after = store.stats();
        let batches =
            recording.batches.lock().map_err(|_| anyhow!("a recording thread panicked"))?.split_off(0);
        runtime.stop();
        Ok(Run {
            sends: options.sends,
            took,
            batches,
            groups: after.groups - before.groups,
            commits: after.batches - before.batches,
        })
    })
}

async fn register(handle: &Handle, count: usize) -> anyhow::Result<Rc<Vec<AccountId>>> {
    let mut accounts = Vec::with_capacity(count);
    for number in 0..count {
        let account = AccountId::derived("bench", &[&number.to_be_bytes()]);
        let device = NewDevice {
            device: DeviceId::default(),
            name: "bench".to_owned(),
            platform: "bench".to_owned(),
            family: [0; 16],
            access_for: Duration::from_secs(3_600),
        };
        let origin = Origin::unkeyed(account, DeviceId::default());
        let registered = handle.ask(Register { account, name: "bench".to_owned(), device }, origin).await;
        registered.map_err(|error| anyhow!("{error}"))?;
        accounts.push(account);
    }
    Ok(Rc::new(accounts))
}

async fn send_all(handle: &Handle, accounts: &Rc<Vec<AccountId>>, options: &Options) -> anyhow::Result<()> {
    let next = Rc::new(Cell::new(0));
    let mut senders = Vec::with_capacity(options.in_flight);
    for _ in 0..options.in_flight {
        let (handle, accounts, next, sends) =
            (handle.clone(), Rc::clone(accounts), Rc::clone(&next), options.sends);
        senders.push(actix_rt::spawn(async move {
            while next.get() < sends {
                let number = next.get();
                next.set(number + 1);
                send(&handle, &accounts, number).await?;
            }
            anyhow::Ok(())
        }));
    }
    for sender in senders {
        sender.await??;
    }
    Ok(())
}

async fn send(handle: &Handle, accounts: &[AccountId], number: usize) -> anyhow::Result<()> {
    // Every account writes to twenty others, in no order that a cache could like.
    let mixed = number.wrapping_mul(2_654_435_761) >> 7;
    let sender = *accounts.get(mixed % accounts.len()).context("accounts")?;
    let peer =
        *accounts.get((mixed + 1 + mixed / accounts.len() % 20) % accounts.len()).context("accounts")?;
    let key = format!("{}-{number}", handle.clock().now().day().to_yyyymmdd());
    let command = Send {
        chat: ChatId::direct(sender, peer),
        peer: Some(peer),
        sender,
        device: DeviceId::default(),
        key: Some(key.clone()),
        content: Content::Text(Text { text: TEXT.to_owned() }),
        reply_to: None,
        mentions: Vec::new(),
    };
    let origin = Origin {
        account: sender,
        device: DeviceId::default(),
        key: Some(key.parse()?),
        payload: number as u64,
    };
    handle.ask(command, origin).await.map_err(|error| anyhow!("{error}"))?;
    Ok(())
}

/// Waits until nothing is queued and nothing more comes: every receiver has its operation, durable.
async fn settle(store: &EmbeddedStore) {
    let mut seen = store.durable();
    loop {
        actix_rt::time::sleep(Duration::from_millis(2)).await;
        let now = store.durable();
        if now == seen && store.stats().queued == 0 {
            return;
        }
        seen = now;
    }
}
