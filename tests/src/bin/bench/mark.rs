//! Messages that carry their number.

use anyhow::Context as _;
use denrei_client::transport::Call;
use denrei_tests::surroundings;
use serde_json::json;

use crate::people::Device;

/// What stands before a number, as no other part of a frame does.
const BEFORE: &str = "bench=";
/// Brings a message to the length of those that people write.
const REST: &str = "meet me at the station at seven, I bring the tickets";

/// A message with this number, from one of the devices to the account of another.
pub(crate) fn message(number: usize, devices: &[Device], (from, to): (usize, usize)) -> anyhow::Result<Call> {
    let (from, to) = devices.get(from).zip(devices.get(to)).context("there is no such device")?;
    let text = format!("{BEFORE}{number}; {REST}");
    let body = json!({ "to": to.account.to_string(), "message": { "type": "text", "text": text } });
    let key = format!("{}-{number}", surroundings::day(0));
    Ok(Call::post("/v1/messages", &body).bearer(&from.token).key(&key))
}

/// The numbers of the messages in a frame.
pub(crate) fn numbers(frame: &str) -> impl Iterator<Item = usize> {
    frame.split(BEFORE).skip(1).filter_map(|rest| rest.split(';').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_frame_is_found() {
        let frame = r#"{"text":"bench=1; meet me"},{"text":"bench=23; meet me"}"#;
        assert_eq!(numbers(frame).collect::<Vec<_>>(), [1, 23]);
        assert_eq!(numbers("{}").count(), 0);
    }
}
