//! What a deed is as a request to the node.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::JoinPolicy;
use denrei_model::position::Seq;
use denrei_model::wire::chat::{ChatDraft, ChatPatch, InviteRequest, ReadRequest};
use denrei_model::wire::message::ReactionDraft;

use super::circle::{Deed, EMOJIS};
use crate::transport::{Call, Method};

/// The name of a change and its request; none for a message, or in a group that is not made yet.
pub(super) fn of(
    deed: &Deed,
    chat: Option<ChatId>,
    number: usize,
    accounts: &[AccountId],
) -> Option<(&'static str, Call)> {
    let these =
        |people: &[usize]| people.iter().filter_map(|person| accounts.get(*person).copied()).collect();
    if let Deed::Create { invite } = deed {
        let draft =
            ChatDraft { name: format!("group {number}"), invite: these(invite), join: JoinPolicy::Invite };
        return Some(("create", Call::post("/v1/chats", &draft)));
    }
    let path = format!("/v1/chats/{}", chat?);
    let post = |what: &str| Call::new(Method::POST, format!("{path}/{what}"));
    Some(match deed {
        Deed::Create { .. } | Deed::Say => return None,
        Deed::Read { seq } => {
            let mark = ReadRequest { seq: Seq::new(*seq) };
            ("read", Call::new(Method::PUT, format!("{path}/read")).json(&mark))
        }
        Deed::React { to } => {
            let emoji = EMOJIS.get(to.reactions)?.to_string();
            let target = format!("{path}/messages/{}/reaction", to.seq);
            ("react", Call::new(Method::PUT, target).json(&ReactionDraft { emoji }))
        }
        Deed::Unsend { what } => {
            ("unsend", Call::new(Method::DELETE, format!("{path}/messages/{}", what.seq)))
        }
        Deed::Invite { whom } => {
            ("invite", Call::post(format!("{path}/invitations"), &InviteRequest { accounts: these(whom) }))
        }
        Deed::Accept => ("accept", post("accept")),
        Deed::Leave => ("leave", post("leave")),
        Deed::Rename => {
            let patch = ChatPatch { name: Some(format!("renamed {number}")), join: None };
            ("rename", Call::new(Method::PATCH, path).json(&patch))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::circle::Spoken;
    use super::*;

    const ANN: AccountId = AccountId::from_bytes([1; 16]);
    const BOB: AccountId = AccountId::from_bytes([2; 16]);

    fn call(deed: &Deed) -> Option<(&'static str, String)> {
        let (name, call) = of(deed, Some(ChatId::from_bytes([3; 16])), 7, &[ANN, BOB])?;
        Some((name, call.body_text().to_owned()))
    }

    #[test]
    fn people_are_named_by_their_accounts() {
        let (name, body) = call(&Deed::Invite { whom: vec![1] }).unwrap();
        assert_eq!((name, body), ("invite", format!("{{\"accounts\":[\"{BOB}\"]}}")));
        let (name, body) = call(&Deed::Create { invite: vec![0, 1] }).unwrap();
        assert_eq!(name, "create");
        assert!(body.contains(&format!("[\"{ANN}\",\"{BOB}\"]")), "{body}");
    }

    #[test]
    fn every_reaction_to_a_message_is_another_so_that_each_is_an_event() {
        let react = |reactions| call(&Deed::React { to: Spoken { seq: 5, sender: 0, reactions } });
        let bodies: std::collections::BTreeSet<_> = (0..EMOJIS.len()).map(react).collect();
        assert_eq!(bodies.len(), EMOJIS.len());
        assert_eq!(react(EMOJIS.len()), None);
    }

    #[test]
    fn nothing_but_its_creation_can_be_asked_of_a_group_that_is_not_made() {
        assert!(of(&Deed::Leave, None, 7, &[]).is_none());
        assert!(of(&Deed::Create { invite: Vec::new() }, None, 7, &[]).is_some());
        assert!(call(&Deed::Say).is_none());
    }
}
