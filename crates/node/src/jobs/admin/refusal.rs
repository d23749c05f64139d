//! What goes wrong with the log, as a problem: the one place where the two meet.

use std::time::Duration;

use denrei_gateway::problem::{Code, Problem};
use denrei_storage::log::{ErrorKind, LogError};

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The problem that an error of the log is.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
pub(super) fn problem(error: LogError) -> Problem {
    let problem = match error.kind() {
        ErrorKind::NoTopic | ErrorKind::NoPartition => Problem::new(Code::NotFound),
        ErrorKind::Invalid | ErrorKind::TooLarge => Problem::new(Code::InvalidRequest),
        ErrorKind::Full | ErrorKind::Unavailable | ErrorKind::GroupActive => {
            Problem::new(Code::Unavailable).retry_after(RETRY_AFTER)
        }
        ErrorKind::Closed => Problem::new(Code::Unavailable),
        ErrorKind::TopicExists | ErrorKind::NotOwner | ErrorKind::Corrupt | ErrorKind::Fatal => {
            Problem::new(Code::Internal)
        }
    };
    // The kind, in words of the log's own, is said by the problem's code.
    let said = error.to_string();
    let kind = format!("{:?}: ", error.kind());
    problem.detail(said.strip_prefix(&kind).unwrap_or(&said))
}

/// How much of a list is shown: 100 entries if nothing else is asked for, 1,000 at most.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(100),
        Some(limit @ 1..=1_000) => Ok(limit),
        Some(_) => {
            Err(Problem::new(Code::InvalidRequest).detail("`limit` must be 1 to 1000").with("field", "limit"))
        }
    }
}
