//! The embedded store keeps the contract.

use super::{EmbeddedOptions, EmbeddedStore};
use crate::conformance::Subject;

fn subject() -> Subject<EmbeddedStore> {
    let dir = tempfile::tempdir().unwrap();
    Subject::new(move |store: Option<EmbeddedStore>| {
        drop(store);
        let options = EmbeddedOptions { free_disk_bytes: 0, ..EmbeddedOptions::at(dir.path()) };
        EmbeddedStore::open(&options, 8, 1).unwrap()
    })
}

crate::promises!(subject());
