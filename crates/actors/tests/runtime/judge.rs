//! The guarantees, as questions to what is stored, what was pushed and what was answered.

use std::collections::{BTreeMap, BTreeSet};

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::{Membership, Payload, StoredOperation};
use denrei_model::position::{RecordNumber, Revision, Seq};
use denrei_model::row::{
    AccountChatKey, ChatKey, DeadLetterKey, HeadKey, HighWaterKey, InboxKey, Key, MessageKey, OutNumberKey,
};
use denrei_model::shard::Shard;
use denrei_model::tag::Tag;
use prost::Message as _;

use super::client::{Chat, Client, View, comparable, snapshot};
use super::stage::{Pushed, Stage, account};

/// A person's log as payloads. H1 and H7: revisions 1, 2, 3 … to the head, tags chained over the stored bytes.
pub(crate) async fn payloads(stage: &Stage, number: u8) -> Vec<Payload> {
    let head = stage.row(HeadKey { account: account(number) }).await.unwrap();
    let mut tag = Tag::genesis(head.log_id);
    let mut payloads = Vec::new();
    for (index, row) in stage.log(number).await.into_iter().enumerate() {
        let stored = StoredOperation::decode(row.stored.clone()).unwrap();
        assert_eq!(stored.revision, Revision::new(index as u64 + 1), "H1: a log without gaps");
        tag = tag.chain(&row.stored);
        assert_eq!(tag, row.tag, "H2: tags are chained");
        payloads.push(stored.payload.unwrap());
    }
    assert_eq!(
        (head.revision.get(), head.tag),
        (payloads.len() as u64, tag),
        "H7: the head is where the log ends"
    );
    payloads
}

/// H2 and H6: what was pushed is what is stored, whatever crashed meanwhile.
pub(crate) async fn pushes_stand(stage: &Stage, people: u8, pushed: &Pushed) {
    let mut logs = BTreeMap::new();
    for number in 1..=people {
        let head = stage.row(HeadKey { account: account(number) }).await.unwrap();
        logs.insert(head.log_id.shown(&[1; 16]), stage.log(number).await);
    }
    for ((log_id, revision), operation) in pushed {
        let log = logs.get(log_id).expect("a push of a log that is not there");
        let row = log.get(revision.get() as usize - 1).expect("H6: what was pushed survives");
        let stored = StoredOperation::decode(row.stored.clone()).unwrap();
        let payload = serde_json::to_value(stored.payload.unwrap()).unwrap();
        assert_eq!(payload["payload"], operation["payload"], "H2: one payload per revision");
        assert_eq!(serde_json::json!(row.tag), operation["tag"], "H2: one tag per revision");
    }
}

/// The seq that an operation gives an event of a chat.
fn event(payload: &Payload) -> Option<(ChatId, Seq)> {
    Some(match payload {
        Payload::SendMessage(sent) => (sent.message.chat, sent.message.seq),
        Payload::ReceiveMessage(received) => (received.message.chat, received.message.seq),
        Payload::UnsendMessage(unsent) | Payload::NotifiedUnsendMessage(unsent) => {
            (unsent.chat, unsent.version)
        }
        Payload::SendReaction(reacted) | Payload::NotifiedSendReaction(reacted) => {
            (reacted.chat, reacted.version)
        }
        other => return changed(other),
    })
}

fn changed(payload: &Payload) -> Option<(ChatId, Seq)> {
    let value = serde_json::to_value(payload).unwrap();
    let of = &value["payload"];
    let chat = of["chat"].as_str().filter(|_| !of["by"].is_null())?;
    Some((chat.parse().unwrap(), Seq::new(of["seq"].as_u64().unwrap())))
}

