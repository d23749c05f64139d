//! A device that knows only operations (Rule C), and the same state as a snapshot of the stored rows gives it.

use std::collections::BTreeMap;

use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::message::{Message, Reaction};
use denrei_model::operation::chat::Title;
use denrei_model::operation::{
    ChatChanged, ChatKind, Contact, JoinPolicy, Member, Membership, Payload, Profile, Relation, Setting,
    Standing,
};
use denrei_model::position::Seq;
use denrei_model::row::{AccountChatKey, AccountKey, ChatKey, ContactKey, MemberKey, MessageKey, SettingKey};

use super::stage::{Stage, account};

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Chat {
    pub(crate) kind: ChatKind,
    pub(crate) title: Option<(Title, Seq)>,
    /// Membership and its version.
    pub(crate) members: BTreeMap<AccountId, (Membership, Seq)>,
    /// Read marks of others.
    pub(crate) reads: BTreeMap<AccountId, Seq>,
    pub(crate) standing: Standing,
    pub(crate) last_message: Seq,
    pub(crate) messages: BTreeMap<Seq, Message>,
    /// Messages are known from here on.
    pub(crate) complete_from: Seq,
}

/// All that a device shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct View {
    pub(crate) profile: Option<Profile>,
    pub(crate) settings: BTreeMap<(Option<DeviceId>, String), Setting>,
    pub(crate) contacts: BTreeMap<AccountId, Contact>,
    pub(crate) chats: BTreeMap<ChatId, Chat>,
}

pub(crate) struct Client {
    me: AccountId,
    pub(crate) view: View,
}

fn new_chat(kind: ChatKind, standing: Standing) -> Chat {
    Chat {
        kind,
        title: None,
        members: BTreeMap::new(),
        reads: BTreeMap::new(),
        standing,
        last_message: Seq::ZERO,
        messages: BTreeMap::new(),
        complete_from: Seq::ZERO,
    }
}

impl Client {
    pub(crate) fn new(me: AccountId) -> Self {
        Self { me, view: View::default() }
    }

    pub(crate) fn apply(&mut self, payload: Payload) {
        match payload {
            Payload::SendMessage(sent) => self.message(sent.message, sent.peer),
            Payload::ReceiveMessage(received) => {
                let (chat, n) = (received.message.chat, received.n);
                self.message(received.message, received.peer);
                self.chat(chat).standing.n = n;
            }
            Payload::UnsendMessage(unsent) | Payload::NotifiedUnsendMessage(unsent) => {
                if let Some(message) = self.chat(unsent.chat).messages.get_mut(&unsent.seq) {
                    message.blank(unsent.version);
                }
            }
            Payload::SendReaction(reacted) | Payload::NotifiedSendReaction(reacted) => {
                if let Some(message) = self.chat(reacted.chat).messages.get_mut(&reacted.seq) {
                    message.reactions.retain(|reaction| reaction.account != reacted.account);
                    let (account, version) = (reacted.account, reacted.version);
                    message.reactions.extend(reacted.emoji.map(|emoji| Reaction { account, emoji, version }));
                    message.reactions.sort_by_key(|reaction| reaction.account);
                }
            }
            Payload::SendChatChecked(checked) => {
                let standing = &mut self.chat(checked.chat).standing;
                assert!(checked.seq > standing.read, "an own mark never goes back");
                (standing.read, standing.read_n) = (checked.seq, checked.read_n);
            }
            Payload::NotifiedReadMessage(read) => {
                let chat = self.chat(read.chat);
                for read in read.reads {
                    if chat.members.contains_key(&read.account) {
                        let mark = chat.reads.entry(read.account).or_default();
                        *mark = read.seq.max(*mark);
                    }
                }
            }
            Payload::DeleteContact(removed) => drop(self.view.contacts.remove(&removed.account)),
            Payload::UpdateProfile(profile) => self.view.profile = Some(profile),
            Payload::UpdateSettings(setting) => {
                let key = (setting.device, setting.key.clone());
                match &setting.value {
                    Some(_) => drop(self.view.settings.insert(key, setting)),
                    None => drop(self.view.settings.remove(&key)),
                }
            }
            payload => self.contact_or_chat(payload),
        }
    }

