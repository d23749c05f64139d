//! What belongs to the account itself: profile, settings, contacts.

use denrei_model::id::{AccountId, DeviceId};
use denrei_model::operation::{Contact, Profile, Setting};
use denrei_model::row::{AccountKey, ContactKey, Key, KeyRange, SettingKey, TableKey};
use denrei_model::wire::snapshot::MAX_ITEMS;
use denrei_storage::shard::{Fetch, Scan};

use super::{Items, Moment, PageQuery, after, cursor, limit};
use crate::problem::Problem;

/// Items of a page if nothing is said.
const PAGE: usize = 200;

/// The one profile.
pub(super) async fn profile(moment: &Moment<'_>) -> Result<Items<Profile>, Problem> {
    let fetch = Fetch { keys: vec![AccountKey { account: moment.account }.into()], scans: Vec::new() };
    let fetched = moment.snapshot.fetch(fetch).await?;
    let items = fetched.row::<AccountKey>(0).map(|row| row.profile.clone()).into_iter().collect();
    Ok(Items { items, next: None })
}

/// Settings, by device and key.
pub(super) async fn settings(moment: &Moment<'_>, query: &PageQuery) -> Result<Items<Setting>, Problem> {
    let key = |device| SettingKey { account: moment.account, device, key: String::new() };
    rows::<SettingKey>(moment, query, &KeyRange::new(key(DeviceId::default()), key(DeviceId::MAX))).await
}

/// Contacts, by account.
pub(super) async fn contacts(moment: &Moment<'_>, query: &PageQuery) -> Result<Items<Contact>, Problem> {
    let key = |other| ContactKey { account: moment.account, other };
    rows::<ContactKey>(moment, query, &KeyRange::new(key(AccountId::default()), key(AccountId::MAX))).await
}

async fn rows<K: TableKey>(
    moment: &Moment<'_>,
    query: &PageQuery,
    range: &KeyRange,
) -> Result<Items<K::Row>, Problem> {
    let limit = limit(query, PAGE, MAX_ITEMS)?;
    let scan = Scan::forward(after(range, query.after.as_deref())?, limit);
    let fetch = Fetch { keys: Vec::new(), scans: vec![scan] };
    let fetched = moment.snapshot.fetch(fetch).await?;
    let found: Vec<(&Key, &K::Row)> = fetched.scan::<K>(0).collect();
    let next = found.last().filter(|_| found.len() == limit).map(|(key, _)| cursor(key));
    Ok(Items { items: found.into_iter().map(|(_, row)| row.clone()).collect(), next })
}
