//! How the fields of keys become bytes that sort as the fields do.

use crate::id::{AccountId, ChatId, DeviceId};
use crate::position::{RecordNumber, Revision, Seq};
use crate::shard::Shard;

/// A field of a key. Fixed-width fields are big-endian; a text takes the rest of the key and so comes last.
pub(super) trait KeyField: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

macro_rules! fixed {
    ($($name:ty: $width:literal, $write:expr, $read:expr;)+) => {
        $(impl KeyField for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let write: fn(&$name) -> [u8; $width] = $write;
                out.extend_from_slice(&write(self));
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let read: fn([u8; $width]) -> $name = $read;
                take(bytes).map(read)
            }
        })+
    };
}

fixed! {
    AccountId: 16, |id| *id.as_bytes(), AccountId::from_bytes;
    ChatId: 16, |id| *id.as_bytes(), ChatId::from_bytes;
    DeviceId: 16, |id| *id.as_bytes(), DeviceId::from_bytes;
    [u8; 16]: 16, |digest| *digest, |digest| digest;
    Revision: 8, |r| r.get().to_be_bytes(), |b| Revision::new(u64::from_be_bytes(b));
    Seq: 8, |s| s.get().to_be_bytes(), |b| Seq::new(u64::from_be_bytes(b));
    RecordNumber: 8, |n| n.get().to_be_bytes(), |b| RecordNumber::new(u64::from_be_bytes(b));
    Shard: 2, |s| s.get().to_be_bytes(), |b| Shard::new(u16::from_be_bytes(b));
    u32: 4, |n| n.to_be_bytes(), u32::from_be_bytes;
}

impl KeyField for String {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.to_owned();
        *bytes = &[];
        Some(text)
    }
}
