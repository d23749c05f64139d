//! A chat says: it was made, renamed, entered or left.

use denrei_model::effects::Effects;
use denrei_model::id::AccountId;
use denrei_model::operation::{ChatKind, Membership, Payload, Standing};
use denrei_model::record::{ChatFact, ChatFactKind};
use denrei_model::row::{AccountChatKey, AccountChatRow, Change};

use super::draft;
use crate::rows::Rows;

/// The account's own view of a chat's change: its standing if that changed, the whole chat if it is new to it.
pub(super) fn changed(fact: &ChatFact, account: AccountId, rows: &Rows, at: u64) -> Effects {
    let mut changed = fact.changed.clone();
    let key = AccountChatKey { account, chat: changed.chat };
    let known = rows.get(&key);
    let mine =
        changed.members.iter().find(|member| member.account == account).map(|member| member.membership);
    let mut row = match (known, mine) {
        (Some(row), _) => row.clone(),
        (None, Some(_)) => AccountChatRow { kind: ChatKind::Group, ..AccountChatRow::default() },
        (None, None) => return Effects::default(),
    };
    if mine.is_none() && row.membership == Membership::Gone {
        return Effects::default();
    }
    row.applied = changed.seq;
    if let Some(membership) = mine {
        match membership {
            Membership::Joined => row.open(changed.seq),
            Membership::Gone => row.close(changed.seq),
            Membership::Invited => {}
        }
        (row.membership, row.version) = (membership, changed.seq);
        changed.standing = Some(standing(&row));
        if membership != Membership::Gone {
            changed.state.clone_from(&fact.state);
        }
    }
    let payload = payload(fact.kind, changed.by == account, changed);
    let changes = vec![Change::put(key, row)];
    Effects { changes, operations: vec![draft(account, at, payload)], ..Effects::default() }
}

/// An account's standing as devices see it.
#[must_use]
pub fn standing(row: &AccountChatRow) -> Standing {
    Standing {
        membership: row.membership,
        version: row.version,
        n: row.n,
        read: row.read,
        read_n: row.read_n,
        peer: row.peer,
    }
}

fn payload(kind: ChatFactKind, own: bool, changed: denrei_model::operation::ChatChanged) -> Payload {
    match (kind, own) {
        (ChatFactKind::Created, true) => Payload::CreateChat(changed),
        (ChatFactKind::Created, false) => Payload::NotifiedInviteIntoChat(changed),
        (ChatFactKind::Invited, true) => Payload::InviteIntoChat(changed),
        (ChatFactKind::Invited, false) => Payload::NotifiedInviteIntoChat(changed),
        (ChatFactKind::Accepted, true) => Payload::AcceptChatInvitation(changed),
        (ChatFactKind::Accepted, false) => Payload::NotifiedAcceptChatInvitation(changed),
        (ChatFactKind::Rejected, true) => Payload::RejectChatInvitation(changed),
        (ChatFactKind::Rejected, false) => Payload::NotifiedRejectChatInvitation(changed),
        (ChatFactKind::Joined, true) => Payload::JoinChat(changed),
        (ChatFactKind::Joined, false) => Payload::NotifiedJoinChat(changed),
        (ChatFactKind::Left, true) => Payload::DeleteSelfFromChat(changed),
        (ChatFactKind::Left, false) => Payload::NotifiedDeleteSelfFromChat(changed),
        (ChatFactKind::Removed, true) => Payload::DeleteOtherFromChat(changed),
        (ChatFactKind::Removed, false) => Payload::NotifiedDeleteOtherFromChat(changed),
        (ChatFactKind::Updated, true) => Payload::UpdateChat(changed),
        (ChatFactKind::Updated, false) => Payload::NotifiedUpdateChat(changed),
    }
}
