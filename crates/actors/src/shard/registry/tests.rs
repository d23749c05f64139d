//! Who stays active, and how long one rests after a panic.

use std::time::Duration;

use denrei_model::id::AccountId;

use super::{MAX_BACK_OFF, Registry};
use crate::entity::EntityRef;
use crate::rows::Rows;

fn entity(number: u8) -> EntityRef {
    EntityRef::Account(AccountId::from_bytes([number; 16]))
}

fn activate(registry: &mut Registry, numbers: &[u8]) {
    for number in numbers {
        let entity = entity(*number);
        let named = entity.core().keys.into_iter().map(|key| (key, None)).collect();
        registry.activate(&entity, &Rows::new(named, Vec::new()));
    }
}

fn active(registry: &Registry) -> Vec<u8> {
    (0..=255).filter(|number| registry.is_active(&entity(*number))).collect()
}

#[actix::test]
async fn the_least_recently_used_goes_first() {
    let mut registry = Registry::new(3);
    activate(&mut registry, &[1, 2, 3]);
    registry.touch(&entity(1));
    activate(&mut registry, &[4]);
    assert_eq!(active(&registry), [1, 3, 4]);
}

#[actix::test]
async fn who_is_waited_for_stays_until_nobody_waits() {
    let mut registry = Registry::new(2);
    registry.pin(&entity(1));
    registry.pin(&entity(1));
    activate(&mut registry, &[1, 2, 3, 4]);
    assert_eq!(active(&registry), [1, 4]);
    registry.unpin(&[entity(1)]);
    activate(&mut registry, &[5]);
    assert!(registry.is_active(&entity(1)), "somebody still waits");
    registry.unpin(&[entity(1)]);
    activate(&mut registry, &[6, 7]);
    assert!(!registry.is_active(&entity(1)));
}

#[actix::test]
async fn those_of_one_turn_may_be_more_than_the_limit_and_go_after_it() {
    let mut registry = Registry::new(2);
    let all = [1, 2, 3, 4, 5].map(entity);
    for entity in &all {
        registry.pin(entity);
    }
    activate(&mut registry, &[1, 2, 3, 4, 5]);
    assert_eq!(active(&registry), [1, 2, 3, 4, 5]);
    registry.unpin(&all);
    assert_eq!(registry.len(), 2);
}

#[actix::test]
async fn the_limit_holds_however_often_some_are_used() {
    let mut registry = Registry::new(8);
    for number in 0..200 {
        activate(&mut registry, &[number]);
        for _ in 0..40 {
            registry.touch(&entity(number));
        }
        assert!(registry.len() <= 9, "{} are active", registry.len());
    }
    assert!(registry.used.len() <= 2 * 9 + 65);
}

#[test]
fn each_panic_makes_the_rest_longer_up_to_a_bound() {
    let mut registry = Registry::new(1);
    let now = Duration::from_secs(100);
    let mut rests = Vec::new();
    for _ in 0..16 {
        registry.panicked(&entity(1), now);
        rests.push(registry.resting_until(&entity(1)).unwrap() - now);
    }
    assert_eq!(rests[..3], [20, 40, 80].map(Duration::from_millis));
    assert!(rests.is_sorted());
    assert_eq!(rests[15], MAX_BACK_OFF);
    registry.recovered(&entity(1));
    assert_eq!(registry.resting_until(&entity(1)), None);
}
