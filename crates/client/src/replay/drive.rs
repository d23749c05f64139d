//! Driving a replay: everyone is registered, every device follows its stream, every sender sends in the order of the file.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use denrei_model::wire::message::Recipient;
use tokio::time::sleep;

use super::cast::{Person, people};
use super::source::{self, Sent, Source};
use super::{ReplayError, ReplayOptions, ReplayReport};
use crate::stage::{self, Desks, Player, RunError, Said, Stage, StageOptions};

/// How long all logs must rest before the copies are compared.
const QUIET: Duration = Duration::from_millis(200);

/// Everyone, in the order of the cast.
struct Company {
    cast: Vec<Person>,
    players: Vec<Player>,
}

pub(super) async fn replay(options: &ReplayOptions) -> Result<ReplayReport, ReplayError> {
    let Source { messages, to_oneself } = source::read(&options.file, options.limit)?;
    let cast = people(&messages, options.seed);
    let stage = Stage::open(StageOptions {
        play: "replay",
        node: options.node.clone(),
        certificates: options.certificates.clone(),
        seed: options.seed,
        record: options.record.clone(),
        progress: options.progress,
        messages: Some(messages.len()),
    })?;
    let entrances: Vec<_> =
        cast.iter().map(|person| stage.entrance(&person.name, person.devices.len())).collect();
    let company = Company { players: stage.enter(&entrances).await?, cast };
    let streams = stage::follow(&company.players);
    let span = stage.measure();
    act(&stage, &company, &messages, options).await?;
    let span = span();
    let differences = stage::finish(&stage, &company.players, streams, QUIET).await?;
    let run = stage.report(mode(options.speed), span, company.players, differences)?;
    Ok(ReplayReport { run, to_oneself })
}

fn mode(speed: Option<f64>) -> String {
    match speed {
        Some(speed) => format!("open loop at {speed}×, latency from the scheduled time"),
        None => "closed loop, latency from sending".to_owned(),
    }
}

/// When a message is due: as long after the beginning as it was after the first, at this multiple of the speed.
fn due(began: Duration, after_first: u64, speed: f64) -> Duration {
    let after = Duration::try_from_secs_f64(after_first as f64 / speed).unwrap_or(Duration::MAX);
    began.saturating_add(after)
}

/// Hands every message to its sender, in the order of the file, within the bound of sends in flight.
async fn act(
    stage: &Rc<Stage>,
    company: &Company,
    messages: &[Sent],
    options: &ReplayOptions,
) -> Result<(), RunError> {
    let by_name: HashMap<&str, &Player> =
        company.cast.iter().map(|person| person.name.as_str()).zip(&company.players).collect();
    let mut desks = Desks::new(options.in_flight);
    let began = stage.watch.now();
    let first = messages.first().map_or(0, |message| message.at);
    stage.score.begun.set(messages.len());
    for (number, message) in messages.iter().enumerate() {
        let (Some(player), Some(receiver)) = (by_name.get(&*message.sender), by_name.get(&*message.receiver))
        else {
            continue;
        };
        let due = options.speed.map(|speed| due(began, message.at.saturating_sub(first), speed));
        if let Some(wait) = due.and_then(|due| due.checked_sub(stage.watch.now())) {
            sleep(wait).await;
        }
        let permit = desks.permit().await?;
        company.cue(stage.score.done.get() as f64 / messages.len() as f64);
        let Some(device) = player.sender().cloned() else { continue };
        let said = Said { number, to: Recipient::Account(receiver.account), due, stamped: false };
        let stage = Rc::clone(stage);
        let errand = async move { stage.send(&device, said).await.map(drop) };
        desks.hand(player.account, permit, Box::pin(errand));
    }
    desks.close().await
}

impl Company {
    /// Turns devices off and on as the replay goes: this part of it is done.
    fn cue(&self, place: f64) {
        for (person, player) in self.cast.iter().zip(&self.players) {
            for (part, device) in person.devices.iter().zip(&player.devices) {
                if let Some((from, to)) = part.away {
                    device.turn(!(from..to).contains(&place));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_as_the_file_has_them_at_the_speed_that_is_wanted() {
        let began = Duration::from_secs(7);
        assert_eq!(due(began, 0, 60.0), began);
        assert_eq!(due(began, 600, 60.0), Duration::from_secs(17));
    }

    #[test]
    fn the_mode_says_from_when_latency_counts() {
        assert_eq!(mode(None), "closed loop, latency from sending");
        assert_eq!(mode(Some(2.0)), "open loop at 2×, latency from the scheduled time");
    }
}
