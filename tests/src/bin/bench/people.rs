//! People who were never registered: their rows are written straight into a store, and their tokens derived from its key.
//! So ten thousand of them are there in a second, and an account can have more devices than anybody may link.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use denrei_gateway::token::{DeviceToken, TokenKey, TokenKind};
use denrei_model::clock::{Clock as _, SystemClock, Timestamp};
use denrei_model::id::{AccountId, DeviceId, LogId};
use denrei_model::operation::Profile;
use denrei_model::position::{Place, Revision};
use denrei_model::row::{AccountKey, AccountRow, Change, DeviceKey, DeviceRow, HeadKey, HeadRow};
use denrei_model::shard::{Shard, ShardMap};
use denrei_model::tag::Tag;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use denrei_storage::shard::{Batch, CommitListener, Lost, ShardStore as _};

/// As a node makes its store; it refuses one made otherwise.
const SHARDS: u16 = 256;
const SEED: u64 = 0x6465_6e72_6569;
/// The key of the node, and what all tokens belong to.
const KEY: [u8; 32] = [7; 32];
const FAMILY: [u8; 16] = [9; 16];
/// A year: nobody needs a new token while a benchmark runs.
const GOOD_FOR: std::time::Duration = std::time::Duration::from_secs(31_536_000);
/// Rows of one commit.
const ROWS: usize = 1_000;

/// A device that is signed in.
pub(crate) struct Device {
    /// Whose it is.
    pub(crate) account: AccountId,
    /// Its access token.
    pub(crate) token: String,
    /// The path of its stream, from the beginning of the log.
    pub(crate) stream: String,
}

/// Nobody waits for these commits: closing the store does.
struct Deaf;

impl CommitListener for Deaf {
    fn committed(&self, _: Place) {}

    fn lost(&self, _: Lost) {}
}

/// Makes a store with one account per entry that has so many devices. All devices, account after account.
pub(crate) async fn plant(data_dir: &Path, devices: &[usize]) -> anyhow::Result<Vec<Device>> {
    std::fs::create_dir_all(data_dir)?;
    let secret: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(data_dir.join("secret.key"), secret)?;
    let store = EmbeddedStore::open(&EmbeddedOptions::at(data_dir), SHARDS, SEED)?;
    let shards = ShardMap::new(SHARDS, SEED);
    let (now, incarnation) = (SystemClock::new().now(), store.incarnation());
    let mut planted = Vec::new();
    let mut rows: HashMap<Shard, Vec<Change>> = HashMap::new();
    for (number, &count) in devices.iter().enumerate() {
        let account = AccountId::derived("bench", &[&number.to_be_bytes()]);
        let changes = rows.entry(shards.of_account(account)).or_default();
        let log_id = account_rows(account, now, changes);
        let shown = log_id.shown(&incarnation);
        let stream = format!("/v1/stream?log_id={shown}&revision=0&tag={}", Tag::genesis(log_id));
        for device in 0..count {
            let token = device_row((account, device), now, changes);
            planted.push(Device { account, token, stream: stream.clone() });
        }
    }
    for (shard, changes) in rows {
        let claim = store.claim(shard, Arc::new(Deaf)).await?;
        for part in changes.chunks(ROWS) {
            store.enqueue(shard, claim.epoch, &Batch { changes: part.to_vec(), ..Batch::default() })?;
        }
    }
    store.close();
    Ok(planted)
}

fn account_rows(account: AccountId, now: Timestamp, changes: &mut Vec<Change>) -> LogId {
    let log_id = LogId::derived("log", &[account.as_bytes()]);
    let (revision, tag, first) = (Revision::ZERO, Tag::genesis(log_id), Revision::ZERO);
    changes.push(Change::put(HeadKey { account }, HeadRow { log_id, revision, tag, first }));
    let profile = Profile { name: "bench".to_owned(), ..Profile::default() };
    let row = AccountRow { created_at: now.as_millis(), profile, devices: 1, ..AccountRow::default() };
    changes.push(Change::put(AccountKey { account }, row));
    log_id
}

fn device_row((account, number): (AccountId, usize), now: Timestamp, changes: &mut Vec<Change>) -> String {
    let device = DeviceId::derived("bench", &[&number.to_be_bytes()]);
    let row = DeviceRow {
        name: "bench".to_owned(),
        platform: "bench".to_owned(),
        created_at: now.as_millis(),
        family: FAMILY.to_vec().into(),
        access_until: now.plus(GOOD_FOR).as_millis(),
        used: true,
        seen_day: now.day().number(),
        ..DeviceRow::default()
    };
    changes.push(Change::put(DeviceKey { account, device }, row));
    let key = TokenKey::new(KEY);
    DeviceToken::derive(&key, TokenKind::Access, (account, device), &FAMILY, 0).to_text()
}
