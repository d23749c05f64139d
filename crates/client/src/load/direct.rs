//! 1:1: everyone writes to a few friends, to the nearest most.

use std::rc::Rc;

use denrei_model::id::AccountId;
use denrei_model::wire::message::Recipient;
use rand::Rng as _;
use rand::rngs::SmallRng;

use super::drive::Play;
use super::schedule::Turn;
use crate::device::Device;
use crate::stage::{Errand, Player, Said, Stage};

/// Friends of each, if there are so many people.
const FRIENDS: usize = 8;

/// Who writes to whom.
pub(super) struct Friends {
    people: usize,
    /// Those who are written to every second time, whoever else there is.
    favoured: Vec<usize>,
}

impl Friends {
    /// Of at least two people.
    pub(super) fn new(people: usize, favoured: Vec<usize>) -> Self {
        Self { people: people.max(2), favoured }
    }

    /// A sender and a receiver, who are never the same.
    pub(super) fn draw(&self, chance: &mut SmallRng) -> (usize, usize) {
        if !self.favoured.is_empty() && chance.random_ratio(1, 2) {
            let place = chance.random_range(0..self.favoured.len());
            let to = self.favoured.get(place).copied().unwrap_or_default();
            return ((to + self.step(chance)) % self.people, to);
        }
        let from = chance.random_range(0..self.people);
        (from, (from + self.step(chance)) % self.people)
    }

    /// How far away a friend lives: near ones are met more often.
    fn step(&self, chance: &mut SmallRng) -> usize {
        let farthest = FRIENDS.min(self.people - 1);
        chance.random_range(1..=farthest).min(chance.random_range(1..=farthest))
    }
}

/// People who write to their friends.
pub(super) struct Direct {
    stage: Rc<Stage>,
    /// Everybody's account and the device that they write from, by their number.
    people: Vec<(AccountId, Rc<Device>)>,
    friends: Friends,
    chance: SmallRng,
}

impl Direct {
    pub(super) fn new(stage: &Rc<Stage>, players: &[Player], friends: Friends, chance: SmallRng) -> Self {
        let person = |player: &Player| Some((player.account, Rc::clone(player.sender()?)));
        Self { stage: Rc::clone(stage), people: players.iter().filter_map(person).collect(), friends, chance }
    }
}

impl Play for Direct {
    fn errand(&mut self, turn: Turn) -> Option<(AccountId, Errand)> {
        let (from, to) = self.friends.draw(&mut self.chance);
        let (receiver, _) = self.people.get(to)?;
        let (sender, device) = self.people.get(from)?;
        let number = self.stage.next_message();
        let said = Said { number, to: Recipient::Account(*receiver), due: turn.due, stamped: true };
        let (stage, device) = (Rc::clone(&self.stage), Rc::clone(device));
        Some((*sender, Box::pin(async move { stage.send(&device, said).await.map(drop) })))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng as _;

    use super::*;

    fn drawn(friends: &Friends) -> Vec<(usize, usize)> {
        let mut chance = SmallRng::seed_from_u64(7);
        (0..2_000).map(|_| friends.draw(&mut chance)).collect()
    }

    #[test]
    fn nobody_writes_to_themselves_and_everyone_writes_to_few() {
        let mut friends: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (from, to) in drawn(&Friends::new(50, Vec::new())) {
            assert_ne!(from, to);
            assert!(from < 50 && to < 50);
            friends.entry(from).or_default().push(to);
        }
        assert_eq!(friends.len(), 50);
        for of in friends.values_mut() {
            of.sort_unstable();
            of.dedup();
            assert!(of.len() <= FRIENDS);
        }
    }

    #[test]
    fn two_people_write_to_each_other() {
        assert!(drawn(&Friends::new(2, Vec::new())).iter().all(|(from, to)| from + to == 1));
    }

    #[test]
    fn the_favoured_get_half_of_all_messages_and_more() {
        let to_favoured =
            drawn(&Friends::new(50, vec![3, 30])).iter().filter(|(_, to)| [3, 30].contains(to)).count();
        assert!((1_000..1_200).contains(&to_favoured), "{to_favoured}");
    }
}
