//! One group as the tool knows it: who is in it by the answers that came, and what may be done next without being refused.
//!
//! What is chosen is set aside until its answer is there, so that nothing is chosen that depends on it: whoever leaves writes
//! no more, a message that somebody reacts to is not taken back meanwhile.

use std::collections::{BTreeSet, VecDeque};

use denrei_model::id::ChatId;
use rand::Rng as _;
use rand::rngs::SmallRng;

/// Messages of a group that may be reacted to or taken back.
const RECENT: usize = 32;
/// Reactions that one message gets, each with another emoji.
pub(super) const EMOJIS: [&str; 6] = ["👍", "🎉", "😂", "😢", "❤", "🐻"];
/// Up to this many members learn of read marks by operations. A group that has outgrown it stays so, since marks that were told in
/// passing are not told again.
const TOLD: usize = 20;
/// People asked in at once.
const ASKED: usize = 3;

/// A message that was acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spoken {
    pub(super) seq: u64,
    pub(super) sender: usize,
    /// How many reactions it was given.
    pub(super) reactions: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Member {
    person: usize,
    /// The seq at which they came; they see what follows.
    since: u64,
}

/// A group.
#[derive(Default)]
pub(super) struct Circle {
    /// Absent until it is made.
    pub(super) chat: Option<ChatId>,
    joined: Vec<Member>,
    invited: Vec<usize>,
    /// Everyone who is in it, invited, or on the way in or out.
    known: BTreeSet<usize>,
    recent: VecDeque<Spoken>,
    /// The last event that was answered.
    last: u64,
    /// Answers to invitations, and departures, that are under way.
    coming: usize,
    going: usize,
    /// The most who may ever have been in it at once.
    peak: usize,
}

/// What somebody does in a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    Create { invite: Vec<usize> },
    Say,
    Read { seq: u64 },
    React { to: Spoken },
    Unsend { what: Spoken },
    Invite { whom: Vec<usize> },
    Accept,
    Leave,
    Rename,
}

/// Somebody, and what they do.
pub(super) type Choice = (usize, Deed);

impl Circle {
    /// Nobody is in it before it is made.
    pub(super) fn of(creator: usize, invite: &[usize]) -> Self {
        let known = invite.iter().copied().chain([creator]).collect();
        Self { known, ..Self::default() }
    }

    /// How many are in it.
    pub(super) fn size(&self) -> usize {
        self.joined.len()
    }

    /// How many are asked in and have not answered.
    pub(super) fn invited(&self) -> usize {
        self.invited.len()
    }

    fn somebody(&self, chance: &mut SmallRng) -> Option<Member> {
        if self.joined.is_empty() {
            return None;
        }
        self.joined.get(chance.random_range(0..self.joined.len())).copied()
    }

    pub(super) fn say(&self, chance: &mut SmallRng) -> Option<Choice> {
        Some((self.somebody(chance)?.person, Deed::Say))
    }

    pub(super) fn read(&self, chance: &mut SmallRng) -> Option<Choice> {
        Some((self.somebody(chance)?.person, Deed::Read { seq: self.last }))
    }

    pub(super) fn rename(&self, chance: &mut SmallRng) -> Option<Choice> {
        Some((self.somebody(chance)?.person, Deed::Rename))
    }

    pub(super) fn react(&mut self, chance: &mut SmallRng) -> Option<Choice> {
        let Member { person, since } = self.somebody(chance)?;
        let place = self.recent.iter().position(|spoken| spoken.seq > since)?;
        Some((person, Deed::React { to: self.recent.remove(place)? }))
    }

    pub(super) fn unsend(&mut self) -> Option<Choice> {
        let in_it = |spoken: &Spoken| self.joined.iter().any(|member| member.person == spoken.sender);
        let what = self.recent.remove(self.recent.iter().position(in_it)?)?;
        Some((what.sender, Deed::Unsend { what }))
    }

    /// Asks some of all people in, while there is room.
    pub(super) fn invite(
        &mut self,
        (people, largest): (usize, usize),
        chance: &mut SmallRng,
    ) -> Option<Choice> {
        let by = self.somebody(chance)?.person;
        let room = largest.saturating_sub(self.known.len()).min(ASKED);
        let drawn: BTreeSet<usize> = (0..room).map(|_| chance.random_range(0..people)).collect();
        let whom: Vec<usize> = drawn.difference(&self.known).copied().collect();
        if whom.is_empty() {
            return None;
        }
        self.known.extend(&whom);
        Some((by, Deed::Invite { whom }))
    }

    pub(super) fn accept(&mut self) -> Option<Choice> {
        let who = self.invited.pop()?;
        self.coming += 1;
        self.peak = self.peak.max(self.joined.len() + self.coming + self.going);
        Some((who, Deed::Accept))
    }

    /// Somebody leaves, unless too few would be left.
    pub(super) fn leave(&mut self, chance: &mut SmallRng) -> Option<Choice> {
        let fewest = if self.peak > TOLD { TOLD + 1 } else { 2 };
        if self.joined.len() <= fewest {
            return None;
        }
        let who = self.joined.swap_remove(chance.random_range(0..self.joined.len())).person;
        self.going += 1;
        Some((who, Deed::Leave))
    }

