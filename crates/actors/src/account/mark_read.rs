//! A reader says: I have read this chat up to here.

use denrei_model::effects::{Effects, Emit};
use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::{ChatChecked, Membership, Payload};
use denrei_model::position::Seq;
use denrei_model::record::{Fact, MarkFact, Record};
use denrei_model::row::{AccountChatKey, Change, KeyRange, ReceivedKey};
use denrei_model::shard::Home;
use denrei_storage::shard::{Fetch, Scan};

use super::{Account, draft};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// How many counts below the mark are cleared with it; the rest go with later marks.
const CLEARED: usize = 64;

/// Moves the read mark of a chat, forwards only.
#[derive(Clone, Debug)]
pub struct MarkRead {
    /// Who reads.
    pub account: AccountId,
    /// Which chat.
    pub chat: ChatId,
    /// Up to where; beyond what the account has received it counts as that.
    pub seq: Seq,
}

/// Where the mark stands now.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Marked {
    /// The mark.
    #[prost(message, required, tag = "1")]
    pub seq: Seq,
    /// Messages received and not read.
    #[prost(uint64, tag = "2")]
    pub unread: u64,
}

/// Why it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MarkRefused {
    /// The account is not in the chat.
    #[error("not a member of the chat")]
    NotMember,
}

impl Command for MarkRead {
    type Entity = Account;
    type Answer = Marked;
    type Refusal = MarkRefused;
    const NAME: &'static str = "mark_read";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        let Self { account, chat, seq } = *self;
        let key = |seq| ReceivedKey { account, chat, seq };
        let counts = KeyRange::new(key(Seq::ZERO), key(seq.next()));
        Fetch {
            keys: vec![AccountChatKey { account, chat }.into()],
            scans: vec![Scan::backward(counts, CLEARED)],
        }
    }

    fn decide(&self, _: &Account, rows: &Rows, facts: &Facts) -> Result<Decision<Marked>, MarkRefused> {
        let Self { account, chat, .. } = *self;
        let key = AccountChatKey { account, chat };
        let joined = rows.get(&key).filter(|row| row.membership == Membership::Joined);
        let mut row = joined.ok_or(MarkRefused::NotMember)?.clone();
        let seq = self.seq.min(row.applied);
        if seq <= row.read {
            return Ok(Decision::nothing(Marked { seq: row.read, unread: row.n.saturating_sub(row.read_n) }));
        }
        let mut counts = rows.scan::<ReceivedKey>(0);
        // The count at the mark is that of the last message received up to it.
        (row.read, row.read_n) = (seq, counts.next().map_or(row.read_n, |(_, received)| received.n));
        let mut changes: Vec<Change> = counts.map(|(key, _)| Change::Delete(key.clone())).collect();
        let answer = Marked { seq, unread: row.n.saturating_sub(row.read_n) };
        let checked = Payload::SendChatChecked(ChatChecked { chat, seq, read_n: row.read_n });
        changes.push(Change::put(key, row));
        let at = facts.now.as_millis();
        let mark = Record { at, fact: Some(Fact::Mark(MarkFact { chat, account, seq })) };
        let effects = Effects {
            changes,
            operations: vec![draft(account, at, checked)],
            emits: vec![Emit { to: facts.shards.of(&Home::Chat(chat)), record: mark }],
            notices: Vec::new(),
        };
        Ok(Decision { effects, answer })
    }
}
