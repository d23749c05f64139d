//! Times within messages: what a device receives says when it was sent, so that nothing has to be remembered meanwhile.

use std::time::Duration;

/// Comes before the microseconds; no text of ours has it elsewhere.
const MARK: &str = " sent at ";

/// The text of a message with the time from which its delivery counts, on the clock of the run.
pub(super) fn stamped(text: &str, at: Duration) -> String {
    format!("{text}{MARK}{}", at.as_micros())
}

/// The time in an operation as it came, if it carries a stamped message of somebody else's.
pub(super) fn read(operation: &str) -> Option<Duration> {
    if !operation.contains("\"RECEIVE_MESSAGE\"") {
        return None;
    }
    let (_, rest) = operation.split_once(MARK)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).map_or(rest, |end| rest.split_at(end).0);
    digits.parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(kind: &str, text: &str) -> String {
        json!({ "type": kind, "payload": { "message": { "content": { "text": text }, "seq": 7 } } })
            .to_string()
    }

    #[test]
    fn what_was_stamped_is_read_from_the_operation_of_a_receiver() {
        let text = stamped("message 5 of seed 1", Duration::from_micros(123_456_789));
        assert_eq!(read(&operation("RECEIVE_MESSAGE", &text)), Some(Duration::from_micros(123_456_789)));
        assert_eq!(read(&operation("SEND_MESSAGE", &text)), None);
    }

    #[test]
    fn an_operation_without_a_stamp_has_no_time() {
        assert_eq!(read(&operation("RECEIVE_MESSAGE", "message 5 of seed 1")), None);
        assert_eq!(read("{}"), None);
    }
}
