//! Shards: `hash(home) % shards`, the unit of ownership, supervision, journaling and inbox.

use std::fmt;

use serde::Serialize;

use crate::id::{AccountId, ChatId};

/// One shard, `0 .. shards`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Shard(u16);

impl Shard {
    /// The shard with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Its place in a table of all shards.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {}", self.0)
    }
}

/// What decides where an entity lives. The home of an account and of a chat is its own id; a name's is its text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Home {
    /// An account.
    Account(AccountId),
    /// A chat.
    Chat(ChatId),
    /// A name in the directory: a handle, or a link code.
    Name(String),
}

impl Home {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Account(id) => id.as_bytes(),
            Self::Chat(id) => id.as_bytes(),
            Self::Name(text) => text.as_bytes(),
        }
    }
}

impl From<AccountId> for Home {
    fn from(id: AccountId) -> Self {
        Self::Account(id)
    }
}

impl From<ChatId> for Home {
    fn from(id: ChatId) -> Self {
        Self::Chat(id)
    }
}

/// How many shards there are and how homes spread over them; pinned when a store is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShardMap {
    shards: u16,
    seed: u64,
}

impl ShardMap {
    /// A map of `shards` (at least one) under a seed of the hash.
    #[must_use]
    pub const fn new(shards: u16, seed: u64) -> Self {
        Self { shards: if shards == 0 { 1 } else { shards }, seed }
    }

    /// The shard that owns this home: XXH3-64 under the seed, modulo the number of shards.
    #[must_use]
    pub fn of(&self, home: &Home) -> Shard {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(home.bytes(), self.seed);
        Shard((hash % u64::from(self.shards)) as u16)
    }

    /// The shard of an account.
    #[must_use]
    pub fn of_account(&self, account: AccountId) -> Shard {
        self.of(&Home::Account(account))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> u16 {
        self.shards
    }

    /// Never: there is at least one shard.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The seed of the hash.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Every shard, in order.
    pub fn all(&self) -> impl Iterator<Item = Shard> + use<> {
        (0..self.shards).map(Shard)
    }
}
