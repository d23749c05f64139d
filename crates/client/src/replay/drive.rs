//! Driving a replay: everyone is registered, every device follows its stream, every sender sends in the order of the file.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use denrei_model::id::AccountId;
use denrei_model::wire::account::{DeviceDraft, LinkCode, LinkRequest, RegisterRequest};
use denrei_model::wire::message::{MessageDraft, Recipient, SendRequest};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

use super::cast::{Part, Person, people};
use super::record::{DeviceTape, Recorder, Tally, Tape};
use super::report::{Report, seconds};
use super::source::{self, Sent};
use super::{Latency, ReplayError, ReplayOptions, finish};
use crate::device::{Device, LinkError, NodeWatch, SendOutcome, Sending, register};
use crate::transport::{Call, Target};

/// Registrations at once.
const REGISTERING: usize = 32;

/// A person with their devices; the first one sends.
pub(super) struct Player {
    pub(super) account: AccountId,
    pub(super) devices: Vec<(Rc<Device>, Part)>,
}

/// What everyone shares.
pub(super) struct Stage {
    pub(super) target: Target,
    pub(super) watch: Rc<NodeWatch>,
    pub(super) recorder: Recorder,
    pub(super) tally: Rc<Tally>,
    pub(super) progress: ProgressBar,
    sends: Rc<Tape>,
    micros: RefCell<Histogram<u64>>,
    acknowledged: Cell<u64>,
    refused: Cell<u64>,
    retried: Cell<u64>,
    done: Cell<usize>,
    seed: u64,
}

/// One message on its way to its sender.
struct Errand {
    number: usize,
    to: AccountId,
    /// When it is due, in open loop.
    due: Option<Duration>,
    permit: tokio::sync::OwnedSemaphorePermit,
}

pub(super) async fn replay(options: &ReplayOptions) -> Result<Report, ReplayError> {
    let messages = source::read(&options.file, options.limit)?;
    let cast = people(&messages, options.seed);
    let watch = Rc::new(NodeWatch::default());
    let scratch = std::env::temp_dir().join(format!("denrei-replay-{}", std::process::id()));
    let directory = options.record.clone().unwrap_or_else(|| scratch.clone());
    let recorder = Recorder::new(&directory, Rc::clone(&watch))?;
    let stage = Rc::new(Stage {
        target: Target::parse(&options.node).map_err(LinkError::from)?,
        sends: recorder.tape("sends.ndjson"),
        progress: progress(options, messages.len()),
        watch,
        recorder,
        tally: Rc::default(),
        micros: RefCell::new(Histogram::new(3).map_err(|error| std::io::Error::other(error.to_string()))?),
        acknowledged: Cell::new(0),
        refused: Cell::new(0),
        retried: Cell::new(0),
        done: Cell::new(0),
        seed: options.seed,
    });
    let players = enter(&stage, &cast).await?;
    let streams: Vec<JoinHandle<Result<(), LinkError>>> = players
        .values()
        .flat_map(|player| player.devices.iter())
        .map(|(device, _)| spawn_local(Rc::clone(device).follow()))
        .collect();
    let (began, away_before) = (stage.watch.now(), stage.watch.away());
    act(&stage, &players, &messages, options).await?;
    let took = stage.watch.now() - began;
    let away = stage.watch.away() - away_before;
    let differences = finish::finish(&stage, &players, streams).await?;
    stage.recorder.finish()?;
    stage.progress.finish_and_clear();
    let verdict = crate::judge::judge(stage.recorder.directory())?;
    if options.record.is_none() {
        std::fs::remove_dir_all(&scratch)?;
    }
    let devices: Vec<_> = players.values().flat_map(|player| &player.devices).collect();
    let acknowledged = stage.acknowledged.get();
    Ok(Report {
        mode: options
            .speed
            .map_or_else(|| "closed loop".to_owned(), |speed| format!("open loop at {speed}×")),
        seed: options.seed,
        people: cast.len(),
        devices: devices.len(),
        messages: messages.len(),
        acknowledged,
        refused: stage.refused.get(),
        retried: stage.retried.get(),
        seconds: seconds(took),
        seconds_without_node: seconds(away),
        absences: stage.watch.absences(),
        sends_per_second: acknowledged as f64 / seconds(took.saturating_sub(away)).max(1e-9),
        latency_ms: Latency::of(&stage.micros.borrow()),
        bytes: stage.tally.bytes.get(),
        reconnects: devices.iter().map(|(device, _)| device.opened().saturating_sub(1)).sum(),
        full_syncs: stage
            .tally
            .full_syncs
            .borrow()
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
        differences,
        verdict,
        recording: options.record.clone(),
    })
}

