//! The people of a replay: whom they write to is in the file; who has two devices and who is away when is drawn by the seed.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::source::Sent;

/// One in so many has a second device.
const TWO_DEVICES: u32 = 10;
/// One device in so many is away for a long stretch.
const AWAY: u32 = 6;

/// A device of a person.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Part {
    /// From when to when it is away, as parts of the whole replay.
    pub(super) away: Option<(f64, f64)>,
}

/// A person.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Person {
    pub(super) name: String,
    /// One or two.
    pub(super) devices: Vec<Part>,
}

/// Everyone in the file, by name; the same seed gives the same people.
pub(super) fn people(messages: &[Sent], seed: u64) -> Vec<Person> {
    let mut names: BTreeMap<&str, ()> = BTreeMap::new();
    for message in messages {
        names.insert(&message.sender, ());
        names.insert(&message.receiver, ());
    }
    let mut chance = SmallRng::seed_from_u64(seed);
    let person = |name: &str| {
        let count = if chance.random_ratio(1, TWO_DEVICES) { 2 } else { 1 };
        let devices = (0..count).map(|_| part(&mut chance)).collect();
        Person { name: name.to_owned(), devices }
    };
    names.into_keys().map(person).collect()
}

fn part(chance: &mut SmallRng) -> Part {
    let away = chance.random_ratio(1, AWAY).then(|| {
        let from = chance.random_range(0.05..0.6);
        (from, from + chance.random_range(0.15..0.38))
    });
    Part { away }
}