/// H3, H4, H5 of everyone's log.
pub(crate) async fn messages_stand(stage: &Stage, people: u8) {
    let mut keys: BTreeMap<(AccountId, String), BTreeSet<(ChatId, Seq)>> = BTreeMap::new();
    for number in 1..=people {
        let me = account(number);
        let mut last: BTreeMap<ChatId, Seq> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for payload in payloads(stage, number).await {
            if let Some((chat, seq)) = event(&payload) {
                let before = last.insert(chat, seq).unwrap_or_default();
                assert!(
                    before < seq,
                    "H5: seqs of {chat} rise with the revisions of {me}: {before} then {seq}"
                );
            }
            match payload {
                Payload::SendMessage(sent) => {
                    let place = (sent.message.chat, sent.message.seq);
                    if let Some(key) = sent.key {
                        keys.entry((me, key)).or_default().insert(place);
                    }
                    assert!(seen.insert(place), "H3: {place:?} is twice in the log of {me}");
                }
                Payload::ReceiveMessage(received) => {
                    let place = (received.message.chat, received.message.seq);
                    assert!(seen.insert(place), "H3: {place:?} is twice in the log of {me}");
                }
                _ => {}
            }
        }
        everyone_has(stage, me, &seen).await;
    }
    for (key, places) in keys {
        assert_eq!(places.len(), 1, "H4: one seq per key: {key:?}");
    }
}

/// H3: of every chat, an account has just the messages that it may see.
async fn everyone_has(stage: &Stage, me: AccountId, seen: &BTreeSet<(ChatId, Seq)>) {
    let key = |chat| AccountChatKey { account: me, chat };
    for (row_key, row) in stage.rows(key(ChatId::default()), key(ChatId::MAX)).await {
        let Key::AccountChat(AccountChatKey { chat, .. }) = row_key else { unreachable!() };
        let key = |seq| MessageKey { chat, seq };
        for (_, stored) in stage.rows(key(Seq::ZERO), key(Seq::MAX)).await {
            let seq = stored.message.seq;
            let has = seen.contains(&(chat, seq));
            assert_eq!(has, row.sees(seq), "H3: message {seq} of {chat} in the log of {me}");
        }
        if row.membership == Membership::Joined {
            let last = stage.row(ChatKey { chat }).await.unwrap().last;
            assert_eq!(row.applied, last, "H3: {me} has applied all of {chat}");
        }
    }
}

/// Numbers agree on both sides, nothing is left in an inbox, no record was given up.
pub(crate) async fn numbers_stand(stage: &Stage) {
    let (low, high) = (Shard::new(0), Shard::new(u16::MAX));
    let key = |to| InboxKey { to, from: low, number: RecordNumber::ZERO };
    assert_eq!(stage.rows(key(low), key(high)).await, [], "every record is applied");
    let key = |to| DeadLetterKey { to, from: low, number: RecordNumber::ZERO };
    assert_eq!(stage.rows(key(low), key(high)).await, [], "no record was given up");
    let out = stage.rows(OutNumberKey { from: low, to: low }, OutNumberKey { from: high, to: low }).await;
    for (key, number) in out {
        let Key::OutNumber(OutNumberKey { from, to }) = key else { unreachable!() };
        let taken = stage.row(HighWaterKey { to, from }).await;
        assert_eq!(taken, Some(number), "{to} has all of {from}");
    }
}

/// H8: operations lead where a snapshot leads.
pub(crate) async fn clients_agree(stage: &Stage, people: u8) {
    for number in 1..=people {
        let mut client = Client::new(account(number));
        for payload in payloads(stage, number).await {
            client.apply(payload);
        }
        let mut snapshot = snapshot(stage, number).await;
        comparable(&mut client.view, &mut snapshot);
        agree(number, &client.view, &snapshot);
    }
}

/// Piece by piece, so that a failure says what differs.
fn agree(number: u8, client: &View, snapshot: &View) {
    assert_eq!(client.profile, snapshot.profile, "H8: profile of person {number}");
    assert_eq!(client.settings, snapshot.settings, "H8: settings of person {number}");
    assert_eq!(client.contacts, snapshot.contacts, "H8: contacts of person {number}");
    let ids = |view: &View| view.chats.keys().copied().collect::<Vec<_>>();
    assert_eq!(ids(client), ids(snapshot), "H8: chats of person {number}");
    for (id, chat) in &client.chats {
        let other = &snapshot.chats[id];
        assert_eq!(chat.messages, other.messages, "H8: messages of {id} for person {number}");
        let bare = |chat: &Chat| Chat { messages: BTreeMap::new(), ..chat.clone() };
        assert_eq!(bare(chat), bare(other), "H8: {id} for person {number}");
    }
}

/// All of them, once everything has come to rest.
pub(crate) async fn all_stand(stage: &Stage, people: u8) {
    numbers_stand(stage).await;
    messages_stand(stage, people).await;
    pushes_stand(stage, people, &stage.pushed()).await;
    clients_agree(stage, people).await;
}
