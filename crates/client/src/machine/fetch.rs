//! Snapshots under way: pages of each category, put together.

use denrei_model::operation::Category;
use denrei_model::wire::Position;
use denrei_model::wire::frame::FullSync;
use denrei_model::wire::snapshot::SnapshotPage;
use serde::de::DeserializeOwned;

use super::{MachineError, Wish};
use crate::state::Snapshot;

/// What the pages are for.
#[derive(Clone)]
pub(super) enum Purpose {
    /// The whole copy is replaced.
    FullSync(FullSync),
    /// Operations of unknown kinds touched these categories; the copy stands at the last of them.
    Unknown(Vec<Category>, Position),
}

pub(super) struct Fetching {
    purpose: Purpose,
    /// Categories that are still to come; the last is being fetched.
    remaining: Vec<Category>,
    after: Option<String>,
    snapshot: Snapshot,
}

impl Fetching {
    pub(super) fn new(purpose: Purpose) -> Self {
        let mut remaining = match &purpose {
            Purpose::FullSync(_) => Category::ALL.to_vec(),
            Purpose::Unknown(categories, _) => categories.clone(),
        };
        remaining.reverse();
        Self { purpose, remaining, after: None, snapshot: Snapshot::default() }
    }

    pub(super) const fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The page that is wanted next; none when all are there.
    pub(super) fn wish(&self) -> Option<Wish> {
        self.remaining.last().map(|category| Wish::Fetch { category: *category, after: self.after.clone() })
    }

    /// Takes a page. The whole snapshot comes out with the last.
    pub(super) fn page(&mut self, category: Category, body: &str) -> Result<Option<Snapshot>, MachineError> {
        if self.remaining.last() != Some(&category) {
            return Ok(None);
        }
        let next = match category {
            Category::Profile => {
                let page = self.read(body)?;
                self.snapshot.profile = page.items.into_iter().next();
                page.next
            }
            Category::Settings => {
                let page = self.read(body)?;
                self.snapshot.settings.extend(page.items);
                page.next
            }
            Category::Contacts => {
                let page = self.read(body)?;
                self.snapshot.contacts.extend(page.items);
                page.next
            }
            Category::Chats => {
                let page = self.read(body)?;
                self.snapshot.chats.extend(page.items);
                page.next
            }
            Category::Messages => {
                let page = self.read(body)?;
                self.snapshot.messages.extend(page.items);
                page.next
            }
        };
        self.after = next;
        if self.after.is_none() {
            self.remaining.pop();
        }
        Ok(self.remaining.is_empty().then(|| std::mem::take(&mut self.snapshot)))
    }

    /// A page counts only if it was read at R or later, in the same log (Rule S).
    fn read<T: DeserializeOwned>(&self, body: &str) -> Result<SnapshotPage<T>, MachineError> {
        let page: SnapshotPage<T> =
            serde_json::from_str(body).map_err(|error| MachineError::Malformed(error.to_string()))?;
        let (Purpose::FullSync(FullSync { position: wanted, .. }) | Purpose::Unknown(_, wanted)) =
            &self.purpose;
        if page.position.log_id != wanted.log_id || page.position.revision < wanted.revision {
            return Err(MachineError::Stale);
        }
        Ok(page)
    }
}
