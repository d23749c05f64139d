//! Applying operations, each iff it is newer than what is known of its object.

use std::cmp::Ordering;

use denrei_model::id::{AccountId, ChatId};
use denrei_model::message::{Message, Reaction};
use denrei_model::operation::{
    ChatChanged, ChatKind, ChatRead, ChatState, Contact, ContactRemoved, Member, Membership, MessageReacted,
    MessageUnsent, Payload, Profile, Relation, Setting,
};
use denrei_model::position::Seq;
use denrei_model::wire::message::HistoryMessage;

use super::{LocalChat, LocalMessages, LocalState};

impl LocalState {
    /// Takes up what happened. Of something older than what is known, nothing.
    pub fn apply(&mut self, payload: &Payload, me: AccountId) {
        match payload {
            Payload::SendMessage(sent) => {
                self.meet(sent.message.chat, sent.peer, me);
                self.keep(&sent.message, sent.key.clone());
            }
            Payload::ReceiveMessage(received) => {
                self.meet(received.message.chat, received.peer, me);
                self.count(received.message.chat, received.message.seq, received.n);
                self.keep(&received.message, None);
            }
            Payload::UnsendMessage(unsent) | Payload::NotifiedUnsendMessage(unsent) => self.unsend(unsent),
            Payload::SendReaction(reacted) | Payload::NotifiedSendReaction(reacted) => self.react(reacted),
            Payload::SendChatChecked(checked) => {
                if let Some(chat) = self.chats.get_mut(&checked.chat)
                    && checked.seq > chat.standing.read
                {
                    (chat.standing.read, chat.standing.read_n) = (checked.seq, checked.read_n);
                }
            }
            Payload::NotifiedReadMessage(read) => self.read(read),
            Payload::AddContact(contact)
            | Payload::UpdateContact(contact)
            | Payload::BlockContact(contact)
            | Payload::UnblockContact(contact)
            | Payload::NotifiedAddContact(contact)
            | Payload::NotifiedUpdateProfile(contact) => self.contact(contact),
            Payload::DeleteContact(ContactRemoved { account, version }) => {
                self.contact(&Contact { account: *account, version: *version, ..Contact::default() });
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
            | Payload::NotifiedUpdateChat(changed) => self.change(changed),
            Payload::UpdateProfile(profile) => self.profile(profile),
            Payload::UpdateSettings(setting) => self.setting(setting),
        }
    }

    /// A 1:1 chat is known from its first message on.
    fn meet(&mut self, chat: ChatId, peer: Option<AccountId>, me: AccountId) {
        let Some(peer) = peer else { return };
        self.chats.entry(chat).or_insert_with(|| {
            let member = |account| Member { account, membership: Membership::Joined, ..Member::default() };
            let mut made = LocalChat { kind: ChatKind::Direct, ..LocalChat::default() };
            made.members = [me, peer].into_iter().map(|account| (account, member(account))).collect();
            (made.standing.membership, made.standing.peer) = (Membership::Joined, Some(peer));
            made
        });
    }

    fn count(&mut self, chat: ChatId, seq: Seq, n: u64) {
        let Some(chat) = self.chats.get_mut(&chat) else { return };
        chat.standing.n = chat.standing.n.max(n);
        // A message at or below the read mark has been read.
        if seq <= chat.standing.read {
            chat.standing.read_n = chat.standing.read_n.max(n);
        }
    }

    /// Keeps a message, unless its chat is none that one is in: a snapshot has shown that one left it since.
    fn keep(&mut self, message: &Message, key: Option<String>) {
        if self.chats.get(&message.chat).is_none_or(|chat| chat.standing.membership != Membership::Joined) {
            return;
        }
        let known = self.messages.entry(message.chat).or_default();
        if message.seq < known.complete_from {
            return;
        }
        // A snapshot may have shown a later state of it: reactions, or that it was taken back.
        known.by_seq.entry(message.seq).or_insert_with(|| HistoryMessage { message: message.clone(), key });
    }

    fn message(&mut self, chat: ChatId, seq: Seq) -> Option<&mut Message> {
        Some(&mut self.messages.get_mut(&chat)?.by_seq.get_mut(&seq)?.message)
    }

    fn unsend(&mut self, unsent: &MessageUnsent) {
        if let Some(message) = self.message(unsent.chat, unsent.seq) {
            message.blank(unsent.version);
        }
    }

    fn react(&mut self, reacted: &MessageReacted) {
        let Some(message) =
            self.message(reacted.chat, reacted.seq).filter(|message| message.unsent.is_none())
        else {
            return;
        };
        let reactions = &mut message.reactions;
        if reactions.iter().any(|known| known.account == reacted.account && known.version >= reacted.version)
        {
            return;
        }
        reactions.retain(|known| known.account != reacted.account);
        let MessageReacted { account, version, .. } = *reacted;
        reactions.extend(reacted.emoji.clone().map(|emoji| Reaction { account, emoji, version }));
        reactions.sort_by_key(|reaction| reaction.account);
    }

    fn read(&mut self, read: &ChatRead) {
        let Some(chat) = self.chats.get_mut(&read.chat) else { return };
        for mark in &read.reads {
            if let Some(member) = chat.members.get_mut(&mark.account) {
                member.read = member.read.max(mark.seq);
            }
        }
    }

    fn contact(&mut self, contact: &Contact) {
        let known = self.contacts.get(&contact.account).map(|known| known.version);
        if known.is_none_or(|version| contact.version > version) {
            self.contacts.insert(contact.account, contact.clone());
        }
    }

    fn change(&mut self, changed: &ChatChanged) {
        if let Some(state) = &changed.state {
            self.enter(state, changed.seq);
        }
        let Some(chat) = self.chats.get_mut(&changed.chat) else { return };
        for member in &changed.members {
            let known = chat.members.entry(member.account).or_insert_with(|| member.clone());
            if member.version > known.version {
                // Whoever comes again has no mark of before: the mark is of the stay, and comes with it.
                known.clone_from(member);
            }
        }
        if let Some(title) = changed.title.as_ref().filter(|_| changed.seq > chat.version) {
            chat.name.clone_from(&title.name);
            (chat.join, chat.version) = (title.join, changed.seq);
        }
        let Some(standing) =
            changed.standing.as_ref().filter(|standing| standing.version > chat.standing.version)
        else {
            return;
        };
        let came = standing.membership == Membership::Joined;
        let went = standing.membership == Membership::Gone;
        chat.standing = standing.clone();
        if came {
            // One sees from here on.
            let messages = LocalMessages { complete_from: changed.seq, ..LocalMessages::default() };
            self.messages.insert(changed.chat, messages);
        } else if went {
            self.messages.remove(&changed.chat);
        }
    }

    /// The whole state of a chat that is new, or newly entered, as of this event.
    fn enter(&mut self, state: &ChatState, seq: Seq) {
        let chat = self.chats.entry(state.chat).or_default();
        chat.kind = state.kind;
        if state.version >= chat.version {
            chat.name.clone_from(&state.name);
            (chat.join, chat.version) = (state.join, state.version);
        }
        // Those whom it does not name went while one was not told, unless they came after it.
        let named = |account: &AccountId| state.members.iter().any(|member| member.account == *account);
        chat.members.retain(|account, member| member.version > seq || named(account));
        for member in &state.members {
            let known = chat.members.entry(member.account).or_insert_with(|| member.clone());
            match member.version.cmp(&known.version) {
                Ordering::Less => {}
                Ordering::Equal => known.read = known.read.max(member.read),
                Ordering::Greater => known.clone_from(member),
            }
        }
    }

    fn profile(&mut self, profile: &Profile) {
        if self.profile.as_ref().is_none_or(|known| profile.version > known.version) {
            self.profile = Some(profile.clone());
        }
    }

    fn setting(&mut self, setting: &Setting) {
        let key = (setting.device.unwrap_or_default(), setting.key.clone());
        if self.settings.get(&key).is_none_or(|known| setting.version > known.version) {
            self.settings.insert(key, setting.clone());
        }
    }
}

/// Whether a contact is one still, rather than the mark that it was removed.
#[must_use]
pub(super) fn stands(contact: &Contact) -> bool {
    contact.relation != Relation::None || contact.blocked
}

#[cfg(test)]
mod tests {
    use denrei_model::operation::ChatKind;

