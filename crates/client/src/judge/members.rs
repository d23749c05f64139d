//! Who is in a group as of each of its events, and of whom an event is news.

use std::collections::BTreeMap;

/// How somebody stands, and from when to when they were in the group before.
#[derive(Default)]
struct Standing {
    invited: bool,
    /// Since when they are in it.
    joined: Option<u64>,
    /// When they were in it before: from and to, both included.
    before: Vec<(u64, u64)>,
}

/// The people of a group, as of an event.
#[derive(Default)]
pub(super) struct Members(BTreeMap<String, Standing>);

impl Members {
    /// The event at this seq changes these people's standing.
    pub(super) fn change(&mut self, seq: u64, changes: &[(String, String)]) {
        for (account, membership) in changes {
            let standing = self.0.entry(account.clone()).or_default();
            match (membership.as_str(), standing.joined) {
                ("joined", None) => standing.joined = Some(seq),
                ("gone", Some(from)) => {
                    standing.joined = None;
                    standing.before.push((from, seq));
                }
                _ => {}
            }
            standing.invited = membership == "invited";
        }
    }

    /// Those who are in it.
    pub(super) fn joined(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().filter_map(|(account, standing)| Some((account.as_str(), standing.joined?)))
    }

    /// Those who are in it or invited.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let here = self.0.iter().filter(|(_, standing)| standing.invited || standing.joined.is_some());
        here.map(|(account, _)| account.as_str())
    }

    /// Those who are in it and may see what happened at this seq.
    pub(super) fn who_see(&self, seq: u64) -> impl Iterator<Item = &str> {
        let here = self.0.iter().filter(move |(_, standing)| {
            let earlier = standing.before.iter().any(|(from, to)| (*from..=*to).contains(&seq));
            standing.joined.is_some_and(|from| earlier || seq >= from)
        });
        here.map(|(account, _)| account.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(changes: &[(u64, &str, &str)]) -> Members {
        let mut members = Members::default();
        for (seq, account, membership) in changes {
            members.change(*seq, &[((*account).to_owned(), (*membership).to_owned())]);
        }
        members
    }

    #[test]
    fn one_is_in_it_from_the_acceptance_to_the_departure() {
        let members = members(&[
            (1, "ann", "joined"),
            (2, "bob", "invited"),
            (3, "cid", "invited"),
            (4, "cid", "joined"),
        ]);
        assert_eq!(members.joined().collect::<Vec<_>>(), [("ann", 1), ("cid", 4)]);
        assert_eq!(members.all().collect::<Vec<_>>(), ["ann", "bob", "cid"]);
    }

    #[test]
    fn whoever_came_back_sees_both_stays_and_not_what_was_between() {
        let steps = [(1, "ann", "joined"), (5, "ann", "gone"), (7, "ann", "invited"), (8, "ann", "joined")];
        let members = members(&steps);
        let seen: Vec<u64> = (1..=9).filter(|seq| members.who_see(*seq).any(|who| who == "ann")).collect();
        assert_eq!(seen, [1, 2, 3, 4, 5, 8, 9]);
        assert_eq!(self::members(steps.get(..2).unwrap()).who_see(3).count(), 0);
    }
}
