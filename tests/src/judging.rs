//! The second opinion: a judge in Python that was written from the form of recordings alone.

use std::path::Path;
use std::process::Command;

use crate::replay::Verdict;
use crate::surroundings;

/// Judges a recording.
///
/// # Errors
/// Why it cannot be judged here.
pub fn second_opinion(recording: &Path) -> Result<Verdict, String> {
    if !surroundings::answers("python3", &["--version"]) {
        return Err("python3 is not there".to_owned());
    }
    let mut judge = Command::new("python3");
    judge.arg(surroundings::part("judge/judge.py")).arg(recording);
    let told = judge.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&told.stdout);
    let complaints = String::from_utf8_lossy(&told.stderr);
    let verdict: Verdict = serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("the judge in Python said nothing ({error}): {said}{complaints}"));
    let code = i32::from(!verdict.counts.is_empty());
    assert_eq!(told.status.code(), Some(code), "its exit code and its verdict differ: {said}");
    Ok(verdict)
}
