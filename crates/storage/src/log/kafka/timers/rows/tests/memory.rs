//! Cells in memory, for tests that open thousands.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::*;

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<BTreeMap<Vec<u8>, Bytes>>);

impl Cells for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, LogError> {
        Ok(self.0.lock().get(key).cloned())
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), LogError> {
        let mut cells = self.0.lock();
        let keys: BTreeSet<&Vec<u8>> = changes.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), changes.len(), "a key twice: which one counts is not said");
        for (key, value) in changes {
            match value {
                Some(value) => drop(cells.insert(key, value)),
                None => drop(cells.remove(&key)),
            }
        }
        Ok(())
    }

    fn scan(
        &self,
        from: Bound<&[u8]>,
        to: &[u8],
        show: &mut dyn FnMut(&[u8], Bytes) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        for (key, value) in self.0.lock().range::<[u8], _>((from, Bound::Included(to))) {
            if show(key, value.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }
}
