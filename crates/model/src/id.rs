//! Identities: 128 bits, derived by domain-separated BLAKE3 or drawn at random, never reused.
//!
//! In text an id is one letter and 32 lower-case hex digits (`U…` accounts, `C…` chats, `D…` devices, `L…` logs).
//! Stored, it is a protobuf message of two `fixed64`, so that rows can name ids by their types.

use std::fmt;
use std::str::FromStr;

use bytes::{Buf, BufMut};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, fixed64, skip_field};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex::Text;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `{prefix}` followed by 32 lower-case hex digits")]
pub struct ParseIdError {
    prefix: char,
}

/// Hashes the parts of a derived id under a domain, each part preceded by its length.
fn derive(domain: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(&domain.as_bytes()).chain(parts) {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id
}

fn parse_hex(text: &str, prefix: char) -> Result<[u8; 16], ParseIdError> {
    let error = || ParseIdError { prefix };
    let digits = text.strip_prefix(prefix).ok_or_else(error)?;
    if digits.len() != 32 || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(error());
    }
    u128::from_str_radix(digits, 16).map(u128::to_be_bytes).map_err(|_| error())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = $pattern))]
        pub struct $name([u8; 16]);

        impl $name {
            /// The letter that its text begins with.
            pub const PREFIX: char = $prefix;

            /// An id from its 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The id that sorts last. No entity has it: it ends ranges.
            pub const MAX: Self = Self([0xff; 16]);

            /// The 16 bytes, in the order in which ids sort.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The id that these parts always give: BLAKE3 over the domain and each part with its length.
            #[must_use]
            pub fn derived(domain: &str, parts: &[&[u8]]) -> Self {
                Self(derive(domain, parts))
            }

            fn text(&self) -> Text<33> {
                Text::hex($prefix, &self.0)
            }

            fn halves(&self) -> (u64, u64) {
                let all = u128::from_be_bytes(self.0);
                ((all >> 64) as u64, all as u64)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text, $prefix).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.text())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl prost::Message for $name {
            fn encode_raw(&self, buf: &mut impl BufMut) {
                let (high, low) = self.halves();
                fixed64::encode(1, &high, buf);
                fixed64::encode(2, &low, buf);
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: WireType,
                buf: &mut impl Buf,
                ctx: DecodeContext,
            ) -> Result<(), DecodeError> {
                let (mut high, mut low) = self.halves();
                match tag {
                    1 => fixed64::merge(wire_type, &mut high, buf, ctx)?,
                    2 => fixed64::merge(wire_type, &mut low, buf, ctx)?,
                    _ => return skip_field(wire_type, tag, buf, ctx),
                }
                self.0 = ((u128::from(high) << 64) | u128::from(low)).to_be_bytes();
                Ok(())
            }

            fn encoded_len(&self) -> usize {
                18
            }

            fn clear(&mut self) {
                *self = Self::default();
            }
        }
    };
}

id!(
    /// A person's account (or, later, an official one).
    AccountId,
    'U',
    "^U[0-9a-f]{32}$"
);
id!(
    /// A conversation: 1:1 or group.
    ChatId,
    'C',
    "^C[0-9a-f]{32}$"
);
id!(
    /// One device of an account.
    DeviceId,
    'D',
    "^D[0-9a-f]{32}$"
);
id!(
    /// An account's operation log as devices see it; it changes only when the server finds continuity broken.
    LogId,
    'L',
    "^L[0-9a-f]{32}$"
);

impl LogId {
    /// The log as devices see it: the stored id and the store's incarnation, so that a store that gave up history
    /// changes the id of every log at once.
    #[must_use]
    pub fn shown(self, incarnation: &[u8; 16]) -> Self {
        Self::derived("shown", &[&self.0, incarnation])
    }
}

impl ChatId {
    /// The 1:1 chat of two accounts: the same whoever asks.
    #[must_use]
    pub fn direct(a: AccountId, b: AccountId) -> Self {
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        Self::derived("direct", &[first.as_bytes(), second.as_bytes()])
    }

    /// The group that this creator asked for under this idempotency key.
    #[must_use]
    pub fn group(creator: AccountId, key: &str) -> Self {
        Self::derived("group", &[creator.as_bytes(), key.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    #[test]
    fn text_and_stored_form_give_the_id_back() {
        let id = AccountId::derived("test", &[b"brown"]);
        assert_eq!(id.to_string().parse::<AccountId>(), Ok(id));
        assert_eq!(id.to_string(), format!("U{:032x}", u128::from_be_bytes(*id.as_bytes())));
        assert_eq!(AccountId::decode(id.encode_to_vec().as_slice()).unwrap(), id);
        assert_eq!(id.encode_to_vec().len(), id.encoded_len());
    }

    #[test]
    fn a_text_of_another_kind_or_form_is_refused() {
        let chat = ChatId::derived("test", &[]).to_string();
        for text in [chat.as_str(), "U", "", "U+0000000000000000000000000000001", &"U".repeat(33)] {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_direct_chat_is_the_same_from_both_sides_and_parts_do_not_run_together() {
        let (a, b) = (AccountId::derived("t", &[b"a"]), AccountId::derived("t", &[b"b"]));
        assert_eq!(ChatId::direct(a, b), ChatId::direct(b, a));
        assert_ne!(ChatId::derived("t", &[b"ab", b"c"]), ChatId::derived("t", &[b"a", b"bc"]));
        assert_ne!(ChatId::derived("t", &[b"a"]), ChatId::derived("ta", &[]));
    }
}
