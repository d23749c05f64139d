//! Keys sort as their bytes; keys and rows survive being stored.

use proptest::prelude::*;

use super::*;
use crate::id::{AccountId, ChatId, DeviceId};
use crate::position::{RecordNumber, Revision, Seq};
use crate::shard::Shard;

fn id() -> impl Strategy<Value = [u8; 16]> {
    // Few distinct values, so that keys often share their first fields.
    (0_u8..3, 0_u8..3).prop_map(|(first, last)| {
        let mut bytes = [0; 16];
        (bytes[0], bytes[15]) = (first * 100, last * 100);
        bytes
    })
}

fn key() -> impl Strategy<Value = Key> {
    let number = prop_oneof![0_u64..4, Just(255), Just(256), Just(u64::MAX)];
    (0_u8..7, id(), id(), number, "[a-c]{0,2}").prop_map(|(kind, a, b, number, text)| {
        let (account, chat) = (AccountId::from_bytes(a), ChatId::from_bytes(b));
        let shard = Shard::new(number as u16);
        match kind {
            0 => AccountKey { account }.into(),
            1 => OpKey { account, revision: Revision::new(number) }.into(),
            2 => ReceivedKey { account, chat, seq: Seq::new(number) }.into(),
            3 => SettingKey { account, device: DeviceId::from_bytes(b), key: text }.into(),
            4 => NameKey { name: text }.into(),
            5 => InboxKey { to: shard, from: Shard::new(3), number: RecordNumber::new(number) }.into(),
            _ => AnswerKey { shard, day: number as u32, digest: a }.into(),
        }
    })
}

fn encoded(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn keys_sort_as_their_bytes_do(a in key(), b in key()) {
        prop_assert_eq!(a.cmp(&b), encoded(&a).cmp(&encoded(&b)));
    }

    #[test]
    fn keys_survive_being_stored(key in key()) {
        prop_assert_eq!(Key::decode(&encoded(&key)), Ok(key));
    }
}

#[test]
fn keys_with_bytes_missing_or_left_over_are_refused() {
    let mut bytes = encoded(&AccountKey { account: AccountId::default() }.into());
    bytes.push(0);
    assert_eq!(Key::decode(&bytes), Err(RowError::Key(1)));
    bytes.truncate(10);
    assert_eq!(Key::decode(&bytes), Err(RowError::Key(1)));
    assert_eq!(Key::decode(&[200, 1]), Err(RowError::Key(200)));
}

#[test]
fn a_row_with_fields_of_a_newer_node_still_decodes() {
    let row = ReceivedRow { n: 7 };
    let mut bytes = Vec::new();
    ReceivedKey::wrap(row.clone()).encode(&mut bytes);
    bytes.extend_from_slice(&[0xa2, 0x06, 0x01, b'x']); // field 100, length-delimited
    assert_eq!(Row::decode(Table::Received, &bytes), Ok(ReceivedKey::wrap(row)));
}

#[test]
fn what_an_account_sees_opens_closes_and_opens_again() {
    let mut row = AccountChatRow::default();
    row.open(Seq::new(3));
    row.open(Seq::new(5)); // open already
    row.close(Seq::new(7));
    row.close(Seq::new(9)); // closed already
    row.open(Seq::new(12));
    let seen: Vec<u64> = (0..15).filter(|&seq| row.sees(Seq::new(seq))).collect();
    assert_eq!(seen, [3, 4, 5, 6, 7, 12, 13, 14]);
    row.close(Seq::new(11)); // nothing of the last stretch was seen
    assert_eq!(row.visible.len(), 1);
}