    fn contact_or_chat(&mut self, payload: Payload) {
        match payload {
            Payload::AddContact(contact)
            | Payload::UpdateContact(contact)
            | Payload::BlockContact(contact)
            | Payload::UnblockContact(contact)
            | Payload::NotifiedAddContact(contact)
            | Payload::NotifiedUpdateProfile(contact) => {
                let known = self.view.contacts.get(&contact.account).map(|known| known.version);
                assert!(known.is_none_or(|known| known < contact.version), "versions of a contact rise");
                if contact.relation == Relation::None && !contact.blocked {
                    self.view.contacts.remove(&contact.account);
                } else {
                    self.view.contacts.insert(contact.account, contact);
                }
            }
            Payload::CreateChat(changed)
            | Payload::NotifiedInviteIntoChat(changed)
            | Payload::InviteIntoChat(changed)
            | Payload::AcceptChatInvitation(changed)
            | Payload::NotifiedAcceptChatInvitation(changed)
            | Payload::RejectChatInvitation(changed)
            | Payload::NotifiedRejectChatInvitation(changed)
            | Payload::JoinChat(changed)
            | Payload::NotifiedJoinChat(changed)
            | Payload::DeleteSelfFromChat(changed)
            | Payload::NotifiedDeleteSelfFromChat(changed)
            | Payload::DeleteOtherFromChat(changed)
            | Payload::NotifiedDeleteOtherFromChat(changed)
            | Payload::UpdateChat(changed)
            | Payload::NotifiedUpdateChat(changed) => self.changed(changed),
            other => panic!("not told apart: {other:?}"),
        }
    }

    fn chat(&mut self, chat: ChatId) -> &mut Chat {
        self.view
            .chats
            .get_mut(&chat)
            .unwrap_or_else(|| panic!("an operation about {chat}, which is not known"))
    }

    fn message(&mut self, message: Message, peer: Option<AccountId>) {
        let me = self.me;
        if let Some(peer) = peer {
            self.view.chats.entry(message.chat).or_insert_with(|| {
                let standing =
                    Standing { membership: Membership::Joined, peer: Some(peer), ..Standing::default() };
                let mut chat = new_chat(ChatKind::Direct, standing);
                chat.members.insert(me, (Membership::Joined, Seq::ZERO));
                chat.members.insert(peer, (Membership::Joined, Seq::ZERO));
                chat.reads.insert(peer, Seq::ZERO);
                chat
            });
        }
        let chat = self.chat(message.chat);
        chat.last_message = message.seq;
        let twice = chat.messages.insert(message.seq, message);
        assert_eq!(twice, None, "a message came twice");
    }

    fn changed(&mut self, changed: ChatChanged) {
        let me = self.me;
        if let Some(standing) = changed.standing {
            if standing.membership == Membership::Gone {
                self.view.chats.remove(&changed.chat);
                return;
            }
            let known = self.view.chats.contains_key(&changed.chat);
            let chat = self.view.chats.entry(changed.chat);
            let chat = chat.or_insert_with(|| new_chat(ChatKind::Group, standing.clone()));
            if !known {
                chat.complete_from = changed.seq;
            }
            chat.standing = standing;
            let state = changed.state.expect("a chat that is new comes whole");
            (chat.members, chat.reads) = Default::default();
            chat.title = Some((Title { name: state.name, join: state.join }, state.version));
            for entry in state.members {
                member(chat, me, &entry);
            }
        }
        let chat = self.chat(changed.chat);
        if let Some(title) = changed.title {
            chat.title = Some((title, changed.seq));
        }
        for entry in &changed.members {
            member(chat, me, entry);
        }
    }
}

