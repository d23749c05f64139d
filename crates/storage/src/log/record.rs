//! What is written to a log and read from it, and where it is.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use denrei_model::Timestamp;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Arc::from(name))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a topic: 1 to 249 of `a-z A-Z 0-9 . _ -`, as Kafka has it.
    TopicName
);
name!(
    /// The name of a consumer group.
    GroupId
);

impl TopicName {
    /// Whether a backend will take this name.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (1..=249).contains(&self.0.len()) && self.0.bytes().all(allowed) && !matches!(&*self.0, "." | "..")
    }
}

/// The number of a partition within its topic, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// The position of a record in its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The topic.
    pub topic: TopicName,
    /// Its partition.
    pub partition: Partition,
}

impl Place {
    /// This partition of this topic.
    #[must_use]
    pub fn new(topic: impl Into<TopicName>, partition: u32) -> Self {
        Self { topic: topic.into(), partition: Partition(partition) }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition.0)
    }
}

/// A named value beside the record's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: Bytes,
    /// Its value; Kafka allows none.
    pub value: Option<Bytes>,
}

impl Header {
    /// A header with a value.
    #[must_use]
    pub fn new(name: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { name: name.into(), value: Some(value.into()) }
    }
}

/// A record to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Where to.
    pub topic: TopicName,
    /// Which partition; by the key, if none is given; by turns, if there is no key either.
    pub partition: Option<Partition>,
    /// The key: records of one key go to one partition.
    pub key: Option<Bytes>,
    /// The value; none says that the key is gone.
    pub value: Option<Bytes>,
    /// Headers, in order.
    pub headers: Vec<Header>,
    /// When it happened; the time of the append, if none is given.
    pub timestamp: Option<Timestamp>,
}

impl NewRecord {
    /// A record without key, headers or timestamp of its own.
    #[must_use]
    pub fn new(topic: impl Into<TopicName>, value: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            partition: None,
            key: None,
            value: Some(value.into()),
            headers: Vec::new(),
            timestamp: None,
        }
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// To this partition, whatever its key.
    #[must_use]
    pub fn partition(mut self, partition: u32) -> Self {
        self.partition = Some(Partition(partition));
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }

    /// Bytes of key, value and headers: what limits and bounds count.
    #[must_use]
    pub fn size(&self) -> usize {
        size(self.key.as_ref(), self.value.as_ref(), &self.headers)
    }
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its position in the partition.
    pub offset: Offset,
    /// When it happened, or was appended.
    pub timestamp: Timestamp,
    /// The key.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Option<Bytes>,
    /// Headers, in order.
    pub headers: Vec<Header>,
}

impl Record {
    /// What a record takes in memory beside its bytes, more or less.
    pub const OVERHEAD: usize = 256;

    /// The value of the last header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().rev().find(|header| header.name == name.as_bytes())?.value.as_ref()
    }

    /// Bytes of key, value and headers: what limits and bounds count.
    #[must_use]
    pub fn size(&self) -> usize {
        size(self.key.as_ref(), self.value.as_ref(), &self.headers)
    }

    /// What it takes in memory, more or less: what counts against the room for records that were read.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.size() + Self::OVERHEAD
    }
}

/// Leaves of records in order what fits: `most`, and what weighs no more than `bytes` together, but one at least.
pub(super) fn fit(records: &mut Vec<Record>, most: usize, bytes: usize) {
    let mut weight = 0_usize;
    let fits = |record: &&Record| {
        weight = weight.saturating_add(record.weight());
        weight <= bytes
    };
    let count = records.iter().take(most).take_while(fits).count();
    records.truncate(count.max(1));
}

fn size(key: Option<&Bytes>, value: Option<&Bytes>, headers: &[Header]) -> usize {
    let headers: usize = headers.iter().map(|h| h.name.len() + h.value.as_ref().map_or(0, Bytes::len)).sum();
    key.map_or(0, Bytes::len) + value.map_or(0, Bytes::len) + headers
}
