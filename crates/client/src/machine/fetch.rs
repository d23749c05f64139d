//! A FullSync under way: pages of each category, put together.

use denrei_model::operation::Category;
use denrei_model::wire::frame::FullSync;
use denrei_model::wire::snapshot::SnapshotPage;
use serde::de::DeserializeOwned;

use super::Wish;
use crate::state::Snapshot;

pub(super) struct Fetching {
    full_sync: FullSync,
    /// Categories that are still to come; the last is being fetched.
    remaining: Vec<Category>,
    after: Option<String>,
    snapshot: Snapshot,
}

impl Fetching {
    pub(super) fn new(full_sync: FullSync) -> Self {
        let mut remaining = Category::ALL.to_vec();
        remaining.reverse();
        Self { full_sync, remaining, after: None, snapshot: Snapshot::default() }
    }

    pub(super) const fn full_sync(&self) -> &FullSync {
        &self.full_sync
    }

    /// The page that is wanted next.
    pub(super) fn wish(&self) -> Wish {
        match self.remaining.last() {
            Some(category) => Wish::Fetch { category: *category, after: self.after.clone() },
            None => Wish::Open { position: None, resume: None },
        }
    }

    /// Takes a page. The whole snapshot comes out with the last.
    pub(super) fn page(&mut self, category: Category, body: &str) -> Result<Option<Snapshot>, String> {
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
    fn read<T: DeserializeOwned>(&self, body: &str) -> Result<SnapshotPage<T>, String> {
        let page: SnapshotPage<T> = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let wanted = self.full_sync.position;
        if page.position.log_id != wanted.log_id || page.position.revision < wanted.revision {
            return Err(format!("a page of {:?} does not reach {:?}", page.position, wanted));
        }
        Ok(page)
    }
}
