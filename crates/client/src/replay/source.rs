//! Reading who wrote to whom, and when.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::ReplayError;

/// One message of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sent {
    pub(super) sender: String,
    pub(super) receiver: String,
    /// Seconds since the epoch.
    pub(super) at: u64,
}

/// All messages, in the order of the file. Those to oneself are left out.
pub(super) fn read(path: &Path, limit: Option<usize>) -> Result<Vec<Sent>, ReplayError> {
    let mut messages = Vec::new();
    for (line, text) in (1..).zip(BufReader::new(File::open(path)?).lines()) {
        let text = text?;
        let mut words = text.split_whitespace();
        let (Some(sender), Some(receiver), Some(at)) = (words.next(), words.next(), words.next()) else {
            if text.trim().is_empty() {
                continue;
            }
            return Err(ReplayError::Malformed { line });
        };
        let Ok(at) = at.parse::<f64>() else {
            if line == 1 {
                continue;
            }
            return Err(ReplayError::Malformed { line });
        };
        if sender != receiver {
            let at = at.max(0.0) as u64;
            messages.push(Sent { sender: sender.to_owned(), receiver: receiver.to_owned(), at });
        }
        if limit.is_some_and(|limit| messages.len() >= limit) {
            break;
        }
    }
    Ok(messages)
}
