//! What every event of a chat has in common: its seq and time, who may cause it, who is told.

use std::collections::BTreeMap;

use denrei_model::effects::{Effects, Emit};
use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::chat::Title;
use denrei_model::operation::{ChatChanged, ChatKind, ChatState, Member, Membership};
use denrei_model::position::Seq;
use denrei_model::record::{ChatFact, ChatFactKind, Fact, Record};
use denrei_model::row::{Change, ChatKey, ChatRow, MemberKey, MemberRow, MessageKey, MessageRow};
use denrei_model::shard::Shard;

use super::{Chatroom, MAX_MEMBERS};
use crate::command::{Decision, Facts};
use crate::rows::Rows;

/// What a chat answers: the event that was made, or the one that stands for it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ChatEvent {
    /// Which chat.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// The event's place in it.
    #[prost(message, required, tag = "2")]
    pub seq: Seq,
    /// When it happened, milliseconds since the epoch.
    #[prost(uint64, tag = "3")]
    pub at: u64,
}

/// Why a chat refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChatRefused {
    /// The one who asks is not in the chat. Said as well when there is no such chat.
    #[error("not a member of the chat")]
    NotMember,
    /// A 1:1 chat cannot be renamed, joined or left.
    #[error("not a group")]
    NotGroup,
    /// The one who asks has no open invitation.
    #[error("not invited into the chat")]
    NotInvited,
    /// One comes into this group by invitation only.
    #[error("the group is not open to joining")]
    NotOpen,
    /// There is no such message, or it cannot be seen.
    #[error("no such message")]
    NoMessage,
    /// Only its sender may take a message back.
    #[error("the message is somebody else's")]
    NotSender,
    /// The message was taken back.
    #[error("the message was taken back")]
    Unsent,
    /// There is no such account.
    #[error("no such account: {0}")]
    NoAccount(AccountId),
    /// Nobody writes to themselves.
    #[error("that is you")]
    Oneself,
    /// A mention of somebody who is not in the chat.
    #[error("mentioned, but not a member: {0}")]
    MentionNotMember(AccountId),
    /// An answer to what is no message, or to one that the sender may not see.
    #[error("no message to answer: {0}")]
    NothingToAnswer(Seq),
    /// The group would have too many members.
    #[error("a group has at most {MAX_MEMBERS} members")]
    TooMany,
    /// The chat exists already, made by another request.
    #[error("the chat exists already")]
    Exists,
}

impl Chatroom {
    /// The chat's row, if this account is in it.
    pub(super) fn joined(&self, account: AccountId) -> Result<&ChatRow, ChatRefused> {
        let joined = self.members.get(&account).is_some_and(|member| member.membership == Membership::Joined);
        self.row.as_deref().filter(|_| joined).ok_or(ChatRefused::NotMember)
    }

    /// The row of a group, whoever asks.
    pub(super) fn group(&self) -> Result<&ChatRow, ChatRefused> {
        let row = self.row.as_deref().ok_or(ChatRefused::NotMember)?;
        if row.kind == ChatKind::Group { Ok(row) } else { Err(ChatRefused::NotGroup) }
    }

    /// Those who are in it.
    pub(super) fn joined_members(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.members
            .iter()
            .filter(|(_, member)| member.membership == Membership::Joined)
            .map(|(account, _)| *account)
    }

    /// Its whole state as members see it.
    pub(super) fn state(&self, row: &ChatRow) -> ChatState {
        ChatState {
            chat: self.id,
            kind: row.kind,
            name: row.name.clone(),
            join: row.join,
            version: row.version,
            members: self.members.iter().map(|(account, row)| member(*account, row)).collect(),
        }
    }

    /// The message, if there is one under this seq and somebody who is in the chat may see it: not from before they came.
    /// It must have been named.
    pub(super) fn message<'a>(&self, rows: &'a Rows, account: AccountId, seq: Seq) -> Option<&'a MessageRow> {
        let since = self.members.get(&account).map_or(Seq::MAX, |member| member.version);
        rows.get(&MessageKey { chat: self.id, seq }).filter(|_| seq >= since)
    }

    pub(super) fn event(&self, row: &ChatRow) -> ChatEvent {
        ChatEvent { chat: self.id, seq: row.last, at: row.last_at }
    }
}

/// A member as devices see it.
#[must_use]
pub(super) fn member(account: AccountId, row: &MemberRow) -> Member {
    Member { account, membership: row.membership, version: row.version, read: row.read }
}

/// The chat's row with the next event: its seq, and a time that never runs backwards.
pub(super) fn next(row: &ChatRow, facts: &Facts) -> ChatRow {
    ChatRow { last: row.last.next(), last_at: row.last_at.max(facts.now.as_millis()), ..row.clone() }
}

/// One record for each shard that has some of these members.
pub(super) fn tell(
    members: impl IntoIterator<Item = AccountId>,
    at: u64,
    facts: &Facts,
    fact: impl Fn(Vec<AccountId>) -> Fact,
) -> Vec<Emit> {
    let mut by_shard: BTreeMap<Shard, Vec<AccountId>> = BTreeMap::new();
    for account in members {
        by_shard.entry(facts.shards.of_account(account)).or_default().push(account);
    }
    let emit = |(to, members)| Emit { to, record: Record { at, fact: Some(fact(members)) } };
    by_shard.into_iter().map(emit).collect()
}

/// A change of a group, before it has its seq.
pub(super) struct GroupChange {
    pub(super) kind: ChatFactKind,
    pub(super) by: AccountId,
    /// Whose standing changes, and to what.
    pub(super) members: Vec<(AccountId, Membership)>,
    /// The new title, if that changes.
    pub(super) title: Option<Title>,
}

/// Makes the event of a change: rows of the chat and its members, and word to all who were or are in it.
pub(super) fn change(
    chat: &Chatroom,
    row: &ChatRow,
    change: GroupChange,
    facts: &Facts,
) -> Decision<ChatEvent> {
    let GroupChange { kind, by, members, title } = change;
    let mut after = chat.clone();
    let mut row = next(row, facts);
    if let Some(title) = &title {
        (row.name, row.join, row.version) = (title.name.clone(), title.join, row.last);
    }
    let mut effects = Effects::default();
    let mut changed = Vec::with_capacity(members.len());
    for (account, membership) in members {
        let read = chat.members.get(&account).map_or(Seq::ZERO, |member| member.read);
        let now = MemberRow { membership, version: row.last, read };
        changed.push(member(account, &now));
        let key = MemberKey { chat: chat.id, account };
        let put = if membership == Membership::Gone { Change::delete(key) } else { Change::put(key, now) };
        after.apply_member(&put);
        effects.changes.push(put);
    }
    let told: Vec<AccountId> = chat.members.keys().chain(after.members.keys()).copied().collect();
    let told: std::collections::BTreeSet<AccountId> = told.into_iter().collect();
    let state = after.state(&row);
    let new: Vec<AccountId> = changed.iter().map(|member| member.account).collect();
    let changed = ChatChanged {
        chat: chat.id,
        seq: row.last,
        by,
        members: changed,
        title,
        state: None,
        standing: None,
    };
    effects.emits = tell(told, row.last_at, facts, |members| {
        let state = members.iter().any(|account| new.contains(account)).then(|| state.clone());
        Fact::Chat(ChatFact { kind, changed: changed.clone(), members, state })
    });
    let answer = after.event(&row);
    effects.changes.push(Change::put(ChatKey { chat: chat.id }, row));
    Decision { effects, answer }
}

impl Chatroom {
    fn apply_member(&mut self, change: &Change) {
        crate::entity::Entity::apply(self, change);
    }
}
