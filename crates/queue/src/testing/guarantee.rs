//! What a queue promises, as objects that judge what was seen: sequences and intervals, not sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

/// A task that was put and confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its key.
    pub key: String,
    /// Its number: rises per key in the order of the confirmations.
    pub number: u64,
    /// Not to run before this, in milliseconds.
    pub not_before_ms: u64,
}

/// One run of a task, as its processor saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its key.
    pub key: String,
    /// Its number.
    pub number: u64,
    /// When the run began and ended, in microseconds of one clock for all.
    pub from_us: u64,
    /// See `from_us`; equal to it for a run that was broken off.
    pub until_us: u64,
    /// The wall clock when it began, in milliseconds.
    pub at_ms: u64,
    /// Whether the task said that it was done.
    pub done: bool,
}

/// A promise that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub guarantee: &'static str,
    /// How.
    pub what: String,
}

/// A promise.
pub trait Guarantee {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Judges a whole history; `buried` are the tasks found among the dead letters.
    ///
    /// # Errors
    /// How it was broken, first case only.
    fn check(&self, sent: &[Sent], seen: &[Seen], buried: &BTreeSet<(String, u64)>) -> Result<(), String>;
}

/// Asks each promise.
#[must_use]
pub fn judge(
    guarantees: &[&dyn Guarantee],
    sent: &[Sent],
    seen: &[Seen],
    buried: &BTreeSet<(String, u64)>,
) -> Vec<Violation> {
    let ask = |g: &&dyn Guarantee| {
        let what = g.check(sent, seen, buried).err()?;
        Some(Violation { guarantee: g.name(), what })
    };
    guarantees.iter().filter_map(ask).collect()
}

/// Every task that was confirmed ran to its end at least once, or is a dead letter.
#[derive(Debug, Clone, Copy)]
pub struct AtLeastOnce;

/// Per key, runs follow the order in which tasks were put; a replay starts again at an earlier one and is in order too.
#[derive(Debug, Clone, Copy)]
pub struct OrderPerKey;

/// Per key, no two runs overlap.
#[derive(Debug, Clone, Copy)]
pub struct SerialPerKey;

/// No task ran before its time.
#[derive(Debug, Clone, Copy)]
pub struct NoEarlyDelivery;

/// No task is both done and buried, and none that was not sent is seen.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetterOrDone;

impl Guarantee for AtLeastOnce {
    fn name(&self) -> &'static str {
        "at least once"
    }

    fn check(&self, sent: &[Sent], seen: &[Seen], buried: &BTreeSet<(String, u64)>) -> Result<(), String> {
        let done: BTreeSet<(&str, u64)> =
            seen.iter().filter(|s| s.done).map(|s| (&*s.key, s.number)).collect();
        let is_lost =
            |s: &&Sent| !done.contains(&(&*s.key, s.number)) && !buried.contains(&(s.key.clone(), s.number));
        let lost: Vec<&Sent> = sent.iter().filter(is_lost).collect();
        match lost.first() {
            None => Ok(()),
            Some(first) => Err(format!(
                "{} tasks were never done, {}/{} among them",
                lost.len(),
                first.key,
                first.number
            )),
        }
    }
}

fn by_key(seen: &[Seen]) -> BTreeMap<&str, Vec<&Seen>> {
    let mut keys: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for run in seen {
        keys.entry(&run.key).or_default().push(run);
    }
    for runs in keys.values_mut() {
        runs.sort_by_key(|run| (run.from_us, run.until_us));
    }
    keys
}

impl Guarantee for OrderPerKey {
    fn name(&self) -> &'static str {
        "order per key"
    }

    fn check(&self, sent: &[Sent], seen: &[Seen], _: &BTreeSet<(String, u64)>) -> Result<(), String> {
        let mut order: HashMap<(&str, u64), usize> = HashMap::new();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for task in sent {
            let count = counts.entry(&task.key).or_default();
            order.insert((&task.key, task.number), *count);
            *count += 1;
        }
        for (key, runs) in by_key(seen) {
            let mut next = 0;
            for run in runs {
                let Some(at) = order.get(&(key, run.number)).copied() else { continue };
                if at > next {
                    return Err(format!("key {key}: task {} ran before an earlier one", run.number));
                }
                next = at + 1;
            }
        }
        Ok(())
    }
}

