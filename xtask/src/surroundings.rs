//! The one module that reads the environment and the clock, and that speaks.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

/// Prints a line. A reader that has gone away is no reason to stop what is being done.
pub(crate) fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}"));
    drop(out.flush());
}

/// A variable of the environment, if it is set to something.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the environment")]
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The same, as text.
pub(crate) fn text(name: &str) -> Option<String> {
    variable(name).and_then(|value| value.into_string().ok())
}

/// Now, for measuring how long something takes.
pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the clock")]
    Instant::now()
}

/// Where downloads are kept between checkouts, if the user has such a place.
pub(crate) fn cache() -> Option<PathBuf> {
    let base = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    Some(base.join("denrei"))
}

/// Whether a program can be found.
pub(crate) fn has_program(name: &str) -> bool {
    variable("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}