    use super::*;

    const ME: AccountId = AccountId::from_bytes([1; 16]);
    const BOB: AccountId = AccountId::from_bytes([2; 16]);
    const CHAT: ChatId = ChatId::from_bytes([3; 16]);

    fn bob(membership: Membership, version: u64, read: u64) -> Member {
        Member { account: BOB, membership, version: Seq::new(version), read: Seq::new(read) }
    }

    fn changed(seq: u64, members: Vec<Member>) -> ChatChanged {
        ChatChanged { chat: CHAT, seq: Seq::new(seq), by: BOB, members, ..ChatChanged::default() }
    }

    fn state(seq: u64, members: Vec<Member>) -> ChatState {
        let version = Seq::new(seq);
        ChatState { chat: CHAT, kind: ChatKind::Group, version, members, ..ChatState::default() }
    }

    /// What I know of Bob after these changes, having come into the group when he had read up to 5.
    fn known_after(changes: Vec<ChatChanged>) -> Member {
        let mut known = LocalState::default();
        let entered = ChatChanged {
            state: Some(state(1, vec![bob(Membership::Joined, 1, 5)])),
            ..changed(1, Vec::new())
        };
        known.apply(&Payload::NotifiedInviteIntoChat(entered), ME);
        for change in changes {
            known.apply(&Payload::NotifiedUpdateChat(change), ME);
        }
        known.chats[&CHAT].members[&BOB].clone()
    }

