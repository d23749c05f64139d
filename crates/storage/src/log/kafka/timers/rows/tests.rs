//! What is there for those who were there, and for those who read it all later.

mod memory;
mod model;
mod pages;
mod random;

use self::memory::Memory;
use self::model::Model;
use super::*;
use crate::log::kafka::timers::record::{OVERRULED, record_of};
use crate::log::{NewRecord, Place, TimerChange};

const ID: TimerId = TimerId { offset: Offset(7), attempt: 0 };

fn row(due: u64, carries: &'static str) -> TimerRow {
    TimerRow { id: ID, due: Timestamp::from_millis(due), payload: carries.into() }
}

/// The records of a log as long as it is not compacted.
fn log(records: impl IntoIterator<Item = NewRecord>) -> Vec<Record> {
    let record = |(offset, new): (u64, NewRecord)| Record {
        offset: Offset(offset),
        timestamp: Timestamp::from_millis(0),
        key: new.key,
        value: new.value,
        headers: new.headers,
    };
    (0..).zip(records).map(record).collect()
}

fn at() -> Place {
    Place::new("t", 0)
}

fn records_of(changes: Vec<TimerChange>) -> Vec<NewRecord> {
    changes.into_iter().map(|change| record_of(&at(), change)).collect()
}

/// Read from the log, and found to be what the model makes of it.
fn read(records: &[Record], was_there: bool) -> Rows<Memory> {
    let (rows, mut model) = (Rows::new(Memory::default()), Model::default());
    for record in records {
        rows.apply(record, was_there).unwrap();
        model.apply(record, was_there);
    }
    judge(&rows, &model);
    rows
}

fn judge<C: Cells>(rows: &Rows<C>, model: &Model) {
    assert_eq!(there(rows), model.list(TimerQuery::first(99)));
    let settling = model.settling();
    assert_eq!(format!("{:?}", all_settling(rows)), format!("{settling:?}"));
    assert_eq!(rows.is_unsettled(), !settling.is_empty());
}

fn there<C: Cells>(rows: &Rows<C>) -> Vec<TimerRow> {
    rows.list(TimerQuery::first(99)).unwrap()
}

fn all_settling<C: Cells>(rows: &Rows<C>) -> Vec<Settling> {
    rows.settling(None, 99, usize::MAX).unwrap()
}

/// What whoever reads the log later may find of it: compaction has come to each of its records, and leaves of those before no
/// more than the last, and not even that if it has been deleted for long.
fn compacted(log: &[Record]) -> Vec<Vec<Record>> {
    let without = |cut: &usize| *cut == 0 || log[cut - 1].value.is_none();
    let gone = (0..=log.len()).filter(without).map(|cut| log[cut..].to_vec());
    (0..log.len()).map(|last| log[last..].to_vec()).chain(gone).collect()
}

/// What is there for somebody who was there when the changes came, once all is settled; and the same for the one who reads
/// it all later, or what compaction leaves.
fn check(changes: Vec<TimerChange>, expect: &[TimerRow]) {
    let mut records = records_of(changes);
    let tailed = read(&log(records.clone()), false);
    assert_eq!(there(&tailed), expect, "tailed");
    assert_eq!(there(&read(&log(records.clone()), true)), expect, "read again, and never settled");
    records.extend(all_settling(&tailed).into_iter().map(|settling| settling.record(&at())));
    let all = log(records);
    let settled = read(&all, false);
    assert_eq!((there(&settled), all_settling(&settled).len()), (expect.to_vec(), 0), "settled");
    for left in compacted(&all) {
        assert_eq!(there(&read(&left, true)), expect, "read again: {left:?}");
    }
}

#[test]
fn a_change_on_a_condition_is_made_if_nothing_came_in_between() {
    let (put, retry) = (row(5, "put"), row(9, "tried"));
    let replace = TimerChange::Replace(put.mark(), retry.clone());
    check(vec![TimerChange::Put(put.clone()), replace], &[retry]);
    check(vec![TimerChange::Put(put.clone()), TimerChange::End(put.version())], &[]);
}

#[test]
fn what_was_put_in_between_outlives_the_end_and_the_next_try_of_what_was_there() {
    let (put, again) = (row(5, "put"), row(5, "put again"));
    let both = [TimerChange::Put(put.clone()), TimerChange::Put(again.clone())];
    for late in [TimerChange::End(put.version()), TimerChange::Replace(put.mark(), row(9, "tried"))] {
        check([&both[..], &[late]].concat(), std::slice::from_ref(&again));
    }
}

