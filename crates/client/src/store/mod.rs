//! Where a device keeps its copy.

mod disk;
mod memory;

use denrei_model::wire::Position;
use serde_json::value::RawValue;

use crate::state::LocalState;

pub use disk::DiskStore;
pub use memory::MemoryStore;

/// Why a copy cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What was kept makes no sense: ask for a FullSync with reason `corruption`.
    #[error("the local copy is damaged: {0}")]
    Damaged(String),
}

/// Keeps a copy. Each call is a transaction: all of it is there after a crash, or nothing.
pub trait LocalStore {
    /// The copy as it was last kept; absent on a device that has nothing.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn load(&mut self) -> Result<Option<LocalState>, StoreError>;

    /// Operations were applied: they, as they came, and where the copy stands now.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn append(&mut self, operations: &[&RawValue], position: Position) -> Result<(), StoreError>;

    /// A FullSync was taken: the copy is this.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn replace(&mut self, state: &LocalState) -> Result<(), StoreError>;
}
