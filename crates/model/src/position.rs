//! Positions: where something stands in a sequence. Zero is "before the first".

use std::fmt;

use bytes::{Buf, BufMut};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, skip_field, uint64};
use serde::{Deserialize, Serialize};

macro_rules! position {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name(u64);

        impl $name {
            /// Before the first.
            pub const ZERO: Self = Self(0);
            /// Beyond every one that is ever given.
            pub const MAX: Self = Self(u64::MAX);

            /// The position with this number.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// Its number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one that follows it.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The one before it; zero stays zero.
            #[must_use]
            pub const fn prev(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl prost::Message for $name {
            fn encode_raw(&self, buf: &mut impl BufMut) {
                if self.0 != 0 {
                    uint64::encode(1, &self.0, buf);
                }
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: WireType,
                buf: &mut impl Buf,
                ctx: DecodeContext,
            ) -> Result<(), DecodeError> {
                match tag {
                    1 => uint64::merge(wire_type, &mut self.0, buf, ctx),
                    _ => skip_field(wire_type, tag, buf, ctx),
                }
            }

            fn encoded_len(&self) -> usize {
                if self.0 == 0 { 0 } else { uint64::encoded_len(1, &self.0) }
            }

            fn clear(&mut self) {
                self.0 = 0;
            }
        }
    };
}

position!(
    /// Position in one account's operation log: 1, 2, 3 …, gapless.
    Revision
);
position!(
    /// Position of an event in one chat: messages, unsends, reactions, joins, renames share it.
    Seq
);
position!(
    /// Number of a record from one shard to another, contiguous per pair.
    RecordNumber
);
position!(
    /// Place in the store's one FIFO; what rests on it may leave when it is durable.
    Place
);
position!(
    /// Fences every earlier owner of a shard; internal, never shown to a device.
    Epoch
);
