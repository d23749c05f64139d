//! The embedded store by itself: what the contract's promises do not cover.

#![cfg(feature = "embedded")]

use std::sync::Arc;

use denrei_model::id::AccountId;
use denrei_model::position::{Place, RecordNumber};
use denrei_model::row::{AccountKey, Change, NameKey, NameRow};
use denrei_model::shard::Shard;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use denrei_storage::shard::{
    Applied, Batch, CommitListener, Emitted, Fetch, InboxStore as _, Lost, Reader as _, ShardStore as _,
};
use tokio::sync::watch;

struct Heard(watch::Sender<Place>);

impl CommitListener for Heard {
    fn committed(&self, up_to: Place) {
        self.0.send_replace(up_to);
    }

    fn lost(&self, _: Lost) {}
}

#[tokio::test]
async fn what_was_committed_is_there_when_the_store_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { free_disk_bytes: 0, ..EmbeddedOptions::at(dir.path()) };
    let key = NameKey { name: "ann".to_owned() };
    let row = NameRow { account: AccountId::default(), until: 7, device: None };
    let (a, b) = (Shard::new(1), Shard::new(2));
    {
        let store = EmbeddedStore::open(&options, 256, 9).unwrap();
        let (sender, mut heard) = watch::channel(Place::ZERO);
        let claim = store.claim(a, Arc::new(Heard(sender))).await.unwrap();
        let batch = Batch {
            changes: vec![Change::put(key.clone(), row.clone())],
            emitted: vec![Emitted { to: b, number: RecordNumber::new(1), record: "hello".into() }],
            applied: vec![],
        };
        let ticket = store.enqueue(a, claim.epoch, batch).unwrap();
        heard.wait_for(|place| *place >= ticket.place).await.unwrap();
    }
    let store = EmbeddedStore::open(&options, 256, 9).unwrap();
    let fetched = store
        .fetch(Fetch { keys: vec![key.into(), AccountKey { account: AccountId::default() }.into()], scans: vec![] })
        .await
        .unwrap();
    assert_eq!(fetched.row::<NameKey>(0), Some(&row));
    assert_eq!(fetched.rows[1], None);
    assert_eq!(store.sources(b).await.unwrap(), [a]);
    let pending = store.pending(b, a, RecordNumber::ZERO, 10).await.unwrap();
    assert_eq!(pending.len(), 1);
    let (sender, mut heard) = watch::channel(Place::ZERO);
    let claim = store.claim(b, Arc::new(Heard(sender))).await.unwrap();
    let applied = vec![Applied { from: a, number: RecordNumber::new(1) }];
    let ticket = store.enqueue(b, claim.epoch, Batch { applied, ..Batch::default() }).unwrap();
    heard.wait_for(|place| *place >= ticket.place).await.unwrap();
    assert!(store.sources(b).await.unwrap().is_empty());
    assert!(store.pending(b, a, RecordNumber::ZERO, 10).await.unwrap().is_empty());
}
