//! Reading who wrote to whom, and when.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
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

/// What a file holds.
#[derive(Default, Debug)]
pub(super) struct Source {
    /// In the order of the file; at least one.
    pub(super) messages: Vec<Sent>,
    /// How many more there were that somebody wrote to themselves. A chat has two people: these cannot be sent.
    pub(super) to_oneself: u64,
}

/// All messages of a file, or the first so many.
pub(super) fn read(path: &Path, limit: Option<NonZeroUsize>) -> Result<Source, ReplayError> {
    let Source { mut messages, mut to_oneself } = Source::default();
    let unreadable = |source| ReplayError::Unreadable { file: path.to_owned(), source };
    let malformed = |line| Err(ReplayError::Malformed { file: path.to_owned(), line });
    for (line, text) in (1..).zip(BufReader::new(File::open(path).map_err(unreadable)?).lines()) {
        let text = text.map_err(unreadable)?;
        let mut words = text.split_whitespace();
        let (Some(sender), Some(receiver), Some(at)) = (words.next(), words.next(), words.next()) else {
            if text.trim().is_empty() {
                continue;
            }
            return malformed(line);
        };
        let Ok(at) = at.parse::<f64>() else {
            if line == 1 {
                continue;
            }
            return malformed(line);
        };
        if sender == receiver {
            to_oneself += 1;
        } else {
            let at = at.max(0.0) as u64;
            messages.push(Sent { sender: sender.to_owned(), receiver: receiver.to_owned(), at });
        }
        if limit.is_some_and(|limit| messages.len() >= limit.get()) {
            break;
        }
    }
    if messages.is_empty() {
        return Err(ReplayError::Nothing { file: path.to_owned(), to_oneself });
    }
    Ok(Source { messages, to_oneself })
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;

    use super::*;

    /// What is said of this error, with its causes.
    fn said(error: &ReplayError) -> String {
        let (mut said, mut cause) = (error.to_string(), error.source());
        while let Some(next) = cause {
            said = format!("{said}: {next}");
            cause = next.source();
        }
        said
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_and_its_cause_told_once() {
        let error = read(Path::new("/no/such/file"), None).unwrap_err();
        assert_eq!(said(&error), "cannot read /no/such/file: No such file or directory (os error 2)");
    }

    /// What becomes of a file with this text.
    fn read_text(text: &str) -> Result<Source, ReplayError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path(), None)
    }

    #[test]
    fn messages_to_oneself_are_left_out_and_counted() {
        let Source { messages, to_oneself } = read_text("1 2 5\n2 2 6\n\n3 3 7\n2 1 8\n").unwrap();
        let senders: Vec<_> = messages.into_iter().map(|message| message.sender).collect();
        assert_eq!((senders, to_oneself), (vec!["1".to_owned(), "2".to_owned()], 2));
    }

    #[test]
    fn a_file_with_nothing_to_send_is_refused() {
        for (text, count) in [("", 0), ("sender receiver at\n", 0), ("1 1 5\n", 1)] {
            let refused = read_text(text).unwrap_err();
            assert!(
                matches!(refused, ReplayError::Nothing { to_oneself, .. } if to_oneself == count),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_line_that_is_none_is_named_with_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("messages");
        fs::write(&file, "sender receiver at\n1 2 5\n1 2\n").unwrap();
        let error = said(&read(&file, None).unwrap_err());
        assert!(error.starts_with(&format!("{}, line 3: expected", file.display())), "{error}");
    }
}
