//! How much is known of what earlier owners left, and what is not passed although it is not known.

use bytes::Bytes;

use super::*;

const BOUNDS: Bounds = Bounds { fronts: 4, behind: 4 };

fn key(n: u64) -> KeyHash {
    KeyHash::of(&Bytes::from(n.to_string()))
}

fn id(offset: u64) -> TimerId {
    TimerId { offset: Offset(offset), attempt: 0 }
}

fn row(offset: u64) -> TimerRow {
    TimerRow { id: id(offset), due: Timestamp::from_millis(offset), payload: Bytes::new() }
}

/// Takes in what is left of twenty fronts of a key each.
fn recall(held: &mut Held, left: std::ops::Range<u64>) {
    left.for_each(|n| held.recall_front(key(n), &row(n), BOUNDS.fronts));
}

#[test]
fn of_what_was_left_as_much_is_known_as_there_is_room_for_and_the_rest_once_half_of_it_is_free() {
    let mut held = Held::default();
    recall(&mut held, 0..20);
    let mut gone = 0;
    let mut rounds = 0;
    while held.is_partial() {
        assert!(held.len() <= BOUNDS.fronts, "{} are known", held.len());
        rounds += 1;
        assert!(!held.take_rest(BOUNDS), "there is no room yet");
        while !held.take_rest(BOUNDS) {
            assert_eq!(held.fired(id(gone)), Some(key(gone)));
            assert!(matches!(held.ended(key(gone), Offset(gone)), Next::Nothing));
            gone += 1;
        }
        recall(&mut held, gone..20);
    }
    assert_eq!((held.len(), rounds), (4, 8), "each time another two were found");
    assert!(held.holds_back(key(19), Offset(99)));
}

#[test]
fn what_is_behind_does_not_pass_a_front_that_was_left_out() {
    let mut held = Held::default();
    (100..120).for_each(|offset| held.recall_behind(key(7), id(offset), BOUNDS.behind));
    assert!(held.is_partial() && held.parked == 4);
    (10..20).for_each(|offset| held.recall_front(key(offset), &row(offset), BOUNDS.fronts));
    // Of a key with something behind it one is known in any case, and that there are more.
    (20..25).for_each(|offset| held.recall_front(key(7), &row(offset), BOUNDS.fronts));
    assert_eq!(held.keys.get(&key(7)).map(|key| key.fronts.len()), Some(1));
    assert!(held.orphans().is_empty());
    assert!(!held.take_rest(BOUNDS), "there is no room yet");
    assert_eq!(held.fired(id(20)), Some(key(7)));
    assert!(matches!(held.ended(key(7), Offset(20)), Next::Nothing), "four others are in front of it");
    assert!(held.orphans().is_empty());
    assert!(held.take_rest(BOUNDS), "room or not: a key waits for them");
    held.put_off_rest();
    assert!(held.orphans().is_empty(), "nor if nobody could look for them");
    assert!(held.take_rest(BOUNDS));
    (21..25).for_each(|offset| held.recall_front(key(7), &row(offset), BOUNDS.fronts));
    assert!(held.orphans().is_empty());
    assert_eq!(held.fired(id(10)), Some(key(10)));
    assert!(matches!(held.ended(key(10), Offset(10)), Next::Nothing));
    assert!(!held.knows(key(10)), "what has nothing behind it is forgotten");
}

#[test]
fn what_was_left_out_is_looked_for_once_when_there_may_be_more_room() {
    let more = |fronts, behind| Bounds { fronts, behind };
    let mut held = Held::default();
    held.bounded_by(BOUNDS);
    recall(&mut held, 0..20);
    assert!(!held.take_rest(BOUNDS));
    assert!(!held.take_rest(more(4, 9)), "there is none for what was left out");
    assert!(held.take_rest(more(5, 9)));
    (0..20).for_each(|n| held.recall_front(key(n), &row(n), 5));
    assert!(held.is_partial() && held.len() == 5);
    assert!(!held.take_rest(more(5, 9)) && !held.take_rest(more(3, 9)));
    (100..120).for_each(|offset| held.recall_behind(key(1), id(offset), 9));
    assert!(held.take_rest(more(3, 10)));
}

#[test]
fn a_front_that_waits_again_and_finds_no_room_is_left_out_if_nothing_is_known_behind_it() {
    let mut held = Held::default();
    (0..7).for_each(|n| held.hold(key(n), Offset(n)));
    held.put_behind(key(0), id(100));
    held.hold(key(1), Offset(101));
    for n in [0, 1] {
        assert!(!held.leave_out(key(n), Offset(n), BOUNDS.fronts), "there is more of its key");
    }
    assert!(!held.leave_out(key(2), Offset(99), BOUNDS.fronts), "another is in front");
    for n in 2..5 {
        assert!(!held.is_partial() || n > 2);
        assert!(held.leave_out(key(n), Offset(n), BOUNDS.fronts));
        assert!(held.is_partial() && !held.knows(key(n)));
    }
    assert!(!held.leave_out(key(5), Offset(5), BOUNDS.fronts), "there is room");
    assert_eq!(held.len(), BOUNDS.fronts);
}

#[test]
fn a_front_that_was_left_out_does_not_stop_reading_until_half_of_the_others_are_gone() {
    let bounds = Bounds { fronts: 10, behind: 10 };
    let mut held = Held::default();
    (0..11).for_each(|n| held.hold(key(n), Offset(n)));
    assert!(held.leave_out(key(10), Offset(10), bounds.fronts));
    assert!((0..2 * MOST_LOOKS).all(|_| !held.take_rest(bounds)), "there is no room for it");
    assert!(matches!(held.ended(key(9), Offset(9)), Next::Nothing));
    assert!((1..MOST_LOOKS).all(|_| !held.take_rest(bounds)), "looking is dear");
    assert!(held.take_rest(bounds) && !held.is_partial());
    held.recall_front(key(11), &TimerRow { id: id(11), due: NEVER, payload: Bytes::new() }, 9);
    assert!(held.is_partial() && !held.take_rest(bounds), "it begins anew");
}

#[test]
fn what_is_on_its_way_to_the_front_is_not_found_behind_it_once_more() {
    let mut held = Held::default();
    held.hold(key(7), Offset(1));
    (2..4).for_each(|offset| held.recall_behind(key(7), id(offset), BOUNDS.behind));
    assert!(matches!(held.ended(key(7), Offset(1)), Next::Parked(next) if next == id(2)));
    // Its timer is there still.
    (2..4).for_each(|offset| held.recall_behind(key(7), id(offset), BOUNDS.behind));
    assert!(matches!(held.ended(key(7), Offset(2)), Next::Parked(next) if next == id(3)));
    assert!(matches!(held.ended(key(7), Offset(3)), Next::Nothing));
    assert_eq!((held.parked, held.len()), (0, 0));
}
