//! Records of each source are taken in order, each once, and those that are missing are asked for.

use bytes::Bytes;
use denrei_model::position::RecordNumber;
use denrei_model::shard::Shard;
use denrei_storage::shard::{Counters, PendingRecord};

use super::{Arrival, Inbox};

const FROM: Shard = Shard::new(3);

fn record(number: u64) -> PendingRecord {
    PendingRecord { from: FROM, number: RecordNumber::new(number), record: Bytes::new() }
}

fn inbox(high_water: u64) -> Inbox {
    let high_water = vec![(FROM, RecordNumber::new(high_water))];
    Inbox::new(&Counters { out: Vec::new(), high_water })
}

#[test]
fn the_next_is_taken_an_earlier_one_dropped_a_later_one_waited_for() {
    let mut inbox = inbox(4);
    let judged = [4, 5, 6].map(|number| inbox.judge(&record(number)));
    assert_eq!(judged, [Arrival::Repeat, Arrival::Take, Arrival::Early]);
}

#[test]
fn a_record_that_was_taken_comes_once() {
    let mut inbox = inbox(0);
    inbox.taken(&record(1));
    assert_eq!([1, 2].map(|number| inbox.judge(&record(number))), [Arrival::Repeat, Arrival::Take]);
}

#[test]
fn of_an_unknown_source_the_first_comes_first() {
    let mut inbox = Inbox::new(&Counters::default());
    assert_eq!([2, 1].map(|number| inbox.judge(&record(number))), [Arrival::Early, Arrival::Take]);
}

#[test]
fn what_was_heard_of_is_pulled_until_it_is_taken() {
    let mut inbox = inbox(4);
    assert_eq!(inbox.begin_pulls(), []);
    inbox.hear(FROM, RecordNumber::new(6));
    for _ in 0..3 {
        assert_eq!(inbox.begin_pulls(), [(FROM, RecordNumber::new(4))]);
        assert_eq!(inbox.begin_pulls(), [], "one pull at a time");
        inbox.pulled(FROM);
    }
    inbox.taken(&record(5));
    assert_eq!(inbox.begin_pulls(), [(FROM, RecordNumber::new(5))]);
    inbox.pulled(FROM);
    inbox.taken(&record(6));
    assert_eq!(inbox.begin_pulls(), []);
}

#[test]
fn a_rumour_is_looked_into_once() {
    let mut inbox = inbox(4);
    inbox.rumour(FROM);
    assert_eq!(inbox.begin_pulls(), [(FROM, RecordNumber::new(4))]);
    inbox.pulled(FROM);
    assert_eq!(inbox.begin_pulls(), []);
}