fn member(chat: &mut Chat, me: AccountId, member: &Member) {
    if member.membership == Membership::Gone {
        chat.members.remove(&member.account);
        chat.reads.remove(&member.account);
        return;
    }
    chat.members.insert(member.account, (member.membership, member.version));
    if member.account != me {
        let mark = chat.reads.entry(member.account).or_default();
        *mark = member.read.max(*mark);
    }
}

/// The same state, from the stored rows.
pub(crate) async fn snapshot(stage: &Stage, number: u8) -> View {
    let me = account(number);
    let mut view = View::default();
    let profile = stage.row(AccountKey { account: me }).await.unwrap().profile;
    // A profile that was never changed has no operation.
    view.profile = Some(profile).filter(|profile| profile.version.get() > 0);
    let key = |device, key: &str| SettingKey { account: me, device, key: key.to_owned() };
    for (_, setting) in stage.rows(key(DeviceId::default(), ""), key(DeviceId::MAX, "")).await {
        view.settings.insert((setting.device, setting.key.clone()), setting);
    }
    let key = |other| ContactKey { account: me, other };
    for (_, contact) in stage.rows(key(AccountId::default()), key(AccountId::MAX)).await {
        view.contacts.insert(contact.account, contact);
    }
    let key = |chat| AccountChatKey { account: me, chat };
    for (row_key, row) in stage.rows(key(ChatId::default()), key(ChatId::MAX)).await {
        let denrei_model::row::Key::AccountChat(AccountChatKey { chat, .. }) = row_key else {
            unreachable!()
        };
        if row.membership != Membership::Gone {
            let standing = denrei_actors::account::standing(&row);
            let mut found = new_chat(row.kind, standing);
            found.last_message = row.last_message;
            fill(stage, me, chat, &mut found).await;
            found.messages.retain(|seq, _| row.sees(*seq));
            view.chats.insert(chat, found);
        }
    }
    view
}

async fn fill(stage: &Stage, me: AccountId, chat: ChatId, found: &mut Chat) {
    let row = stage.row(ChatKey { chat }).await.unwrap();
    if row.kind == ChatKind::Group {
        found.title = Some((Title { name: row.name, join: row.join }, row.version));
    } else {
        assert_eq!(row.join, JoinPolicy::Invite);
    }
    let key = |account| MemberKey { chat, account };
    for (key, row) in stage.rows(key(AccountId::default()), key(AccountId::MAX)).await {
        let denrei_model::row::Key::Member(key) = key else { unreachable!() };
        found.members.insert(key.account, (row.membership, row.version));
        if key.account != me {
            found.reads.insert(key.account, row.read);
        }
    }
    let key = |seq| MessageKey { chat, seq };
    for (_, row) in stage.rows(key(Seq::ZERO), key(Seq::MAX)).await {
        found.messages.insert(row.message.seq, row.message);
    }
}

/// Takes out of both what only one of them can know: messages from before one came (again).
pub(crate) fn comparable(client: &mut View, snapshot: &mut View) {
    for (id, chat) in &mut client.chats {
        let Some(other) = snapshot.chats.get_mut(id) else { continue };
        other.complete_from = chat.complete_from;
        other.messages.retain(|seq, _| *seq >= chat.complete_from);
        if other.last_message < chat.complete_from {
            other.last_message = Seq::ZERO;
        }
        if chat.kind == ChatKind::Direct {
            // What was read before the first message that reached this one says nothing to it: a block held that back.
            let first = other.messages.keys().next().copied().unwrap_or_default();
            for mark in chat.reads.values_mut().chain(other.reads.values_mut()).filter(|mark| **mark < first)
            {
                *mark = Seq::ZERO;
            }
        }
        if chat.standing.membership == Membership::Invited {
            // Who is only asked in is told of no marks.
            (chat.reads, other.reads) = Default::default();
        }
    }
}
