//! What is pinned when a store is made, and checked whenever it is opened.

use std::path::Path;

use fjall::{Database, PersistMode, Readable as _};
use prost::Message as _;
use rand::TryRngCore as _;
use rand::rngs::OsRng;

use super::error::OpenError;
use super::spaces::{Space, Spaces};

/// The form in which rows are stored. A change of it comes with a migration.
const FORMAT: u32 = 1;

/// Its key; no table has this number.
const KEY: [u8; 1] = [0xff];

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoreMeta {
    #[prost(uint32, tag = "1")]
    pub(super) format: u32,
    #[prost(uint32, tag = "2")]
    pub(super) shards: u32,
    #[prost(uint64, tag = "3")]
    pub(super) seed: u64,
    /// 16 random bytes; new ones when a loss has been accepted, so that log ids change.
    #[prost(bytes = "vec", tag = "4")]
    pub(super) incarnation: Vec<u8>,
    /// Milliseconds since the epoch.
    #[prost(uint64, tag = "5")]
    pub(super) created_at: u64,
    /// How many times it was opened: the upper half of epochs.
    #[prost(uint64, tag = "6")]
    pub(super) opened: u64,
    /// What the chain of groups starts from.
    #[prost(bytes = "vec", tag = "7")]
    pub(super) root: Vec<u8>,
}

impl StoreMeta {
    pub(super) fn new(shards: u16, seed: u64, created_at: u64) -> Self {
        let incarnation = random();
        let root = incarnation.to_vec();
        Self {
            format: FORMAT,
            shards: u32::from(shards),
            seed,
            incarnation: root.clone(),
            created_at,
            opened: 0,
            root,
        }
    }

    pub(super) fn read(db: &Database, spaces: &Spaces, path: &Path) -> Result<Option<Self>, OpenError> {
        let bytes = db.snapshot().get(spaces.get(Space::State), KEY).map_err(OpenError::engine(path))?;
        let meta = bytes.map(|bytes| Self::decode(bytes.as_ref())).transpose();
        meta.map_err(|error| OpenError::Damaged {
            path: path.to_owned(),
            reason: format!("its meta row: {error}"),
        })
    }

    pub(super) fn write(&self, db: &Database, spaces: &Spaces, path: &Path) -> Result<(), OpenError> {
        let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(spaces.get(Space::State), KEY, self.encode_to_vec());
        batch.commit().map_err(OpenError::engine(path))
    }

    /// Whether it was made as is now asked for.
    pub(super) fn check(&self, path: &Path, shards: u16, seed: u64) -> Result<(), OpenError> {
        let pinned = [
            ("format", u64::from(self.format), u64::from(FORMAT)),
            ("shards", u64::from(self.shards), u64::from(shards)),
            ("seed", self.seed, seed),
        ];
        match pinned.into_iter().find(|(_, stored, asked)| stored != asked) {
            Some((what, stored, asked)) => {
                Err(OpenError::Mismatch { path: path.to_owned(), what, stored, asked })
            }
            None => Ok(()),
        }
    }

    pub(super) fn incarnation(&self) -> [u8; 16] {
        self.incarnation.as_slice().try_into().unwrap_or_default()
    }
}

/// 16 bytes from the operating system.
#[expect(
    clippy::expect_used,
    reason = "without the system's randomness nothing is safe, and Linux gives it always"
)]
pub(super) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
