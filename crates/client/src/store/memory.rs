//! A copy that lives as long as the process: the machine's own state is all there is.

use denrei_model::wire::Position;
use serde_json::value::RawValue;

use super::{LocalStore, StoreError};
use crate::state::LocalState;

/// Keeps nothing beyond the process.
#[derive(Default, Debug)]
pub struct MemoryStore;

impl LocalStore for MemoryStore {
    fn load(&mut self) -> Result<Option<LocalState>, StoreError> {
        Ok(None)
    }

    fn append(&mut self, _: &[&RawValue], _: Position) -> Result<(), StoreError> {
        Ok(())
    }

    fn replace(&mut self, _: &LocalState) -> Result<(), StoreError> {
        Ok(())
    }
}
