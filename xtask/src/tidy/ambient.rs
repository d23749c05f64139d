//! Time and configuration come in from outside: only a few places read the clock or the environment.
//!
//! Clippy holds it call by call; this holds where the exceptions from clippy may stand.

use super::code::code;
use super::tree::{Finding, Source, Tree};

/// Binaries, the task runner, the end-to-end tests, and the one module for clocks.
const MAY: [&str; 5] = ["crates/node/", "crates/lake/", "xtask/", "tests/", "crates/model/src/clock.rs"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let bound =
        tree.rust().filter(|file| !file.is_test() && !MAY.iter().any(|place| file.path.starts_with(place)));
    bound.flat_map(of).collect()
}

fn of(file: &Source) -> Vec<Finding> {
    let code = code(&file.text);
    // tokio's clock has the same name; it is the runtime's, and can be stopped in a test.
    let of_std = code.contains("use std::time") && !code.contains("use tokio::time::Instant");
    let reads = [
        ("the environment", code.contains("env::var") || code.contains("env::args")),
        ("the wall clock", code.contains("SystemTime::now")),
        ("the clock", code.contains("std::time::Instant::now") || (of_std && plain_instant(&code))),
    ];
    let found = reads.into_iter().filter(|(_, found)| *found);
    found
        .map(|(what, _)| Finding::new("ambient", &file.path, format!("reads {what}; take it from outside")))
        .collect()
}

fn plain_instant(code: &str) -> bool {
    code.match_indices("Instant::now")
        .any(|(at, _)| !code.get(..at).is_some_and(|before| before.ends_with(':')))
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, tree};
    use super::*;

    #[test]
    fn a_clock_or_a_variable_read_in_a_library_is_found() {
        let tree = tree(&[
            ("crates/actors/src/a.rs", "let x = std::env::var(\"X\");"),
            ("crates/actors/src/b.rs", "use std::time::{Duration, Instant};\nlet x = Instant::now();"),
            ("crates/actors/src/c.rs", "let x = SystemTime::now();"),
        ]);
        assert_eq!(faults(&check(&tree)).len(), 3);
    }

    #[test]
    fn the_places_that_are_meant_for_it_tests_and_the_clock_of_the_runtime_are_not() {
        let tree = tree(&[
            ("crates/node/src/a.rs", "std::env::var(\"X\")"),
            ("crates/model/src/clock.rs", "SystemTime::now()"),
            ("crates/actors/src/a/tests.rs", "std::time::Instant::now()"),
            ("crates/queue/src/a.rs", "use std::time::Duration;\ntokio::time::Instant::now()"),
        ]);
        assert_eq!(faults(&check(&tree)), [""; 0]);
    }
}
