//! Somebody sends a message.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::message::{Content, Mention, Message};
use denrei_model::operation::{ChatKind, Membership};
use denrei_model::position::Seq;
use denrei_model::record::{Fact, MessageFact};
use denrei_model::row::{AccountKey, Change, ChatKey, ChatRow, MemberKey, MemberRow, MessageKey, MessageRow};
use denrei_storage::shard::Fetch;

use super::event::{next, tell};
use super::{ChatEvent, ChatRefused, Chatroom};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Sends a message to a chat. The first message to a person makes the 1:1 chat.
#[derive(Clone, Debug)]
pub struct Send {
    /// The chat.
    pub chat: ChatId,
    /// The other one, when it is written to a person rather than to a chat.
    pub peer: Option<AccountId>,
    /// Who sends.
    pub sender: AccountId,
    /// From which device.
    pub device: DeviceId,
    /// The idempotency key, echoed to the sender's devices.
    pub key: Option<String>,
    /// What it says; its form has been checked.
    pub content: Content,
    /// The message that it answers, one that the sender may see.
    pub reply_to: Option<Seq>,
    /// Whom it mentions.
    pub mentions: Vec<Mention>,
}

impl Command for Send {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "send";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        // Whether a person exists is read from their own shard's durable rows: accounts never vanish.
        let person = self.peer.map(|account| AccountKey { account }.into());
        let answered = self.reply_to.map(|seq| MessageKey { chat: self.chat, seq }.into());
        Fetch { keys: person.into_iter().chain(answered).collect(), scans: Vec::new() }
    }

    fn decide(
        &self,
        state: &Chatroom,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<ChatEvent>, ChatRefused> {
        let made = self.make_direct(state, rows)?;
        let (chat, mut changes) = match &made {
            Some((chat, changes)) => (chat, changes.clone()),
            None => (state, Vec::new()),
        };
        let row = next(chat.joined(self.sender)?, facts);
        if let Some(stranger) = self.mentions.iter().find(|mention| chat.joined(mention.account).is_err()) {
            return Err(ChatRefused::MentionNotMember(stranger.account));
        }
        if let Some(seq) = self.reply_to.filter(|seq| chat.message(rows, self.sender, *seq).is_none()) {
            return Err(ChatRefused::NothingToAnswer(seq));
        }
        let message = Message {
            chat: self.chat,
            seq: row.last,
            sender: self.sender,
            sent_at: row.last_at,
            content: Some(self.content.clone()),
            reply_to: self.reply_to,
            mentions: self.mentions.clone(),
            reactions: Vec::new(),
            unsent: None,
        };
        let pair: Vec<AccountId> =
            if row.kind == ChatKind::Direct { chat.members.keys().copied().collect() } else { Vec::new() };
        let emits = tell(chat.joined_members(), row.last_at, facts, |members| {
            let (key, device) = (self.key.clone(), self.device);
            Fact::Message(MessageFact { message: message.clone(), members, key, device, pair: pair.clone() })
        });
        let answer = chat.event(&row);
        let key = MessageKey { chat: self.chat, seq: row.last };
        changes.push(Change::put(key, MessageRow { message, key: self.key.clone(), device: self.device }));
        changes.push(Change::put(ChatKey { chat: self.chat }, row));
        Ok(Decision { effects: Effects { changes, emits, ..Effects::default() }, answer })
    }
}

impl Send {
    /// The 1:1 chat, if this is its first message.
    fn make_direct(
        &self,
        state: &Chatroom,
        rows: &Rows,
    ) -> Result<Option<(Chatroom, Vec<Change>)>, ChatRefused> {
        let Some(peer) = self.peer else { return Ok(None) };
        if peer == self.sender {
            return Err(ChatRefused::Oneself);
        }
        if state.row.is_some() {
            return Ok(None);
        }
        rows.get(&AccountKey { account: peer }).ok_or(ChatRefused::NoAccount(peer))?;
        let member = MemberRow { membership: Membership::Joined, ..MemberRow::default() };
        let mut chat = state.clone();
        chat.row = Some(Box::new(ChatRow { kind: ChatKind::Direct, ..ChatRow::default() }));
        let mut changes = Vec::with_capacity(4);
        for account in [self.sender, peer] {
            chat.members.insert(account, member.clone());
            changes.push(Change::put(MemberKey { chat: self.chat, account }, member.clone()));
        }
        Ok(Some((chat, changes)))
    }
}
