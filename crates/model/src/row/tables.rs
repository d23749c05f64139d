//! Every table of denrei: number, key, row. A number is never used again for something else.

use prost::Message as _;

use super::field::KeyField;
use super::values::{
    AccountChatRow, AccountRow, AnswerRow, ChatRow, CounterRow, DeadLetterRow, DeviceRow, DirtyReadsRow,
    FollowerRow, HeadRow, InboxRow, MemberRow, MessageRow, NameRow, OpRow, ReceivedRow,
};
use super::{RowError, TableKey};
use crate::id::{AccountId, ChatId, DeviceId};
use crate::operation::{Contact, Setting};
use crate::position::{RecordNumber, Revision, Seq};
use crate::shard::Shard;

macro_rules! tables {
    ($($(#[$doc:meta])* $number:literal $table:ident $key:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ } => $row:ty;)+) => {
        /// The tables.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Table {
            $($(#[$doc])* $table = $number),+
        }

        impl Table {
            /// All of them, by number.
            pub const ALL: &'static [Self] = &[$(Self::$table),+];

            /// The table's number: the first byte of its encoded keys.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
            pub struct $key {
                $($(#[$field_doc])* pub $field: $type),+
            }

            impl From<$key> for Key {
                fn from(key: $key) -> Self {
                    Self::$table(key)
                }
            }

            impl TableKey for $key {
                type Row = $row;

                fn wrap(row: $row) -> Row {
                    Row::$table(row)
                }

                fn row(row: &Row) -> Option<&$row> {
                    match row {
                        Row::$table(row) => Some(row),
                        _ => None,
                    }
                }
            }
        )+

        /// The key of any row. Keys order by table, then by fields.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Key {
            $($(#[$doc])* $table($key)),+
        }

        impl Key {
            /// Its table.
            #[must_use]
            pub const fn table(&self) -> Table {
                match self {
                    $(Self::$table(_) => Table::$table),+
                }
            }

            /// Appends the table's number and the fields, in bytes that sort as keys do.
            pub fn encode(&self, out: &mut Vec<u8>) {
                out.push(self.table().number());
                match self {
                    $(Self::$table(key) => { $(KeyField::write(&key.$field, out);)+ }),+
                }
            }

            /// The key that these bytes are.
            ///
            /// # Errors
            /// [`RowError::Key`] if no key encodes so.
            pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
                let (&number, mut rest) = bytes.split_first().ok_or(RowError::Key(0))?;
                let malformed = RowError::Key(number);
                match number {
                    $($number => {
                        $(let $field = KeyField::read(&mut rest).ok_or_else(|| malformed.clone())?;)+
                        if rest.is_empty() { Ok(Self::$table($key { $($field),+ })) } else { Err(malformed) }
                    })+
                    _ => Err(malformed),
                }
            }
        }

        /// Any row.
        #[derive(Clone, PartialEq, Debug)]
        pub enum Row {
            $($(#[$doc])* $table($row)),+
        }

        impl Row {
            /// Appends its stored bytes.
            pub fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    // It fails for want of room only, and a vector grows.
                    $(Self::$table(row) => row.encode(out).unwrap_or_default()),+
                }
            }

            /// How many bytes [`Row::encode`] gives.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$table(row) => row.encoded_len()),+
                }
            }

            /// The row that these stored bytes of a table are. Unknown fields are passed over.
            ///
            /// # Errors
            /// [`RowError::Value`] if they do not decode.
            pub fn decode(table: Table, bytes: &[u8]) -> Result<Self, RowError> {
                match table {
                    $(Table::$table => <$row>::decode(bytes)
                        .map(Row::$table)
                        .map_err(|error| RowError::Value { table, reason: error.to_string() })),+
                }
            }
        }
    };
}

tables! {
    /// What an account is.
    1 Account AccountKey { /** Which. */ account: AccountId } => AccountRow;
    /// Where an account's log ends. Lives for ever.
    2 Head HeadKey { /** Whose. */ account: AccountId } => HeadRow;
    /// The operations of an account.
    3 Op OpKey { /** Whose. */ account: AccountId, /** Position. */ revision: Revision } => OpRow;
    /// The devices of an account and their tokens.
    4 Device DeviceKey { /** Whose. */ account: AccountId, /** Which. */ device: DeviceId } => DeviceRow;
    /// Whom an account knows.
    5 Contact ContactKey { /** Whose. */ account: AccountId, /** Whom. */ other: AccountId } => Contact;
    /// Who has added an account and so learns of its profile.
    6 Follower FollowerKey { /** Who was added. */ account: AccountId, /** By whom. */ follower: AccountId } => FollowerRow;
    /// An account's own standing in a chat.
    7 AccountChat AccountChatKey { /** Whose. */ account: AccountId, /** Where. */ chat: ChatId } => AccountChatRow;
    /// How many messages an account had received in a chat when it received this one.
    8 Received ReceivedKey { /** Whose. */ account: AccountId, /** Where. */ chat: ChatId, /** Which. */ seq: Seq } => ReceivedRow;
    /// Settings; those of the whole account under the device id of all zeroes.
    9 Setting SettingKey { /** Whose. */ account: AccountId, /** Of which device. */ device: DeviceId, /** Its name. */ key: String } => Setting;
    /// What a chat is, and the seq of its last event.
    10 Chat ChatKey { /** Which. */ chat: ChatId } => ChatRow;
    /// Who is, was or is asked into a chat.
    11 Member MemberKey { /** Where. */ chat: ChatId, /** Who. */ account: AccountId } => MemberRow;
    /// The messages of a chat.
    12 Message MessageKey { /** Where. */ chat: ChatId, /** Which. */ seq: Seq } => MessageRow;
    /// What was answered under an idempotency key; kept for 48 hours.
    13 Answer AnswerKey { /** Of which shard. */ shard: Shard, /** The day of the key, days since 1970. */ day: u32, /** Hash of (decider, account, command, key). */ digest: [u8; 16] } => AnswerRow;
    /// Records from shard to shard, until they are applied.
    14 Inbox InboxKey { /** For whom. */ to: Shard, /** From whom. */ from: Shard, /** Its number. */ number: RecordNumber } => InboxRow;
    /// The number of the last record from one shard to another.
    15 OutNumber OutNumberKey { /** From whom. */ from: Shard, /** For whom. */ to: Shard } => CounterRow;
    /// The number of the last record that one shard has applied from another.
    16 HighWater HighWaterKey { /** By whom. */ to: Shard, /** From whom. */ from: Shard } => CounterRow;
    /// Names that are taken: handles, and codes that link a device.
    17 Name NameKey { /** The name, with its kind before it. */ name: String } => NameRow;
    /// Read marks that a chat has yet to tell its members; re-arms the timer when a shard is loaded.
    18 DirtyReads DirtyReadsKey { /** Of which shard. */ shard: Shard, /** Where. */ chat: ChatId } => DirtyReadsRow;
    /// Records that could not be applied.
    19 DeadLetter DeadLetterKey { /** For whom. */ to: Shard, /** From whom. */ from: Shard, /** Its number. */ number: RecordNumber } => DeadLetterRow;
}
