//! `GET /debug/accounts/{account}/operations`: a stretch of an account's log as it is stored, and whether its tags hold.

use actix_web::web::{Data, Json, Path};
use denrei_model::id::AccountId;
use denrei_model::operation::{Payload, StoredOperation};
use denrei_model::position::Revision;
use denrei_model::row::{HeadKey, HeadRow, Key, KeyRange, OpKey, OpRow};
use denrei_model::tag::Tag;
use denrei_storage::shard::{Fetch, Scan};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::Debug;
use super::account::HeadView;
use super::bound::limit;
use crate::problem::{Code, Problem};
use crate::request::Query;

/// Which stretch is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StretchQuery {
    /// From this revision on; if absent, the last ones.
    from: Option<Revision>,
    /// At most so many, 1 to 1,000; 100 if absent.
    limit: Option<usize>,
}

/// A stretch of a log.
#[derive(Serialize)]
pub(super) struct Stretch {
    account: AccountId,
    head: HeadView,
    operations: Vec<OperationView>,
    /// For `?from=` of what follows; absent at the head.
    next: Option<Revision>,
}

/// An operation as it is stored, but for what a message says.
#[derive(Serialize)]
struct OperationView {
    revision: Revision,
    tag: Tag,
    /// Whether the tag follows from the operation before it; absent if that is not in the store.
    chained: Option<bool>,
    stored_bytes: usize,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Known {
        created_at: u64,
        #[serde(flatten)]
        payload: Box<Payload>,
    },
    Unknown {
        error: String,
    },
}

/// Shows it.
pub(super) async fn list(
    account: Path<AccountId>,
    query: Query<StretchQuery>,
    debug: Data<Debug>,
) -> Result<Json<Stretch>, Problem> {
    let (account, limit) = (*account, limit(query.0.limit)?);
    let moment = debug.gateway.reader.snapshot().await?;
    let fetch = Fetch { keys: vec![HeadKey { account }.into()], scans: Vec::new() };
    let head = moment.fetch(fetch).await?.row::<HeadKey>(0).cloned();
    let missing = || Problem::new(Code::NotFound).detail(format!("the account {account} has no log"));
    let head = head.ok_or_else(missing)?;
    let last_ones = head.revision.next().get().saturating_sub(limit as u64).max(1);
    let from = query.0.from.unwrap_or_else(|| Revision::new(last_ones));
    let key = |revision| OpKey { account, revision };
    // What lies beyond the head, which must be nothing, is shown too.
    let range = KeyRange::new(key(from), key(Revision::MAX));
    let fetch = Fetch { keys: vec![key(from.prev()).into()], scans: vec![Scan::forward(range, limit)] };
    let fetched = moment.fetch(fetch).await?;
    let mut before = fetched.row::<OpKey>(0).map(|row| (from.prev(), row.tag));
    let mut operations = Vec::new();
    for (key, row) in fetched.scan::<OpKey>(0) {
        let Key::Op(key) = key else { continue };
        operations.push(view(key.revision, row, &head, before));
        before = Some((key.revision, row.tag));
    }
    let next = operations.last().map(|last| last.revision.next()).filter(|next| *next <= head.revision);
    Ok(Json(Stretch { account, head: HeadView::of(&debug.gateway, &head), operations, next }))
}

fn view(revision: Revision, row: &OpRow, head: &HeadRow, before: Option<(Revision, Tag)>) -> OperationView {
    let content = match StoredOperation::decode(row.stored.clone()) {
        Ok(StoredOperation { created_at, payload: Some(payload), .. }) => {
            Content::Known { created_at, payload: Box::new(without_text(payload)) }
        }
        Ok(_) => Content::Unknown { error: "of a kind that this node does not know".to_owned() },
        Err(error) => Content::Unknown { error: error.to_string() },
    };
    let chained = chained(revision, row, head, before);
    OperationView { revision, tag: row.tag, chained, stored_bytes: row.stored.len(), content }
}

/// A log may begin anew at its first revision, with the tag of a log that is empty; what was before that says nothing.
fn chained(revision: Revision, row: &OpRow, head: &HeadRow, before: Option<(Revision, Tag)>) -> Option<bool> {
    let follows = |tag: Tag| tag.chain(&row.stored) == row.tag;
    let begins = revision == head.first.max(Revision::new(1));
    if begins && follows(Tag::genesis(head.log_id)) {
        return Some(true);
    }
    let (_, tag) = before.filter(|(before, _)| before.next() == revision && !begins)?;
    Some(follows(tag))
}

/// What a message says is nobody's business here; that also hides what was taken back.
fn without_text(mut payload: Payload) -> Payload {
    if let Some(message) = payload.message_mut() {
        message.content = None;
        message.reply_to = None;
        message.mentions.clear();
        message.reactions.clear();
    }
    payload
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use denrei_model::id::LogId;

    use super::*;

    fn log() -> LogId {
        LogId::derived("t", &[b"log"])
    }

    /// An operation after one with this tag.
    fn op(before: Tag, stored: &'static [u8]) -> OpRow {
        OpRow { tag: before.chain(stored), stored: Bytes::from_static(stored) }
    }

    fn head(first: u64) -> HeadRow {
        HeadRow { log_id: log(), first: Revision::new(first), ..HeadRow::default() }
    }

    #[test]
    fn an_operation_is_chained_to_the_one_before_it_or_to_the_beginning_of_the_log() {
        let genesis = Tag::genesis(log());
        let one = op(genesis, b"one");
        let two = op(one.tag, b"two");
        let damaged = OpRow { stored: Bytes::from_static(b"tow"), ..two };
        let after_one = Some((Revision::new(1), one.tag));
        for (what, revision, row, first, before, expected) in [
            ("the first", 1, &one, 0, None, Some(true)),
            ("the next", 2, &two, 0, after_one, Some(true)),
            ("a damaged one", 2, &damaged, 0, after_one, Some(false)),
            ("one after a hole", 3, &two, 0, after_one, None),
            ("the first that was not trimmed", 2, &two, 2, None, None),
            ("the first of a log that began anew", 7, &one, 7, Some((Revision::new(6), two.tag)), Some(true)),
        ] {
            assert_eq!(chained(Revision::new(revision), row, &head(first), before), expected, "{what}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_with_the_reason() {
        let row = op(Tag::genesis(log()), b"\xff");
        let shown = serde_json::to_value(view(Revision::new(1), &row, &head(0), None)).unwrap();
        assert!(shown["error"].is_string(), "{shown}");
        assert_eq!(shown["stored_bytes"], 1);
    }
}