    /// Takes up the answer: the seq of the event, or none if it was refused.
    pub(super) fn settle(&mut self, (by, deed): Choice, seq: Option<u64>) {
        let granted = seq.is_some();
        let seq = seq.unwrap_or_default();
        self.last = self.last.max(seq);
        match deed {
            Deed::Create { invite } if granted => {
                self.joined.push(Member { person: by, since: seq });
                (self.invited, self.peak) = (invite, 1);
            }
            Deed::Say if granted => self.remember(Spoken { seq, sender: by, reactions: 0 }),
            Deed::React { to } if granted && to.reactions + 1 < EMOJIS.len() => {
                self.remember(Spoken { reactions: to.reactions + 1, ..to });
            }
            Deed::Invite { whom } if granted => self.invited.extend(whom),
            Deed::Invite { whom } => self.known.retain(|person| !whom.contains(person)),
            Deed::Accept => {
                self.coming -= 1;
                self.joined.extend(granted.then_some(Member { person: by, since: seq }));
            }
            Deed::Leave => {
                self.going -= 1;
                self.known.remove(&by);
            }
            _ => {}
        }
    }

    fn remember(&mut self, spoken: Spoken) {
        self.recent.push_back(spoken);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn chance() -> SmallRng {
        SmallRng::seed_from_u64(1)
    }

    /// A group of these people, who all came at seq 2 and later.
    fn circle(people: usize) -> Circle {
        let invite: Vec<usize> = (1..people).collect();
        let mut circle = Circle::of(0, &invite);
        circle.settle((0, Deed::Create { invite }), Some(1));
        let mut seq = 1;
        while let Some(choice) = circle.accept() {
            seq += 1;
            circle.settle(choice, Some(seq));
        }
        circle
    }

    #[test]
    fn nothing_is_chosen_in_a_group_that_is_not_made_yet() {
        let mut circle = Circle::of(0, &[1, 2]);
        assert_eq!(circle.say(&mut chance()), None);
        assert_eq!(circle.accept(), None);
        assert_eq!(circle.invite((10, 10), &mut chance()), None);
    }

    #[test]
    fn whoever_was_asked_in_writes_only_once_the_acceptance_was_answered() {
        let mut circle = Circle::of(0, &[1]);
        circle.settle((0, Deed::Create { invite: vec![1] }), Some(1));
        let acceptance = circle.accept().unwrap();
        assert!((0..20).all(|_| circle.say(&mut chance()).unwrap().0 == 0));
        circle.settle(acceptance, Some(2));
        let mut chance = chance();
        assert!((0..20).any(|_| circle.say(&mut chance).unwrap().0 == 1));
    }

    #[test]
    fn whoever_leaves_does_nothing_more_and_is_asked_again_only_after_the_answer() {
        let mut circle = circle(3);
        let mut chance = chance();
        let (who, _) = circle.leave(&mut chance).unwrap();
        assert!((0..50).all(|_| circle.say(&mut chance).unwrap().0 != who));
        assert!((0..50).all(|_| circle.invite((3, 10), &mut chance).is_none()));
        circle.settle((who, Deed::Leave), Some(9));
        let asked = (0..50).find_map(|_| circle.invite((3, 10), &mut chance)).unwrap();
        assert_eq!(asked.1, Deed::Invite { whom: vec![who] });
    }

    #[test]
    fn a_message_is_reacted_to_by_those_who_saw_it_and_taken_back_by_nobody_meanwhile() {
        let mut circle = circle(2);
        circle.settle((0, Deed::Say), Some(10));
        let reaction = circle.react(&mut chance()).unwrap();
        assert_eq!(circle.unsend(), None);
        circle.settle(reaction, Some(11));
        let what = Spoken { seq: 10, sender: 0, reactions: 1 };
        assert_eq!(circle.unsend(), Some((0, Deed::Unsend { what })));
        assert_eq!(circle.unsend(), None);
    }

    #[test]
    fn those_who_came_later_react_to_nothing_from_before() {
        let mut circle = Circle::of(0, &[1]);
        circle.settle((0, Deed::Create { invite: vec![1] }), Some(1));
        circle.settle((0, Deed::Say), Some(2));
        circle.accept().unwrap();
        circle.settle((1, Deed::Accept), Some(3));
        let mut chance = chance();
        let reacting = (0..50).filter_map(|_| {
            let choice = circle.react(&mut chance)?;
            circle.recent.push_back(Spoken { seq: 2, sender: 0, reactions: 0 });
            Some(choice.0)
        });
        assert!(reacting.into_iter().all(|who| who == 0));
    }

    #[test]
    fn a_message_gets_no_more_reactions_than_there_are_emojis() {
        let mut circle = circle(2);
        circle.settle((0, Deed::Say), Some(10));
        let mut given = 0;
        while let Some(choice) = circle.react(&mut chance()) {
            given += 1;
            circle.settle(choice, Some(10 + given));
        }
        assert_eq!(given, EMOJIS.len() as u64);
    }

    #[test]
    fn a_group_that_has_outgrown_the_telling_of_marks_does_not_come_back_to_it() {
        let mut circle = circle(TOLD + 3);
        let mut chance = chance();
        let mut gone = 0;
        while circle.leave(&mut chance).is_some() {
            gone += 1;
        }
        assert_eq!((gone, circle.size()), (2, TOLD + 1));
        let mut small = self::circle(5);
        while small.leave(&mut chance).is_some() {}
        assert_eq!(small.size(), 2);
    }
}
