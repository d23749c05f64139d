//! Tokens against rows, and rows that were read a while ago.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_actors::session::DeviceWatch as _;
use denrei_model::clock::Timestamp;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::DeviceRow;

use super::DeviceCache;
use super::cache::BELIEVED;
use super::standing::{self, Standing};
use crate::token::{DeviceToken, TokenKey, TokenKind};

fn ids() -> (AccountId, DeviceId) {
    (AccountId::derived("t", &[b"a"]), DeviceId::derived("t", &[b"d"]))
}

/// A device after two renewals; the current token ends at 100, the one before it at 50.
fn row() -> DeviceRow {
    DeviceRow {
        number: 2,
        family: Bytes::from_static(b"family"),
        access_until: 100,
        access_until_before: 50,
        ..DeviceRow::default()
    }
}

fn standing(number: u32, row: &DeviceRow, now: u64) -> Standing {
    let key = TokenKey::new([1; 32]);
    let token = DeviceToken::derive(&key, TokenKind::Access, ids(), b"family", number);
    standing::of(&token, row, &key, Timestamp::from_millis(now))
}

#[test]
fn the_current_token_and_the_one_before_it_while_that_is_unused_are_good_until_they_end() {
    let (unused, used) = (row(), DeviceRow { used: true, ..row() });
    for (number, row, now, expected) in [
        (2, &unused, 99, Standing::Good),
        (2, &unused, 100, Standing::Ended),
        (1, &unused, 49, Standing::Good),
        (1, &unused, 50, Standing::Ended),
        (1, &used, 49, Standing::Superseded),
        (0, &unused, 1, Standing::Superseded),
        (3, &unused, 1, Standing::Superseded),
    ] {
        assert_eq!(standing(number, row, now), expected, "number {number} at {now}, used: {}", row.used);
    }
}

#[test]
fn a_token_of_another_family_learns_nothing_not_even_that_the_device_was_revoked() {
    let revoked = DeviceRow { revoked_at: 1, ..row() };
    assert_eq!(standing(2, &revoked, 1), Standing::Revoked);
    let renewed = DeviceRow { family: Bytes::from_static(b"another"), ..revoked };
    assert_eq!(standing(2, &renewed, 1), Standing::Foreign);
}

const THEN: Duration = Duration::from_secs(10);

#[test]
fn a_cached_row_is_believed_so_long_and_not_once_it_has_changed() {
    let cache = DeviceCache::new(8);
    cache.put(ids(), Arc::new(row()), cache.reading(ids(), THEN));
    assert!(cache.get(ids(), THEN + BELIEVED - Duration::from_millis(1)).is_some());
    assert!(cache.get(ids(), THEN + BELIEVED).is_none());
    let (account, device) = ids();
    cache.changed(account, device);
    assert!(cache.get(ids(), THEN).is_none());
}

#[test]
fn a_row_that_changed_while_it_was_read_is_not_kept() {
    let cache = DeviceCache::new(8);
    let reading = cache.reading(ids(), THEN);
    let (account, device) = ids();
    cache.changed(account, device);
    cache.put(ids(), Arc::new(row()), reading);
    assert!(cache.get(ids(), THEN).is_none());
}

#[test]
fn a_change_of_another_device_takes_no_row_away() {
    let cache = DeviceCache::new(8);
    // One of so many may be counted where this one is.
    let (mut kept, others) = (0, 100);
    for number in 0..others {
        cache.put(ids(), Arc::new(row()), cache.reading(ids(), THEN));
        cache.changed(AccountId::derived("t", &[b"b", &[number]]), DeviceId::derived("t", &[b"d"]));
        kept += usize::from(cache.get(ids(), THEN).is_some());
    }
    assert!(kept > usize::from(others) / 2, "{kept} of {others} times");
}
