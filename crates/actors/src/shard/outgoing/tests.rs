//! Nothing leaves before the last ticket that it may have seen is durable.

use denrei_model::id::AccountId;
use denrei_model::position::Place;

use super::{Departure, Outgoing};

fn departure(number: u8) -> Departure {
    Departure { renewed: vec![AccountId::from_bytes([number; 16])], ..Departure::default() }
}

fn left(departures: &[Departure]) -> Vec<u8> {
    departures.iter().map(|departure| departure.renewed[0].as_bytes()[0]).collect()
}

#[test]
fn with_nothing_in_flight_it_leaves_at_once() {
    let mut outgoing = Outgoing::default();
    assert!(outgoing.leave(departure(1)).is_some());
    outgoing.ticket(Place::new(4));
    outgoing.durable(Place::new(4));
    assert!(outgoing.leave(departure(2)).is_some());
}

#[test]
fn what_has_no_ticket_of_its_own_waits_for_the_last_of_the_shard() {
    let mut outgoing = Outgoing::default();
    outgoing.ticket(Place::new(3));
    assert!(outgoing.leave(departure(1)).is_none());
    outgoing.ticket(Place::new(5));
    assert!(outgoing.leave(departure(2)).is_none());
    assert!(outgoing.leave(departure(3)).is_none());
    assert_eq!(left(&outgoing.durable(Place::new(2))), [0_u8; 0]);
    assert_eq!(left(&outgoing.durable(Place::new(4))), [1]);
    assert_eq!(left(&outgoing.durable(Place::new(9))), [2, 3]);
    assert_eq!((outgoing.len(), outgoing.marks()), (0, (Place::new(5), Place::new(9))));
}

#[test]
fn word_of_an_earlier_place_takes_nothing_back() {
    let mut outgoing = Outgoing::default();
    outgoing.ticket(Place::new(3));
    outgoing.durable(Place::new(3));
    outgoing.durable(Place::new(1));
    assert!(outgoing.leave(departure(1)).is_some());
}
