//! Small closed vocabularies: a Rust enum, a word in JSON, a number in stored form.

/// Defines an enum whose variants have a word each; variant 0 is the default and stands for numbers not known yet.
///
/// A word is taken as a `tt`: the derive of its schema does not see the text of a `literal`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            #[default]
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant = $number),+
        }

        impl $name {
            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            fn from_number(number: u32) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    _ => Self::default(),
                }
            }
        }

        impl prost::Message for $name {
            fn encode_raw(&self, buf: &mut impl bytes::BufMut) {
                let number = *self as u32;
                if number != 0 {
                    prost::encoding::uint32::encode(1, &number, buf);
                }
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: prost::encoding::WireType,
                buf: &mut impl bytes::Buf,
                ctx: prost::encoding::DecodeContext,
            ) -> Result<(), prost::DecodeError> {
                if tag != 1 {
                    return prost::encoding::skip_field(wire_type, tag, buf, ctx);
                }
                let mut number = 0;
                prost::encoding::uint32::merge(wire_type, &mut number, buf, ctx)?;
                *self = Self::from_number(number);
                Ok(())
            }

            fn encoded_len(&self) -> usize {
                match *self as u32 {
                    0 => 0,
                    number => prost::encoding::uint32::encoded_len(1, &number),
                }
            }

            fn clear(&mut self) {
                *self = Self::default();
            }
        }
    };
}

pub(crate) use words;
