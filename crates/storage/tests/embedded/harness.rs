//! A store in a directory, and the shortest way to write to it.

use std::path::Path;
use std::sync::Arc;

use denrei_model::id::AccountId;
use denrei_model::position::Place;
use denrei_model::row::{Change, NameKey, NameRow};
use denrei_model::shard::Shard;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use denrei_storage::shard::{Batch, Claim, CommitListener, Fetch, Lost, Reader as _, ShardStore as _};
use tokio::sync::watch;

/// Options that do not look at the disk of whoever runs the tests.
pub(crate) fn options(dir: &Path) -> EmbeddedOptions {
    EmbeddedOptions { free_disk_bytes: 0, ..EmbeddedOptions::at(dir) }
}

pub(crate) fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(&options(dir), 8, 1).unwrap()
}

/// A listener that remembers the last place, or the loss.
pub(crate) struct Ear {
    pub(crate) heard: watch::Sender<(Place, Option<Lost>)>,
}

impl CommitListener for Ear {
    fn committed(&self, up_to: Place) {
        self.heard.send_modify(|heard| heard.0 = up_to);
    }

    fn lost(&self, why: Lost) {
        self.heard.send_modify(|heard| heard.1 = Some(why));
    }
}

pub(crate) async fn claim(store: &EmbeddedStore, shard: u16) -> (Claim, Arc<Ear>) {
    let ear = Arc::new(Ear { heard: watch::Sender::new((Place::ZERO, None)) });
    let listener = Arc::clone(&ear);
    (store.claim(Shard::new(shard), listener).await.unwrap(), ear)
}

impl Ear {
    pub(crate) async fn wait(&self, place: Place) {
        self.heard.subscribe().wait_for(|(up_to, _)| *up_to >= place).await.unwrap();
    }

    pub(crate) async fn lost(&self) -> Lost {
        let mut heard = self.heard.subscribe();
        let heard = heard.wait_for(|(_, lost)| lost.is_some()).await.unwrap();
        heard.1.clone().unwrap()
    }
}

pub(crate) fn put(name: &str, number: u64) -> Change {
    let key = NameKey { name: name.to_owned() };
    Change::put(key, NameRow { account: AccountId::default(), until: number, device: None })
}

pub(crate) fn batch(changes: Vec<Change>) -> Batch {
    Batch { changes, ..Batch::default() }
}

pub(crate) async fn number(store: &EmbeddedStore, name: &str) -> Option<u64> {
    let fetch = Fetch { keys: vec![NameKey { name: name.to_owned() }.into()], scans: vec![] };
    store.fetch(fetch).await.unwrap().row::<NameKey>(0).map(|row| row.until)
}

/// A closed store with this many groups, each of one commit that was announced.
pub(crate) async fn groups(dir: &Path, count: u64) {
    let store = open(dir);
    let (claim, ear) = claim(&store, 1).await;
    for number in 1..=count {
        let changes = vec![put("n", number), put(&format!("n{number}"), number)];
        let ticket = store.enqueue(claim.shard, claim.epoch, &batch(changes)).unwrap();
        ear.wait(ticket.place).await;
    }
}
