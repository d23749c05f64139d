//! What the tests came to.

use std::collections::BTreeMap;
use std::fmt;

/// Passed, failed, skipped. A test that says it skipped something does not count as passed.
#[derive(Default, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    /// As libtest counts.
    pub(crate) passed: usize,
    /// As libtest counts.
    pub(crate) failed: usize,
    /// Tests under `#[ignore]`.
    pub(crate) ignored: usize,
    /// Tests that skipped, by name, with their reason.
    pub(crate) skipped: BTreeMap<String, String>,
    /// The names and reasons of those under `#[ignore]`.
    pub(crate) left_out: Vec<String>,
}

/// The numbers of one `test result:` line.
pub(crate) type Result = (usize, usize, usize);

impl Tally {
    /// Counts one binary.
    pub(crate) fn count(&mut self, (passed, failed, ignored): Result) {
        self.passed += passed;
        self.failed += failed;
        self.ignored += ignored;
    }

    /// Notes a skip, if this line tells of one: `SKIPPED <name>: <reason>`, or libtest's `test <name> ... ignored`. The first
    /// kind, told twice, counts once.
    pub(crate) fn note(&mut self, line: &str) {
        if let Some((name, reason)) = line.strip_prefix("SKIPPED ").and_then(|told| told.split_once(": ")) {
            self.skipped.insert(name.to_owned(), reason.to_owned());
        }
        if let Some((name, reason)) =
            line.strip_prefix("test ").and_then(|told| told.split_once(" ... ignored"))
        {
            let reason = if reason.is_empty() { "ignored" } else { reason.trim_start_matches(", ") };
            self.left_out.push(format!("{name}: {reason}"));
        }
    }

    /// Adds another tally.
    pub(crate) fn add(&mut self, other: Self) {
        self.count((other.passed, other.failed, other.ignored));
        self.skipped.extend(other.skipped);
        self.left_out.extend(other.left_out);
    }

    /// The names of what was skipped, a line each.
    pub(crate) fn skips(&self) -> String {
        let told = self.skipped.iter().map(|(name, reason)| format!("  {name}: {reason}\n"));
        told.chain(self.left_out.iter().map(|line| format!("  {line}\n"))).collect()
    }
}

impl fmt::Display for Tally {
    /// The closing line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.passed.saturating_sub(self.skipped.len());
        let skipped = self.skipped.len() + self.ignored;
        write!(f, "{passed} passed, {} failed, {skipped} skipped", self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_skipped_is_not_among_those_that_passed() {
        let mut tally = Tally::default();
        tally.count((5, 1, 2));
        tally.note("SKIPPED a_promise: DENREI_KAFKA not set");
        tally.note("SKIPPED a_promise: DENREI_KAFKA not set");
        tally.note("SKIPPED is a word here");
        tally.note("test kill::child ... ignored, runs as a child only");
        assert_eq!(tally.to_string(), "4 passed, 1 failed, 3 skipped");
        assert_eq!(tally.skips(), "  a_promise: DENREI_KAFKA not set\n  kill::child: runs as a child only\n");
    }
}