    #[test]
    fn whoever_leaves_and_comes_again_has_no_read_mark_of_before() {
        let again = vec![
            changed(7, vec![bob(Membership::Gone, 7, 5)]),
            changed(8, vec![bob(Membership::Invited, 8, 0)]),
            changed(9, vec![bob(Membership::Joined, 9, 0)]),
        ];
        assert_eq!(known_after(again), bob(Membership::Joined, 9, 0));
    }

    #[test]
    fn somebody_who_came_again_while_i_was_away_has_no_read_mark_of_before() {
        let whole = state(9, vec![bob(Membership::Joined, 9, 0)]);
        let back = ChatChanged { state: Some(whole), ..changed(9, Vec::new()) };
        assert_eq!(known_after(vec![back]), bob(Membership::Joined, 9, 0));
    }

    #[test]
    fn those_who_left_while_i_was_away_are_not_in_the_group_when_i_come_again() {
        let mut known = LocalState::default();
        let came = |seq, members: Vec<Member>| {
            Payload::JoinChat(ChatChanged { state: Some(state(seq, members)), ..changed(seq, Vec::new()) })
        };
        known.apply(&came(2, vec![bob(Membership::Joined, 1, 0)]), ME);
        known.apply(&came(9, Vec::new()), ME);
        assert_eq!(known.chats[&CHAT].members.len(), 0);
        // An operation that is older than the snapshot before it takes nobody away who came since.
        known.apply(&came(12, vec![bob(Membership::Joined, 11, 0)]), ME);
        known.apply(&came(10, Vec::new()), ME);
        assert_eq!(known.chats[&CHAT].members[&BOB], bob(Membership::Joined, 11, 0));
    }

    #[test]
    fn within_a_stay_a_read_mark_only_grows() {
        let older = ChatChanged {
            state: Some(state(2, vec![bob(Membership::Joined, 1, 3)])),
            ..changed(2, Vec::new())
        };
        assert_eq!(known_after(vec![older]), bob(Membership::Joined, 1, 5));
    }
}
