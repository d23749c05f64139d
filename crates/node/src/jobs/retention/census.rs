//! Whose logs hold operations that may go: a walk over the heads of all accounts, a page at a time.

use denrei_actors::shard::made_at;
use denrei_model::clock::Timestamp;
use denrei_model::id::AccountId;
use denrei_model::position::Revision;
use denrei_model::row::{HeadKey, Key, KeyRange, OpKey};
use denrei_storage::shard::{Fetch, ReadError, Reader, Scan};

/// Heads read at once: a read that does not hold up those of devices.
const PAGE: usize = 512;

/// What one page of accounts has.
pub(super) struct Page {
    /// Those with something to sweep.
    pub(super) accounts: Vec<AccountId>,
    /// Where the next page begins; none after the last.
    pub(super) next: Option<AccountId>,
}

/// Reads the page of accounts that begins at this one.
pub(super) async fn page(reader: &dyn Reader, from: AccountId, before: Timestamp) -> Result<Page, ReadError> {
    let heads = KeyRange::new(HeadKey { account: from }, HeadKey { account: AccountId::MAX });
    let fetch = Fetch { keys: Vec::new(), scans: vec![Scan::forward(heads, PAGE)] };
    let heads = reader.fetch(fetch).await?;
    let mut last = None;
    let (mut read, mut long) = (0, Vec::new());
    for (key, head) in heads.scan::<HeadKey>(0) {
        read += 1;
        if let Key::Head(HeadKey { account }) = key {
            last = Some(*account);
            long.extend(last.filter(|_| head.revision > Revision::new(1)));
        }
    }
    let next = last.filter(|_| read >= PAGE).map(following);
    Ok(Page { accounts: overdue(reader, long, before).await?, next })
}

/// Those of which two operations are old: the first goes, the second is the anchor of the rest.
async fn overdue(
    reader: &dyn Reader,
    accounts: Vec<AccountId>,
    before: Timestamp,
) -> Result<Vec<AccountId>, ReadError> {
    let key = |account, revision| OpKey { account, revision };
    let log = |account| KeyRange::new(key(account, Revision::ZERO), key(account, Revision::MAX));
    let scans = accounts.iter().map(|account| Scan::forward(log(*account), 2)).collect();
    let read = reader.fetch(Fetch { keys: Vec::new(), scans }).await?;
    let is_overdue = |index| {
        let old = |row| made_at(row).is_some_and(|at| at < before);
        read.scan::<OpKey>(index).filter(|(_, row)| old(row)).count() == 2
    };
    Ok(accounts.into_iter().enumerate().filter(|(index, _)| is_overdue(*index)).map(|(_, id)| id).collect())
}

/// The id that sorts next.
fn following(account: AccountId) -> AccountId {
    AccountId::from_bytes(u128::from_be_bytes(*account.as_bytes()).saturating_add(1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use denrei_model::id::LogId;
    use denrei_model::operation::StoredOperation;
    use denrei_model::position::Place;
    use denrei_model::row::{Change, HeadRow, OpRow};
    use denrei_model::shard::Shard;
    use denrei_model::tag::Tag;
    use denrei_storage::memory::MemoryStore;
    use denrei_storage::shard::{Batch, CommitListener, Lost, ShardStore as _};

    use super::*;

    struct Deaf;

    impl CommitListener for Deaf {
        fn committed(&self, _: Place) {}

        fn lost(&self, _: Lost) {}
    }

    fn account(number: u16) -> AccountId {
        AccountId::from_bytes((u128::from(number) << 100).to_be_bytes())
    }

    fn head(revision: u64) -> HeadRow {
        let (log_id, revision) = (LogId::default(), Revision::new(revision));
        HeadRow { log_id, revision, tag: Tag::genesis(log_id), first: Revision::ZERO }
    }

    /// A store with accounts from 0 on, whose operations were made at these times.
    async fn store(accounts: u16, made: impl Fn(u16) -> Vec<u64>) -> MemoryStore {
        let store = MemoryStore::default();
        let claim = store.claim(Shard::new(0), Arc::new(Deaf)).await.unwrap();
        let mut changes = Vec::new();
        for number in 0..accounts {
            let account = account(number);
            let made = made(number);
            changes.push(Change::put(HeadKey { account }, head(made.len() as u64)));
            for (revision, created_at) in (1..).map(Revision::new).zip(made) {
                let stored = StoredOperation { revision, created_at, payload: None };
                let (stored, tag) = stored.seal(Tag::default());
                changes.push(Change::put(OpKey { account, revision }, OpRow { tag, stored }));
            }
        }
        store.enqueue(claim.shard, claim.epoch, &Batch { changes, ..Batch::default() }).unwrap();
        store
    }

    #[tokio::test]
    async fn every_account_with_two_old_operations_is_found_once_however_many_there_are() {
        const BEFORE: Timestamp = Timestamp::from_millis(1_000);
        let made = |number: u16| match number % 5 {
            0 => vec![],
            1 => vec![5],
            2 => vec![5, 1_000, 2_000],
            3 => vec![5, 999, 2_000],
            _ => vec![5, 5],
        };
        for accounts in [0, 1, 511, 512, 513, 1_300] {
            let store = store(accounts, made).await;
            let (mut found, mut from) = (Vec::new(), Some(AccountId::default()));
            while let Some(at) = from {
                let page = page(&store, at, BEFORE).await.unwrap();
                found.extend(page.accounts);
                from = page.next;
            }
            let expected: Vec<AccountId> = (0..accounts).filter(|n| n % 5 > 2).map(account).collect();
            assert_eq!(found, expected, "{accounts} accounts");
        }
    }
}
