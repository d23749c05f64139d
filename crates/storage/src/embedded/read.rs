//! Reading rows, numbers and records from one moment of the engine.

use std::sync::Arc;

use denrei_model::position::RecordNumber;
use denrei_model::row::{
    HighWaterKey, InboxKey, Key, KeyRange, OutNumberKey, Row, RowError, Table, TableKey,
};
use denrei_model::shard::Shard;
use fjall::{Readable as _, Snapshot};

use super::error::read_error;
use super::spaces::{Space, Spaces};
use crate::shard::{Counters, Fetch, Fetched, PendingRecord, ReadError, Scan};

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn damaged(error: RowError) -> ReadError {
    ReadError::Damaged(error.to_string())
}

fn encoded(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(48);
    key.encode(&mut bytes);
    bytes
}

/// Reads all of it.
pub(super) fn fetch(snapshot: &Snapshot, spaces: &Spaces, fetch: &Fetch) -> Result<Fetched, ReadError> {
    let rows = fetch.keys.iter().map(|key| get(snapshot, spaces, key)).collect::<Result<_, _>>()?;
    let scans = fetch.scans.iter().map(|range| scan(snapshot, spaces, range)).collect::<Result<_, _>>()?;
    Ok(Fetched { rows, scans })
}

fn get(snapshot: &Snapshot, spaces: &Spaces, key: &Key) -> Result<Option<Arc<Row>>, ReadError> {
    let table = key.table();
    let value = snapshot.get(spaces.get(Space::of(table)), encoded(key)).map_err(read_error)?;
    value.map(|value| Row::decode(table, &value).map(Arc::new).map_err(damaged)).transpose()
}

fn scan(snapshot: &Snapshot, spaces: &Spaces, scan: &Scan) -> Result<Vec<(Key, Arc<Row>)>, ReadError> {
    let table = scan.range.from.table();
    let Some((from, to)) = bounds(&scan.range) else { return Ok(Vec::new()) };
    let mut rows = snapshot.range(spaces.get(Space::of(table)), from..to);
    let next = || if scan.reverse { rows.next_back() } else { rows.next() };
    std::iter::from_fn(next)
        .take(scan.limit)
        .map(|row| {
            let (key, value) = row.into_inner().map_err(read_error)?;
            let key = Key::decode(&key).map_err(damaged)?;
            Ok((key, Arc::new(Row::decode(table, &value).map_err(damaged)?)))
        })
        .collect()
}

/// The range in bytes, within its first key's table; `None` if nothing can lie in it.
fn bounds(range: &KeyRange) -> Option<(Vec<u8>, Vec<u8>)> {
    let table = range.from.table();
    let to = if range.to.table() == table { encoded(&range.to) } else { vec![table.number() + 1] };
    let from = encoded(&range.from);
    (range.from < range.to && from < to).then_some((from, to))
}

/// The numbers of a shard.
pub(super) fn counters(snapshot: &Snapshot, spaces: &Spaces, shard: Shard) -> Result<Counters, ReadError> {
    let out = numbers(snapshot, spaces, Table::OutNumber, shard)?;
    let high_water = numbers(snapshot, spaces, Table::HighWater, shard)?;
    Ok(Counters { out, high_water })
}

fn numbers(
    snapshot: &Snapshot,
    spaces: &Spaces,
    table: Table,
    shard: Shard,
) -> Result<Vec<(Shard, RecordNumber)>, ReadError> {
    let [high, low] = shard.get().to_be_bytes();
    snapshot
        .prefix(spaces.get(Space::Inbox), [table.number(), high, low])
        .map(|row| {
            let (key, value) = row.into_inner().map_err(read_error)?;
            let other = match Key::decode(&key).map_err(damaged)? {
                Key::OutNumber(key) => key.to,
                Key::HighWater(key) => key.from,
                other => return Err(ReadError::Damaged(format!("{other:?} among numbers"))),
            };
            match Row::decode(table, &value).map_err(damaged)? {
                Row::OutNumber(row) | Row::HighWater(row) => Ok((other, RecordNumber::new(row.value))),
                other => Err(ReadError::Damaged(format!("{other:?} among numbers"))),
            }
        })
        .collect()
}

/// Records from one shard to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) to: Shard,
    pub(super) from: Shard,
    pub(super) after: RecordNumber,
    pub(super) limit: usize,
}

/// The records that wait, in order.
pub(super) fn pending(
    snapshot: &Snapshot,
    spaces: &Spaces,
    asked: Pending,
) -> Result<Vec<PendingRecord>, ReadError> {
    let Pending { to, from, after, limit } = asked;
    if after == RecordNumber::MAX {
        return Ok(Vec::new());
    }
    let range = KeyRange::new(
        InboxKey { to, from, number: after.next() },
        InboxKey { to, from, number: RecordNumber::MAX },
    );
    let rows = scan(snapshot, spaces, &Scan::forward(range, limit))?;
    let records = rows.iter().filter_map(|(key, row)| match (key, InboxKey::row(row)) {
        (Key::Inbox(key), Some(row)) => {
            Some(PendingRecord { from, number: key.number, record: row.record.clone() })
        }
        _ => None,
    });
    Ok(records.collect())
}

/// The shards whose last record to `to` is above what it has applied. Numbers are compared instead of looking for
/// records, since the inbox is full of rows that have gone.
pub(super) fn sources(
    snapshot: &Snapshot,
    spaces: &Spaces,
    to: Shard,
    shards: u16,
) -> Result<Vec<Shard>, ReadError> {
    let number = |key: &Key| -> Result<u64, ReadError> {
        Ok(get(snapshot, spaces, key)?.map_or(0, |row| match &*row {
            Row::OutNumber(row) | Row::HighWater(row) => row.value,
            _ => 0,
        }))
    };
    let mut sources = Vec::new();
    for from in (0..shards).map(Shard::new) {
        let out = number(&OutNumberKey { from, to }.into())?;
        if out > 0 && out > number(&HighWaterKey { to, from }.into())? {
            sources.push(from);
        }
    }
    Ok(sources)
}
