//! Who owns which partition in a group of this process: pure, so that every order of joins and leaves can be tried.
//!
//! Cooperative: a partition that must move is first wanted back from its owner and given on once that lets go;
//! all others stay where they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::log::{Epoch, Place, TopicName};

/// A member of a group of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MemberId(pub(super) u64);

/// What a member has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Give these back.
    Revoke(Vec<Place>),
    /// These are its own now.
    Take(Vec<(Place, Epoch)>),
    Nothing,
}

/// The members of a group and what they own.
#[derive(Debug, Default)]
pub(super) struct Group {
    members: BTreeMap<MemberId, BTreeSet<TopicName>>,
    owners: BTreeMap<Place, (MemberId, Epoch)>,
    target: BTreeMap<Place, MemberId>,
    epochs: HashMap<Place, u64>,
}

impl Group {
    pub(super) fn join(&mut self, member: MemberId, topics: impl IntoIterator<Item = TopicName>) {
        self.members.insert(member, topics.into_iter().collect());
    }

    pub(super) fn leave(&mut self, member: MemberId) {
        self.members.remove(&member);
        self.owners.retain(|_, (owner, _)| *owner != member);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a member reads this topic.
    pub(super) fn reads(&self, topic: &TopicName) -> bool {
        self.members.values().any(|topics| topics.contains(topic))
    }

    pub(super) fn owns(&self, member: MemberId, place: &Place) -> bool {
        self.owners.get(place).is_some_and(|(owner, _)| *owner == member)
    }

    /// Whether the partition is assigned under this epoch.
    pub(super) fn is_current(&self, place: &Place, epoch: Epoch) -> bool {
        self.owners.get(place).is_some_and(|(_, current)| *current == epoch)
    }

    /// An epoch that was seen in the store: later ones are higher.
    pub(super) fn epoch_seen(&mut self, place: &Place, epoch: u64) {
        let known = self.epochs.entry(place.clone()).or_default();
        *known = (*known).max(epoch);
    }

    pub(super) fn release(&mut self, member: MemberId, places: &[Place]) {
        for place in places {
            if self.owns(member, place) {
                self.owners.remove(place);
            }
        }
    }

    /// Decides anew who should own what, moving as little as possible.
    pub(super) fn balance<'a>(&mut self, places: impl Iterator<Item = &'a Place>) {
        let places: BTreeSet<&Place> = places.collect();
        self.owners.retain(|place, _| places.contains(place));
        let mut by_topic: BTreeMap<&TopicName, Vec<&Place>> = BTreeMap::new();
        for place in places {
            by_topic.entry(&place.topic).or_default().push(place);
        }
        let mut target = BTreeMap::new();
        let mut total: BTreeMap<MemberId, usize> = BTreeMap::new();
        for (topic, places) in by_topic {
            let readers: Vec<MemberId> =
                self.members.iter().filter(|(_, topics)| topics.contains(topic)).map(|(id, _)| *id).collect();
            if !readers.is_empty() {
                self.spread(&places, &readers, &mut total, &mut target);
            }
        }
        self.target = target;
    }

    /// Spreads the partitions of one topic: an owner keeps up to its share, the rest goes to whoever has least.
    fn spread(
        &self,
        places: &[&Place],
        readers: &[MemberId],
        total: &mut BTreeMap<MemberId, usize>,
        target: &mut BTreeMap<Place, MemberId>,
    ) {
        let (floor, mut extra) = (places.len() / readers.len(), places.len() % readers.len());
        let mut here: BTreeMap<MemberId, usize> = readers.iter().map(|id| (*id, 0)).collect();
        let mut free = Vec::new();
        for place in places {
            let kept =
                self.owners.get(*place).map(|(owner, _)| *owner).filter(|owner| here.contains_key(owner));
            let count = kept.map(|owner| here.entry(owner).or_default());
            match (kept, count) {
                (Some(owner), Some(count)) if *count < floor || (*count == floor && extra > 0) => {
                    extra -= usize::from(*count == floor);
                    *count += 1;
                    target.insert((*place).clone(), owner);
                }
                _ => free.push(*place),
            }
        }
        for place in free {
            let least =
                here.iter().min_by_key(|(id, count)| (**count, total.get(id).copied().unwrap_or(0), **id));
            if let Some(member) = least.map(|(id, _)| *id) {
                *here.entry(member).or_default() += 1;
                target.insert(place.clone(), member);
            }
        }
        for (member, count) in here {
            *total.entry(member).or_default() += count;
        }
    }

