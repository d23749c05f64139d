//! How much of a list is shown.

use crate::problem::{Code, Problem};

/// Entries shown if nothing else is asked for.
const LIMIT: usize = 100;
/// The most that may be asked for.
const MAX_LIMIT: usize = 1_000;

/// How many entries are asked for.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(LIMIT),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(_) => {
            let detail = format!("`limit` must be 1 to {MAX_LIMIT}");
            Err(Problem::new(Code::InvalidRequest).detail(detail).with("field", "limit"))
        }
    }
}
