//! Which entities a record concerns on its destination shard, and what each is to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::Arc;

use denrei_model::clock::Timestamp;
use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, LogId};
use denrei_model::record::{Fact, Record};
use denrei_model::row::{Change, HeadKey, TableKey as _};
use denrei_model::shard::Shard;
use denrei_storage::shard::Fetch;

use crate::account::{self, Account};
use crate::chatroom::{self, Chatroom};
use crate::command::Facts;
use crate::entity::{Entity, EntityRef, Part, RecordWork, load};
use crate::name::{self, Name};
use crate::rows::Rows;
use crate::shard::ledger::new_head;

/// The accounts that a record concerns.
pub(crate) fn accounts(record: &Record) -> &[AccountId] {
    match &record.fact {
        Some(Fact::Message(fact)) => &fact.members,
        Some(Fact::Unsent(fact)) => &fact.members,
        Some(Fact::Reacted(fact)) => &fact.members,
        Some(Fact::Chat(fact)) => &fact.members,
        Some(Fact::Read(fact)) => &fact.members,
        Some(Fact::Added(fact)) => slice::from_ref(&fact.account),
        Some(Fact::Unfollowed(fact)) => slice::from_ref(&fact.account),
        Some(Fact::Profile(fact)) => &fact.followers,
        Some(Fact::Handle(fact)) => slice::from_ref(&fact.account),
        Some(Fact::Mark(_) | Fact::Released(_)) | None => &[],
    }
}

/// The entities that a record concerns, in the order in which they are told.
pub(crate) fn entities(record: &Record) -> Vec<EntityRef> {
    match &record.fact {
        Some(Fact::Mark(fact)) => vec![EntityRef::Chat(fact.chat)],
        Some(Fact::Released(fact)) => vec![EntityRef::Name(name::handle_name(&fact.handle))],
        _ => accounts(record).iter().copied().map(EntityRef::Account).collect(),
    }
}

/// The rows that they look at.
pub(crate) fn needs(record: &Record, shard: Shard) -> Fetch {
    let mut needs = chatroom::needs(record, shard);
    for &account in accounts(record) {
        let more = account::needs(record, account);
        needs.keys.push(HeadKey { account }.into());
        needs.keys.extend(more.keys);
        needs.scans.extend(more.scans);
    }
    needs
}

/// The rows that are looked at to set a record aside: what its accounts look at, with their cores.
pub(crate) fn remains(record: &Record, shard: Shard) -> Fetch {
    let mut needs = needs(record, shard);
    for account in accounts(record) {
        needs.keys.extend(Account::core(account).keys);
    }
    needs
}

/// What an account makes of a record that is set aside for the sake of others. None if a row that it looks at could not be
/// read, or if it is the one that panics.
pub(crate) fn heard(record: &Record, account: AccountId, rows: &Rows, facts: &Facts) -> Option<Effects> {
    let core = Account::core(&account);
    let mut looked_at = account::needs(record, account);
    looked_at.keys.push(HeadKey { account }.into());
    looked_at.keys.extend(core.keys.iter().cloned());
    if !rows.cover(&looked_at) {
        return None;
    }
    let state = load(Account::empty(account), &core, rows);
    catch_unwind(AssertUnwindSafe(|| account::hear(record, &state, rows, facts))).ok()
}

/// What each of them is to do, in the order of [`entities`].
pub(crate) fn parts(record: &Arc<Record>) -> Vec<Part> {
    let part = |entity: EntityRef| {
        let record = Arc::clone(record);
        let work = match &entity {
            EntityRef::Account(_) => Account::part(Box::new(RecordWork { record, hear: account::hear })),
            EntityRef::Chat(_) => Chatroom::part(Box::new(RecordWork { record, hear: chatroom::hear })),
            EntityRef::Name(_) => Name::part(Box::new(RecordWork { record, hear: name::hear })),
        };
        Part { entity, needs: Fetch::default(), work }
    };
    entities(record).into_iter().map(part).collect()
}

/// The head of an account whose log begins anew: what came before cannot be vouched for. None if there is no head, or it could
/// not be read.
pub(crate) fn renewed_log(account: AccountId, rows: &Rows, now: Timestamp) -> Option<Change> {
    let row = rows.any(&HeadKey { account }.into())?;
    let head = HeadKey::row(&row)?;
    let log_id = LogId::derived("renewed", &[head.log_id.as_bytes(), &now.as_millis().to_be_bytes()]);
    let mut renewed = new_head(log_id, head.revision);
    renewed.first = head.revision.next();
    Some(Change::put(HeadKey { account }, renewed))
}