impl Guarantee for SerialPerKey {
    fn name(&self) -> &'static str {
        "serial per key"
    }

    fn check(&self, _: &[Sent], seen: &[Seen], _: &BTreeSet<(String, u64)>) -> Result<(), String> {
        for (key, runs) in by_key(seen) {
            for pair in runs.windows(2) {
                // A run that was broken off with its owner may still have been on its way out.
                if let [before, after] = pair
                    && before.done
                    && after.from_us < before.until_us
                {
                    return Err(format!(
                        "key {key}: task {} began while {} ran",
                        after.number, before.number
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Guarantee for NoEarlyDelivery {
    fn name(&self) -> &'static str {
        "no early delivery"
    }

    fn check(&self, sent: &[Sent], seen: &[Seen], _: &BTreeSet<(String, u64)>) -> Result<(), String> {
        let due: HashMap<(&str, u64), u64> =
            sent.iter().map(|s| ((&*s.key, s.number), s.not_before_ms)).collect();
        let is_early = |run: &&Seen| due.get(&(&*run.key, run.number)).is_some_and(|due| run.at_ms < *due);
        match seen.iter().find(is_early) {
            None => Ok(()),
            Some(run) => Err(format!("{}/{} ran at {}", run.key, run.number, run.at_ms)),
        }
    }
}

impl Guarantee for DeadLetterOrDone {
    fn name(&self) -> &'static str {
        "dead letter or done"
    }

    fn check(&self, sent: &[Sent], seen: &[Seen], buried: &BTreeSet<(String, u64)>) -> Result<(), String> {
        let known: BTreeSet<(&str, u64)> = sent.iter().map(|s| (&*s.key, s.number)).collect();
        if let Some(run) = seen.iter().find(|run| !known.contains(&(&*run.key, run.number))) {
            return Err(format!("{}/{} ran and was never sent", run.key, run.number));
        }
        let both = |run: &&Seen| run.done && buried.contains(&(run.key.clone(), run.number));
        match seen.iter().find(both) {
            None => Ok(()),
            Some(run) => Err(format!("{}/{} was done and is a dead letter", run.key, run.number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(numbers: &[u64]) -> Vec<Sent> {
        numbers.iter().map(|n| Sent { key: "k".to_owned(), number: *n, not_before_ms: 0 }).collect()
    }

    fn seen(numbers: &[u64]) -> Vec<Seen> {
        let run = |(at, n): (u64, &u64)| Seen {
            key: "k".to_owned(),
            number: *n,
            from_us: at * 10,
            until_us: at * 10 + 5,
            at_ms: at,
            done: true,
        };
        (0..).zip(numbers).map(run).collect()
    }

    fn breaks(guarantee: &dyn Guarantee, sent: &[Sent], seen: &[Seen]) -> bool {
        guarantee.check(sent, seen, &BTreeSet::new()).is_err()
    }

    #[test]
    fn order_allows_replays_and_nothing_else() {
        let all = sent(&[1, 2, 3, 4, 5]);
        for good in [&[1, 2, 3, 4, 5][..], &[1, 2, 1, 2, 3], &[1, 2, 3, 3, 4], &[1, 2, 3, 4, 2, 3]] {
            assert!(!breaks(&OrderPerKey, &all, &seen(good)), "{good:?}");
        }
        for bad in [&[1, 3, 2][..], &[2, 1], &[1, 2, 1, 3], &[1, 2, 3, 5, 4]] {
            assert!(breaks(&OrderPerKey, &all, &seen(bad)), "{bad:?}");
        }
    }

    #[test]
    fn each_promise_can_be_broken() {
        let all = sent(&[1, 2]);
        assert!(breaks(&AtLeastOnce, &all, &seen(&[1])));
        let mut overlap = seen(&[1, 2]);
        overlap[0].until_us = 100;
        assert!(breaks(&SerialPerKey, &all, &overlap));
        let mut late = all.clone();
        late[0].not_before_ms = 1;
        assert!(breaks(&NoEarlyDelivery, &late, &seen(&[1])));
        assert!(breaks(&DeadLetterOrDone, &all, &seen(&[9])));
        let buried = BTreeSet::from([("k".to_owned(), 1)]);
        assert!(DeadLetterOrDone.check(&all, &seen(&[1]), &buried).is_err());
        assert!(AtLeastOnce.check(&all, &seen(&[2]), &buried).is_ok());
    }
}