fn progress(options: &ReplayOptions, total: usize) -> ProgressBar {
    if !options.progress {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} {msg}");
    ProgressBar::new(total as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Registers everyone and links their second devices.
async fn enter(stage: &Rc<Stage>, cast: &[Person]) -> Result<HashMap<String, Player>, ReplayError> {
    let permits = std::sync::Arc::new(Semaphore::new(REGISTERING));
    let mut entering = Vec::new();
    for person in cast {
        let (stage, person, permits) = (Rc::clone(stage), person.clone(), std::sync::Arc::clone(&permits));
        entering.push(spawn_local(async move {
            let _permit = permits.acquire_owned().await;
            let player = stage.enter_one(&person).await?;
            Ok::<_, LinkError>((person.name, player))
        }));
    }
    let mut players = HashMap::with_capacity(cast.len());
    for entered in entering {
        let (name, player) = entered.await.map_err(std::io::Error::other)??;
        players.insert(name, player);
    }
    Ok(players)
}

impl Stage {
    async fn enter_one(&self, person: &Person) -> Result<Player, LinkError> {
        let request = RegisterRequest {
            name: format!("person {}", person.name),
            device: draft(1),
            token: None,
            external_id: None,
        };
        // One run is one set of people: the key holds the time at which it began.
        let key =
            format!("{}-replay-{}-{}-{}", self.watch.date(), std::process::id(), self.seed, person.name);
        let credentials = register(&self.target, &self.watch, &request, &key).await?;
        let account = credentials.account;
        let mut devices =
            vec![(self.device(credentials), person.devices.first().cloned().unwrap_or(Part { away: None }))];
        if let (Some(part), Some((first, _))) = (person.devices.get(1), devices.first()) {
            let code: LinkCode = granted(
                &first.ask(&Call::new(crate::transport::Method::POST, "/v1/devices/link-code")).await?,
            )?;
            let link = LinkRequest { code: code.code, device: draft(2) };
            let linked =
                first.ask(&Call::post("/v1/devices/link", &link).key(&format!("{key}-link"))).await?;
            let second = self.device(granted(&linked)?);
            devices.push((second, part.clone()));
        }
        Ok(Player { account, devices })
    }

    /// A device whose frames are recorded.
    pub(super) fn device(&self, credentials: denrei_model::wire::account::Credentials) -> Rc<Device> {
        let tape = self.recorder.tape(&format!("devices/{}.ndjson", credentials.device));
        let whose = format!(",\"account\":\"{}\",\"device\":\"{}\"", credentials.account, credentials.device);
        tape.line("device", &whose);
        let observer = Rc::new(DeviceTape { tape, tally: Rc::clone(&self.tally) });
        Device::new(self.target.clone(), credentials, Rc::clone(&self.watch), observer)
    }

    /// Turns devices off and on as the replay goes.
    fn cue(&self, players: &HashMap<String, Player>, total: usize) {
        let place = self.done.get() as f64 / total.max(1) as f64;
        for (device, part) in players.values().flat_map(|player| &player.devices) {
            if let Some((from, to)) = part.away {
                device.turn(!(from..to).contains(&place));
            }
        }
    }

    /// Sends one message and notes what came of it.
    async fn run_errand(&self, player: &Device, errand: Errand) -> Result<(), LinkError> {
        let Errand { number, to, due, permit } = errand;
        let credentials = player.credentials();
        let key = format!("{}-{}-{}-{number}", self.watch.date(), std::process::id(), self.seed);
        let text = format!("message {number} of seed {}", self.seed);
        let message = MessageDraft::Text { text, reply_to: None, mentions: Vec::new() };
        let request = SendRequest { to: Recipient::Account(to), message };
        let sending = Sending { key, request };
        if let Some(wait) = due.and_then(|due| due.checked_sub(self.watch.now())) {
            sleep(wait).await;
        }
        let outcome = player.send(&sending).await?;
        drop(permit);
        self.note(&credentials, &sending, &outcome, due);
        Ok(())
    }

    fn note(
        &self,
        credentials: &denrei_model::wire::account::Credentials,
        sending: &Sending,
        outcome: &SendOutcome,
        due: Option<Duration>,
    ) {
        let line = json!({
            "at": self.watch.wall_ms(),
            "account": credentials.account,
            "device": credentials.device,
            "key": sending.key,
            "request": sending.request,
            "attempts": outcome.attempts,
            "status": outcome.status,
            "answer": serde_json::from_str::<serde_json::Value>(&outcome.body).ok(),
        });
        self.sends.raw(&line.to_string());
        let settled = if outcome.answer.is_some() { &self.acknowledged } else { &self.refused };
        settled.set(settled.get() + 1);
        if outcome.attempts == 1 {
            let took = due.map_or(outcome.took, |due| self.watch.now().saturating_sub(due));
            self.micros.borrow_mut().saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        } else {
            self.retried.set(self.retried.get() + 1);
        }
        self.done.set(self.done.get() + 1);
        self.progress.inc(1);
    }
}

fn draft(number: u32) -> DeviceDraft {
    DeviceDraft { name: format!("device {number}"), platform: "replay".to_owned() }
}

/// The body of an answer that grants.
fn granted<T: serde::de::DeserializeOwned>(answer: &crate::transport::Answer) -> Result<T, LinkError> {
    let refused = || LinkError::Refused { status: answer.status, body: answer.body.clone() };
    if answer.is_ok() { answer.json().map_err(|_| refused()) } else { Err(refused()) }
}

/// Hands every message to its sender, in the order of the file, within the bound of sends in flight.
async fn act(
    stage: &Rc<Stage>,
    players: &HashMap<String, Player>,
    messages: &[Sent],
    options: &ReplayOptions,
) -> Result<(), ReplayError> {
    let permits = std::sync::Arc::new(Semaphore::new(options.in_flight.max(1)));
    let began = stage.watch.now();
    let first = messages.first().map_or(0, |message| message.at);
    let mut desks: HashMap<&str, mpsc::UnboundedSender<Errand>> = HashMap::new();
    let mut senders = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        let (Some(player), Some(receiver)) = (players.get(&message.sender), players.get(&message.receiver))
        else {
            continue;
        };
        let due = options
            .speed
            .map(|speed| began + Duration::from_secs_f64(message.at.saturating_sub(first) as f64 / speed));
        if let Some(wait) = due.and_then(|due| due.checked_sub(stage.watch.now())) {
            sleep(wait).await;
        }
        // Bounded by the permits: an errand holds one until it is answered.
        let permit = std::sync::Arc::clone(&permits).acquire_owned().await.map_err(std::io::Error::other)?;
        stage.cue(players, messages.len());
        let desk = desks.entry(&message.sender).or_insert_with(|| {
            let (desk, errands) = mpsc::unbounded_channel();
            if let Some((device, _)) = player.devices.first() {
                senders.push(spawn_local(send_in_order(Rc::clone(stage), Rc::clone(device), errands)));
            }
            desk
        });
        // A sender that is gone has failed; its error is found below.
        let _ = desk.send(Errand { number, to: receiver.account, due, permit });
    }
    drop(desks);
    for sender in senders {
        sender.await.map_err(std::io::Error::other)??;
    }
    Ok(())
}

async fn send_in_order(
    stage: Rc<Stage>,
    device: Rc<Device>,
    mut errands: mpsc::UnboundedReceiver<Errand>,
) -> Result<(), LinkError> {
    while let Some(errand) = errands.recv().await {
        stage.run_errand(&device, errand).await?;
    }
    Ok(())
}
