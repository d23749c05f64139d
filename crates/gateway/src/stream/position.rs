//! Whether a device can go on from where it stands, and if not, why.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use denrei_model::clock::Timestamp;
use denrei_model::id::AccountId;
use denrei_model::operation::Category;
use denrei_model::position::Revision;
use denrei_model::row::{HeadKey, HeadRow, OpKey, OpRow};
use denrei_model::tag::Tag;
use denrei_model::wire::{FullSync, FullSyncReason, Position};
use denrei_storage::shard::{Fetch, ReadError, Snapshot};

use crate::state::Gateway;

/// How long a resume token lifts the limit: one FullSync on a slow line.
const RESUME_MS: u64 = 3_600_000;

/// Where the server stands, as devices see it.
pub(super) fn head_position(gateway: &Gateway, head: &HeadRow) -> Position {
    Position { log_id: gateway.shown(head.log_id), revision: head.revision, tag: head.tag }
}

/// The stored head of an account, from one moment.
pub(super) async fn head(moment: &dyn Snapshot, account: AccountId) -> Result<Option<HeadRow>, ReadError> {
    let fetch = Fetch { keys: vec![HeadKey { account }.into()], scans: Vec::new() };
    Ok(moment.fetch(fetch).await?.row::<HeadKey>(0).cloned())
}

/// Judges a device's position against the log. `Ok` is where it goes on.
pub(super) async fn judge(
    gateway: &Gateway,
    moment: &dyn Snapshot,
    account: AccountId,
    head: &HeadRow,
    claim: &Claim,
) -> Result<Result<Position, FullSyncReason>, ReadError> {
    let Some(position) = claim.position else { return Ok(Err(FullSyncReason::Initialization)) };
    let resumes = claim.resume.as_deref().is_some_and(|token| resumes(gateway, account, position, token));
    let options = &gateway.options;
    let limit = if resumes { options.max_behind_resuming } else { options.max_behind };
    let fetch =
        Fetch { keys: vec![OpKey { account, revision: position.revision }.into()], scans: Vec::new() };
    let fetched = moment.fetch(fetch).await?;
    let op = fetched.row::<OpKey>(0);
    let reason = reason(gateway, head, position, op, limit.get());
    Ok(reason.map_or(Ok(position), Err))
}

/// What a device says of itself.
#[derive(Clone, Default)]
pub(super) struct Claim {
    pub(super) position: Option<Position>,
    pub(super) resume: Option<String>,
}

fn reason(
    gateway: &Gateway,
    head: &HeadRow,
    position: Position,
    op: Option<&OpRow>,
    limit: u64,
) -> Option<FullSyncReason> {
    if position.log_id != gateway.shown(head.log_id) || position.revision > head.revision {
        return Some(FullSyncReason::Continuity);
    }
    let genesis = Tag::genesis(head.log_id);
    let tag = if position.revision == head.revision {
        Some(head.tag)
    } else if position.revision == Revision::ZERO || position.revision.next() == head.first {
        // The log begins after this revision: it was never longer, or it was begun anew here.
        (head.first <= position.revision.next()).then_some(genesis)
    } else {
        op.map(|op| op.tag)
    };
    if position.revision.next() < head.first {
        return Some(FullSyncReason::Gap);
    }
    match tag {
        // A trimmed log no longer knows the tag before its first operation.
        Some(tag)
            if tag != position.tag
                && position.revision.next() == head.first
                && head.first > Revision::new(1) =>
        {
            Some(FullSyncReason::Gap)
        }
        Some(tag) if tag != position.tag => Some(FullSyncReason::Continuity),
        None => Some(FullSyncReason::Hole),
        Some(_) if head.revision.get() - position.revision.get() > limit => Some(FullSyncReason::Gap),
        Some(_) => None,
    }
}

/// The frame that sends a device to the snapshots.
pub(super) fn full_sync(
    gateway: &Gateway,
    account: AccountId,
    head: &HeadRow,
    reason: FullSyncReason,
) -> FullSync {
    let position = head_position(gateway, head);
    let until = gateway.clock.now().as_millis() + RESUME_MS;
    let resume_token = resume_token(gateway, account, position, until);
    FullSync { reason, categories: Category::ALL.to_vec(), position, resume_token }
}

fn resume_token(gateway: &Gateway, account: AccountId, position: Position, until: u64) -> String {
    let parts = [
        account.as_bytes().as_slice(),
        position.log_id.as_bytes(),
        &position.revision.get().to_be_bytes(),
        &until.to_be_bytes(),
    ];
    let mut bytes = until.to_be_bytes().to_vec();
    bytes.extend(gateway.key.seal("resume", &parts).iter().take(16));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether the token was given for this very position and is still good.
fn resumes(gateway: &Gateway, account: AccountId, position: Position, token: &str) -> bool {
    let decoded = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let Some((until, _)) = decoded.split_first_chunk::<8>() else { return false };
    let until = u64::from_be_bytes(*until);
    Timestamp::from_millis(until) > gateway.clock.now()
        && resume_token(gateway, account, position, until) == token
}
