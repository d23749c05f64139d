//! All groups of a run, and what is done in them, by chance.

use denrei_model::id::ChatId;
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::index::sample;

use super::circle::{Choice, Circle, Deed};

/// How many groups everybody is in, about.
const EACH: usize = 3;
/// Of ten people who are asked into one of the first groups, so many come before anything else happens.
const COME_AT_ONCE: usize = 7;

/// All groups.
pub(super) struct Circles {
    people: usize,
    largest: usize,
    circles: Vec<Circle>,
    /// How many there are at the beginning; twice as many at the most.
    first: usize,
}

/// Which group, who, and what.
pub(super) struct Plan {
    pub(super) circle: usize,
    pub(super) choice: Choice,
}

impl Circles {
    pub(super) fn new(people: usize, largest: usize) -> Self {
        let largest = largest.clamp(2, people.max(2));
        // Sizes are drawn with the smaller ones more often: a third of the largest on average.
        let first = (people * EACH / (largest / 3).max(2)).max(1);
        Self { people, largest, circles: Vec::with_capacity(2 * first), first }
    }

    /// How many are there at the beginning.
    pub(super) const fn first(&self) -> usize {
        self.first
    }

    pub(super) fn len(&self) -> usize {
        self.circles.iter().filter(|circle| circle.chat.is_some()).count()
    }

    pub(super) fn largest(&self) -> usize {
        self.circles.iter().map(Circle::size).max().unwrap_or_default()
    }

    pub(super) fn chat(&self, circle: usize) -> Option<ChatId> {
        self.circles.get(circle)?.chat
    }

    /// One more group, of a size drawn up to the largest.
    pub(super) fn create(&mut self, chance: &mut SmallRng) -> Plan {
        let part: f64 = chance.random();
        let size = 2 + ((self.largest - 2) as f64 * part * part).round() as usize;
        let mut people = sample(chance, self.people, size.min(self.people)).into_iter();
        let creator = people.next().unwrap_or_default();
        let invite: Vec<usize> = people.collect();
        self.circles.push(Circle::of(creator, &invite));
        Plan { circle: self.circles.len() - 1, choice: (creator, Deed::Create { invite }) }
    }

    /// Those who accept before anything else happens: most of those who were asked, and at least one, so that nobody is alone.
    pub(super) fn first_acceptances(&mut self) -> Vec<Plan> {
        let mut plans = Vec::new();
        for (place, circle) in self.circles.iter_mut().enumerate() {
            let come = (circle.invited() * COME_AT_ONCE).div_ceil(10);
            let choices = std::iter::from_fn(|| circle.accept()).take(come);
            plans.extend(choices.map(|choice| Plan { circle: place, choice }));
        }
        plans
    }

    /// Something that somebody may do now; none while no group is there.
    pub(super) fn draw(&mut self, chance: &mut SmallRng) -> Option<Plan> {
        let kind = chance.random_range(0..1_000);
        if kind < 5 && self.circles.len() < 2 * self.first {
            return Some(self.create(chance));
        }
        let place = chance.random_range(0..self.circles.len().max(1));
        let everyone = (self.people, self.largest);
        let circle = self.circles.get_mut(place)?;
        let choice = match kind {
            5..30 => circle.invite(everyone, chance),
            30..70 => circle.accept(),
            70..90 => circle.leave(chance),
            90..110 => circle.rename(chance),
            110..130 => circle.unsend(),
            130..230 => circle.react(chance),
            230..380 => circle.read(chance),
            _ => None,
        };
        let choice = choice.or_else(|| circle.say(chance))?;
        Some(Plan { circle: place, choice })
    }

    /// Takes up the answer: the chat and the seq of the event, or none if it was refused.
    pub(super) fn settle(&mut self, plan: Plan, answer: Option<(ChatId, u64)>) {
        let Some(circle) = self.circles.get_mut(plan.circle) else { return };
        circle.chat = circle.chat.or(answer.map(|(chat, _)| chat));
        circle.settle(plan.choice, answer.map(|(_, seq)| seq));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng as _;

    use super::*;

    /// Groups in which everything that was begun is answered.
    fn founded(people: usize, largest: usize) -> (Circles, SmallRng) {
        let mut chance = SmallRng::seed_from_u64(3);
        let mut circles = Circles::new(people, largest);
        for number in 0..circles.first() {
            let plan = circles.create(&mut chance);
            let chat = ChatId::from_bytes([u8::try_from(number % 200).unwrap(); 16]);
            circles.settle(plan, Some((chat, 1)));
        }
        for plan in circles.first_acceptances() {
            let chat = circles.chat(plan.circle).unwrap();
            circles.settle(plan, Some((chat, 2)));
        }
        (circles, chance)
    }

    #[test]
    fn groups_have_members_from_the_beginning_and_none_is_larger_than_wanted() {
        let (circles, _) = founded(200, 40);
        assert_eq!(circles.len(), circles.first());
        assert!(circles.circles.iter().all(|circle| (2..=40).contains(&circle.size())));
        assert!(circles.largest() > 20, "{}", circles.largest());
    }

    #[test]
    fn everything_that_people_do_in_groups_comes_up() {
        let (mut circles, mut chance) = founded(100, 30);
        let mut seen = BTreeSet::new();
        for seq in 3..20_000 {
            let plan = circles.draw(&mut chance).unwrap();
            seen.insert(format!("{:?}", plan.choice.1).split([' ', '{']).next().unwrap().to_owned());
            let chat = circles.chat(plan.circle).unwrap_or(ChatId::from_bytes([9; 16]));
            circles.settle(plan, Some((chat, seq)));
        }
        let all = ["Accept", "Create", "Invite", "Leave", "React", "Read", "Rename", "Say", "Unsend"];
        assert_eq!(seen, all.map(str::to_owned).into());
        assert!(circles.len() <= 2 * circles.first());
    }

    #[test]
    fn two_people_make_a_group_of_two() {
        let (mut circles, mut chance) = founded(2, 500);
        assert_eq!(circles.largest(), 2);
        assert!(circles.draw(&mut chance).is_some());
    }
}
