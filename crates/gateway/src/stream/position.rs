//! Whether a device can go on from where it stands, and if not, why.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use denrei_model::clock::Timestamp;
use denrei_model::id::{AccountId, LogId};
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
    let resume_token = Resume { from: position.revision, until }.seal(gateway, account, position.log_id);
    FullSync { reason, categories: Category::ALL.to_vec(), position, resume_token }
}

/// What a resume token says: whoever follows this log from this revision on, page after page, may miss more than others.
#[derive(Clone, Copy)]
struct Resume {
    from: Revision,
    /// Milliseconds since the epoch.
    until: u64,
}

impl Resume {
    fn seal(self, gateway: &Gateway, account: AccountId, log_id: LogId) -> String {
        let (from, until) = (self.from.get().to_be_bytes(), self.until.to_be_bytes());
        let parts = [account.as_bytes().as_slice(), log_id.as_bytes(), &from, &until];
        let mut bytes = [until, from].concat();
        bytes.extend(gateway.key.seal("resume", &parts).iter().take(16));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(token: &str) -> Option<Self> {
        let decoded = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (until, rest) = decoded.split_first_chunk::<8>()?;
        let (from, _) = rest.split_first_chunk::<8>()?;
        Some(Self { from: Revision::new(u64::from_be_bytes(*from)), until: u64::from_be_bytes(*until) })
    }
}

/// Whether the token was given for this log, at this position or before it, and is still good.
fn resumes(gateway: &Gateway, account: AccountId, position: Position, token: &str) -> bool {
    Resume::read(token).is_some_and(|resume| {
        Timestamp::from_millis(resume.until) > gateway.clock.now()
            && resume.from <= position.revision
            && resume.seal(gateway, account, position.log_id) == token
    })
}
