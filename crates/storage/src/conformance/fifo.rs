//! Tickets and what listeners hear of them.

use denrei_model::position::Place;

use super::subject::{Heard, Store, Subject, changes, put};

/// Places are given in the order of `enqueue` over all shards.
pub async fn places_are_given_in_the_order_of_the_calls<S: Store>(subject: Subject<S>) {
    let (a, _) = subject.claim(1).await;
    let (b, _) = subject.claim(2).await;
    let mut before = Place::ZERO;
    for number in 0..100 {
        let claim = if number % 3 == 0 { &a } else { &b };
        let ticket = subject.enqueue(claim, &changes(vec![put("n", number)]));
        assert!(ticket.place > before, "{:?} after {before:?}", ticket.place);
        before = ticket.place;
    }
}

/// A listener hears of the tickets of its own claim, in order, and of the last one when all are durable.
pub async fn a_listener_hears_its_own_places_in_order<S: Store>(subject: Subject<S>) {
    let (a, ear_a) = subject.claim(1).await;
    let (b, ear_b) = subject.claim(2).await;
    let (mut places_a, mut places_b) = (Vec::new(), Vec::new());
    for number in 0..300 {
        places_a.push(subject.enqueue(&a, &changes(vec![put("a", number)])).place);
        if number % 7 == 0 {
            places_b.push(subject.enqueue(&b, &changes(vec![put("b", number)])).place);
        }
    }
    for (ear, places) in [(ear_a, places_a), (ear_b, places_b)] {
        ear.wait(*places.last().unwrap()).await;
        let heard = ear.heard();
        let committed: Vec<Place> = heard
            .iter()
            .map(|heard| match heard {
                Heard::Committed(place) => *place,
                Heard::Lost(why) => panic!("{why:?}"),
            })
            .collect();
        assert!(committed.is_sorted_by(|a, b| a < b), "{committed:?}");
        assert!(committed.iter().all(|place| places.contains(place)), "{committed:?} of {places:?}");
    }
}
