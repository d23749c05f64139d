//! Reads what `cargo test` prints, line by line: what to show, what to count.
//!
//! Tests run with `--show-output`, so that a skip which a passing test printed is heard; the rest of what passing tests print is
//! kept from the screen. A test that runs its own binary again leaves a second `test result:` in the middle: of a binary, the
//! last one counts. Doc tests come as several runs of one crate: there, each counts.

use super::tally::{Result, Tally};

/// Where in the output we are.
#[derive(Default)]
pub(crate) struct Reading {
    tally: Tally,
    of_binary: Option<Result>,
    in_docs: bool,
    in_successes: bool,
}

impl Reading {
    /// Takes a line; whether it is worth showing.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let bare = line.trim();
        if bare.starts_with("Running ") && bare.ends_with(')') || bare.starts_with("Doc-tests ") {
            self.close();
            self.in_docs = bare.starts_with("Doc-tests ");
        }
        self.tally.note(bare);
        if let Some(result) = result(bare) {
            self.in_successes = false;
            match self.in_docs {
                true => self.tally.count(result),
                false => self.of_binary = Some(result),
            }
        }
        match line {
            "successes:" => self.in_successes = true,
            "failures:" => self.in_successes = false,
            _ => {}
        }
        !self.in_successes
    }

    fn close(&mut self) {
        self.in_successes = false;
        if let Some(result) = self.of_binary.take() {
            self.tally.count(result);
        }
    }

    /// The end of the output.
    pub(crate) fn finish(mut self) -> Tally {
        self.close();
        self.tally
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn result(line: &str) -> Option<Result> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| {
        let part = counts.split(';').map(str::trim).find(|part| part.ends_with(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some((count("passed")?, count("failed")?, count("ignored")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> (String, Vec<&str>) {
        let mut reading = Reading::default();
        let shown = output.lines().filter(|line| reading.take(line)).collect();
        (reading.finish().to_string(), shown)
    }

    const ONE: &str = "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\
        test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s\n";

    #[test]
    fn binaries_and_doc_tests_add_up() {
        let docs = "   Doc-tests a\n\
            test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(read(&format!("{ONE}{docs}")).0, "4 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_run_inside_a_run_is_not_counted() {
        let inner = "     Running tests/crash.rs (target/debug/deps/crash-1)\n\
            test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(read(inner).0, "2 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn a_skip_that_a_passing_test_printed_is_heard_and_not_shown() {
        let output = "     Running tests/log.rs (target/debug/deps/log-1)\ntest promise ... ok\n\nsuccesses:\n\n\
            ---- promise stdout ----\nSKIPPED promise: DENREI_KAFKA not set\n\n\nsuccesses:\n    promise\n\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let (tally, shown) = read(output);
        assert_eq!(tally, "1 passed, 0 failed, 1 skipped");
        assert!(!shown.iter().any(|line| line.contains("SKIPPED")), "{shown:?}");
        assert!(shown.iter().any(|line| line.starts_with("test result")), "{shown:?}");
    }

    #[test]
    fn what_a_failing_test_printed_is_shown() {
        let output = "successes:\nquiet\nfailures:\n---- broken stdout ----\nloud\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let (tally, shown) = read(output);
        assert_eq!(tally, "1 passed, 1 failed, 0 skipped");
        assert!(shown.contains(&"loud") && !shown.contains(&"quiet"), "{shown:?}");
    }
}
