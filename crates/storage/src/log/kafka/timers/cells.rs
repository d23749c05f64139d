//! What an index of timers is kept in: bytes by bytes, in order.

use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

use crate::log::LogError;

/// A cell that is to be written, or to go.
pub(super) type Change = (Vec<u8>, Option<Bytes>);

/// Cells in the order of their keys. One at a time writes, any number read.
pub(super) trait Cells: Send + Sync + 'static {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, LogError>;

    /// Makes all changes, or none; no key is among them twice.
    fn write(&self, changes: Vec<Change>) -> Result<(), LogError>;

    /// Shows cells up to `to`, itself included, as they all were at one moment, until it is told to stop. `from` lies before.
    fn scan(
        &self,
        from: Bound<&[u8]>,
        to: &[u8],
        show: &mut dyn FnMut(&[u8], Bytes) -> ControlFlow<()>,
    ) -> Result<(), LogError>;
}
