//! The tag: a 64-bit hash chained over an account's log, `tag(r) = h(tag(r−1) ‖ stored bytes of op r)`.
//!
//! Two devices that hold the same (log id, revision, tag) hold the same history. XXH3-64 with the previous tag as
//! the seed: it guards against accidents of storage and software, not against an adversary.

use std::fmt;
use std::str::FromStr;

use bytes::{Buf, BufMut};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, fixed64, skip_field};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::hex::Text;
use crate::id::LogId;

/// The hash of a log up to a revision; 16 lower-case hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[0-9a-f]{16}$"))]
pub struct Tag(u64);

impl Tag {
    /// The tag at revision 0 of a log.
    #[must_use]
    pub fn genesis(log: LogId) -> Self {
        Self(xxh3_64_with_seed(log.as_bytes(), 0))
    }

    /// The tag after one more operation, given its stored bytes.
    #[must_use]
    pub fn chain(self, stored: &[u8]) -> Self {
        Self(xxh3_64_with_seed(stored, self.0))
    }

    fn text(self) -> Text<16> {
        Text::hex('0', &self.0.to_be_bytes())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tag {self}")
    }
}

/// Why a text is not a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 16 lower-case hex digits")]
pub struct ParseTagError;

impl FromStr for Tag {
    type Err = ParseTagError;

    fn from_str(text: &str) -> Result<Self, ParseTagError> {
        if text.len() != 16 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ParseTagError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ParseTagError)
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl prost::Message for Tag {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        fixed64::encode(1, &self.0, buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => fixed64::merge(wire_type, &mut self.0, buf, ctx),
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        9
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_depends_on_every_operation_and_their_order() {
        let zero = Tag::genesis(LogId::derived("t", &[b"log"]));
        assert_ne!(zero.chain(b"a").chain(b"b"), zero.chain(b"b").chain(b"a"));
        assert_ne!(zero.chain(b"ab"), zero.chain(b"a").chain(b"b"));
        assert_eq!(zero.to_string().parse(), Ok(zero));
    }
}
