//! The one module that reads the environment and the clock, and that tells what is skipped.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use denrei_model::clock::{Clock as _, SystemClock};

/// How often a condition that nobody tells of is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A variable of the environment, if it is set to something.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The root of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Something of these tests that is not Rust: a script, a source in C.
#[must_use]
pub fn part(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The clock of the tests.
#[must_use]
pub fn clock() -> SystemClock {
    SystemClock::new()
}

/// The server's day as `yyyymmdd`, by this machine's clock; so many days later.
#[must_use]
pub fn day(later: i64) -> u32 {
    let shift = Duration::from_secs(86_400 * later.unsigned_abs());
    let millis = clock().now().as_millis();
    let shift = u64::try_from(shift.as_millis()).unwrap_or_default();
    let moved = if later < 0 { millis.saturating_sub(shift) } else { millis.saturating_add(shift) };
    denrei_model::clock::Timestamp::from_millis(moved).day().to_yyyymmdd()
}

/// Says that a test, or a part of one, is skipped, and why. The task runner counts these.
pub fn skip(name: &str, reason: &str) {
    let line = format!("SKIPPED {name}: {reason}");
    println!("{line}");
    if let Some(file) = variable("DENREI_SKIPS") {
        let noted = OpenOptions::new().create(true).append(true).open(file);
        noted.and_then(|mut file| writeln!(file, "{line}")).expect("the skip is noted");
    }
}

/// The value, or a skip of this test because there is none.
pub fn or_skip<T>(name: &str, found: Result<T, String>) -> Option<T> {
    found.map_err(|reason| skip(name, &reason)).ok()
}

/// The released node.
///
/// # Errors
/// Why it cannot be started.
pub fn node_binary() -> Result<PathBuf, String> {
    binary("DENREI_BIN")
}

/// The node with points of failure built in.
///
/// # Errors
/// Why it cannot be started.
pub fn faulty_binary() -> Result<PathBuf, String> {
    binary("DENREI_FAULTS_BIN")
}

fn binary(name: &str) -> Result<PathBuf, String> {
    let path = variable(name).map(PathBuf::from).ok_or_else(|| format!("{name} not set"))?;
    if path.is_file() { Ok(path) } else { Err(format!("{name}: {} is not there", path.display())) }
}

/// How many descriptors this process, and each that it starts from now on, may have open: as many as the system gives.
#[must_use]
pub fn descriptors_allowed() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(0)
}

/// Whether a program answers to these arguments.
#[must_use]
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet(Command::new(program).args(arguments)).is_ok_and(|status| status.success())
}

/// Looks until the condition holds; false if it does not in time.
pub fn holds_within(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let clock = clock();
    while !condition() {
        if clock.monotonic() > patience {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}