#[test]
fn what_has_ended_is_not_brought_back_by_a_change_that_comes_late() {
    let put = row(5, "put");
    for end in [TimerChange::End(put.version()), TimerChange::Delete(ID)] {
        let late = TimerChange::Replace(put.mark(), row(9, "put"));
        check(vec![TimerChange::Put(put.clone()), end, late], &[]);
    }
}

#[test]
fn a_timer_that_was_moved_ends_with_the_task_that_it_had_fired() {
    let (put, moved) = (row(5, "put"), row(9, "put"));
    let changes = vec![TimerChange::Put(put.clone()), TimerChange::Replace(put.mark(), moved)];
    check([changes, vec![TimerChange::End(put.version())]].concat(), &[]);
}

/// Writes whatever can come to one timer, and what settles it: at once, after what comes next, or not before the end.
struct Histories {
    /// How many changes are made.
    most: usize,
    seen: usize,
}

impl Histories {
    /// All that may come after these records. `carried` is all that the timer ever carried, `late` what settles it and is still
    /// on its way.
    fn go_on(&mut self, records: &[NewRecord], made: usize, carried: &[TimerRow], late: &[NewRecord]) {
        if made == self.most {
            return self.check(records, late);
        }
        let new = row(9, ["a", "b", "c", "d", "e", "f"][carried.len()]);
        let mut next = vec![TimerChange::Put(new.clone())];
        if made > 0 {
            next.push(TimerChange::Delete(ID));
        }
        for was in carried {
            let moved = TimerRow { due: Timestamp::from_millis(20), ..was.clone() };
            let replaced = [&new, &moved].map(|by| TimerChange::Replace(was.mark(), by.clone()));
            next.extend(replaced.into_iter().chain([TimerChange::End(was.version())]));
        }
        for change in next {
            let by = change.clone().into_row().filter(|by| by.payload == new.payload);
            let carried: Vec<TimerRow> = carried.iter().cloned().chain(by).collect();
            let records = [records, &records_of(vec![change]), late].concat();
            let settling = settling_of(&records);
            self.go_on(&records, made + 1, &carried, &[]);
            if !settling.is_empty() {
                self.go_on(&records, made + 1, &carried, &settling);
                self.go_on(&[records, settling].concat(), made + 1, &carried, &[]);
            }
        }
    }

    /// Whoever reads what is left once it is settled finds what holds, and whatever he settles changes nothing of it.
    fn check(&mut self, records: &[NewRecord], late: &[NewRecord]) {
        self.seen += 1;
        let is_change = |record: &&NewRecord| !record.headers.iter().any(|header| header.name == OVERRULED);
        let expect = there(&read(&log(records.iter().filter(is_change).cloned()), false));
        assert_eq!(there(&read(&log(records.to_vec()), false)), expect, "settled underway: {records:?}");
        assert_eq!(there(&read(&log(records.to_vec()), true)), expect, "read again: {records:?}");
        let mut records = [records, late].concat();
        loop {
            let settling = settling_of(&records);
            if settling.is_empty() {
                break;
            }
            records.extend(settling);
        }
        let all = log(records.clone());
        assert_eq!(there(&read(&all, false)), expect, "settled: {all:?}");
        for left in compacted(&all) {
            let rows = read(&left, true);
            assert_eq!(there(&rows), expect, "{left:?} of {all:?}");
            let theirs = all_settling(&rows).into_iter().map(|settling| settling.record(&at()));
            let again = log(records.iter().cloned().chain(theirs));
            assert_eq!(there(&read(&again, false)), expect, "{again:?}");
            for left in compacted(&again) {
                assert_eq!(there(&read(&left, true)), expect, "{left:?} of {again:?}");
            }
        }
    }
}

fn settling_of(records: &[NewRecord]) -> Vec<NewRecord> {
    let settling = all_settling(&read(&log(records.to_vec()), false));
    settling.into_iter().map(|settling| settling.record(&at())).collect()
}

#[test]
fn whatever_comes_to_a_timer_and_wherever_compaction_stops_whoever_reads_it_later_finds_what_holds() {
    let mut histories = Histories { most: 4, seen: 0 };
    histories.go_on(&[], 0, &[], &[]);
    assert!(histories.seen > 800, "{}", histories.seen);
}