    /// What this member has to do next; what it may take, it has taken.
    pub(super) fn step(&mut self, member: MemberId) -> Step {
        let unwanted = |place: &Place| self.target.get(place) != Some(&member);
        let revoke: Vec<Place> = self
            .owners
            .iter()
            .filter(|(place, (owner, _))| *owner == member && unwanted(place))
            .map(|(place, _)| place.clone())
            .collect();
        if !revoke.is_empty() {
            return Step::Revoke(revoke);
        }
        let free = |place: &&Place| !self.owners.contains_key(*place);
        let places: Vec<Place> = self
            .target
            .iter()
            .filter(|(_, to)| **to == member)
            .map(|(p, _)| p)
            .filter(free)
            .cloned()
            .collect();
        let mut taken = Vec::new();
        for place in places {
            let epoch = self.epochs.entry(place.clone()).or_default();
            *epoch += 1;
            self.owners.insert(place.clone(), (member, Epoch(*epoch)));
            taken.push((place, Epoch(*epoch)));
        }
        if taken.is_empty() { Step::Nothing } else { Step::Take(taken) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(n: u32) -> Vec<Place> {
        (0..n).map(|p| Place::new("t", p)).collect()
    }

    fn count(group: &Group, member: u64) -> usize {
        group.owners.values().filter(|(owner, _)| *owner == MemberId(member)).count()
    }

    #[test]
    fn a_partition_moves_only_after_its_owner_let_go() {
        let (mut group, places) = (Group::default(), places(4));
        group.join(MemberId(1), [TopicName::from("t")]);
        group.balance(places.iter());
        assert!(matches!(group.step(MemberId(1)), Step::Take(taken) if taken.len() == 4));
        group.join(MemberId(2), [TopicName::from("t")]);
        group.balance(places.iter());
        assert_eq!(group.step(MemberId(2)), Step::Nothing);
        let Step::Revoke(revoked) = group.step(MemberId(1)) else { panic!("nothing to revoke") };
        assert_eq!(revoked.len(), 2);
        group.release(MemberId(1), &revoked);
        let Step::Take(taken) = group.step(MemberId(2)) else { panic!("nothing to take") };
        assert_eq!(taken.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>(), revoked);
        assert!(taken.iter().all(|(_, epoch)| *epoch == Epoch(2)));
    }

    proptest! {
        #[test]
        fn whatever_joins_and_leaves_everything_ends_up_owned_and_even(
            moves in proptest::collection::vec((0_u64..5, any::<bool>()), 1..20), n in 1_u32..20
        ) {
            let (mut group, places) = (Group::default(), places(n));
            let mut present = BTreeSet::new();
            for (member, joins) in moves {
                if joins {
                    present.insert(member);
                    group.join(MemberId(member), [TopicName::from("t")]);
                } else {
                    present.remove(&member);
                    group.leave(MemberId(member));
                }
                group.balance(places.iter());
                for _ in 0..2 {
                    for &member in &present {
                        if let Step::Revoke(revoked) = group.step(MemberId(member)) {
                            group.release(MemberId(member), &revoked);
                        }
                        group.step(MemberId(member));
                    }
                }
                if !present.is_empty() {
                    prop_assert_eq!(group.owners.len(), n as usize);
                    let counts: Vec<usize> = present.iter().map(|m| count(&group, *m)).collect();
                    prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
                }
            }
        }
    }
}
