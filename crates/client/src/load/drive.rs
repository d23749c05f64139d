//! Putting a pattern on the stage: people come and their streams open, then turn after turn is played, then all is judged.

use std::rc::Rc;
use std::time::Duration;

use denrei_model::id::AccountId;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::sleep;

use super::direct::{Direct, Friends};
use super::groups::Groups;
use super::schedule::{Schedule, Turn};
use super::slow::SlowReaders;
use super::storm::Storms;
use super::{Extent, Findings, LoadOptions, LoadReport, Pattern, idle};
use crate::stage::{self, Desks, Entrance, Errand, Player, RunError, Span, Stage, StageOptions};

/// One in so many people has a second device.
const TWO_DEVICES: u32 = 10;
/// Messages of each chat that a device keeps; the judge compares all of them.
const KEPT: usize = 30;
/// How long all logs must rest at the end; in groups longer than the pause between two tellings of read marks.
const QUIET: Duration = Duration::from_millis(200);
const QUIET_IN_GROUPS: Duration = Duration::from_secs(3);
/// Where nobody can do anything now, it is looked again after this.
const NOTHING: Duration = Duration::from_millis(1);

/// Who does what next.
pub(super) trait Play {
    /// What somebody does at this turn; none if nobody can do anything now.
    fn errand(&mut self, turn: Turn) -> Option<(AccountId, Errand)>;
}

/// What is on while a pattern is played.
enum Scene {
    Direct,
    Groups(Groups),
    Idle(Findings),
    Storm(Storms),
    Slow(SlowReaders),
}

/// People on the stage who play a pattern.
struct Company<'a> {
    options: &'a LoadOptions,
    stage: Rc<Stage>,
    players: Vec<Player>,
}

pub(super) async fn load(options: &LoadOptions) -> Result<LoadReport, RunError> {
    let stage = open(options)?;
    let mut chance = SmallRng::seed_from_u64(options.seed);
    let slow = match options.pattern {
        Pattern::Slow { percent, bytes_per_second } => {
            Some(SlowReaders::among(&stage, options.people.get(), (percent, bytes_per_second))?)
        }
        _ => None,
    };
    let opening = stage.measure();
    let mut entrances = entrances(&stage, options, &mut chance);
    if let Some(slow) = &slow {
        slow.mark(&mut entrances);
    }
    let players = tokio::select! {
        players = stage.enter(&entrances) => players?,
        unmet = stage.unmet(patience(options.extent)) => return Err(unmet),
    };
    players.iter().flat_map(|player| &player.devices).for_each(|device| device.keep_newest(KEPT));
    let streams = stage.open_streams(&players).await?;
    let opened_before = reopened(&players);
    let company = Company { options, stage: Rc::clone(&stage), players };
    let (scene, span) = company.play(opening(), slow, chance).await?;
    let quiet = if matches!(scene, Scene::Groups(_)) { QUIET_IN_GROUPS } else { QUIET };
    let differences = stage::finish(&stage, &company.players, streams, quiet).await?;
    let (findings, broken) = scene.findings(&company.players);
    let mut run = stage.report(mode(options), span, company.players, differences)?;
    run.reconnects = run.reconnects.saturating_sub(opened_before);
    Ok(LoadReport {
        pattern: options.pattern.to_string(),
        run,
        delivery_ms: stage.tally.delivery.latency(),
        findings,
        refusals: stage.score.refusals.borrow().clone(),
        broken: broken.into_iter().collect(),
    })
}

fn open(options: &LoadOptions) -> Result<Rc<Stage>, RunError> {
    let messages = match options.extent {
        Extent::Messages(messages) => Some(messages),
        Extent::Time(_) => None,
    };
    Stage::open(StageOptions {
        play: "load",
        node: options.node.clone(),
        certificates: options.certificates.clone(),
        seed: options.seed,
        record: options.record.clone(),
        progress: options.progress,
        messages,
    })
}

/// For how long a node is waited for that was never there: a run of so much time takes no longer for want of one.
fn patience(extent: Extent) -> Duration {
    match extent {
        Extent::Time(time) => time,
        Extent::Messages(_) => Duration::MAX,
    }
}

fn entrances(stage: &Stage, options: &LoadOptions, chance: &mut SmallRng) -> Vec<Entrance> {
    // Idle streams are counted by those who ask for them.
    let second =
        |chance: &mut SmallRng| options.pattern != Pattern::Idle && chance.random_ratio(1, TWO_DEVICES);
    let entrance = |number: usize| {
        let devices = if second(chance) { 2 } else { 1 };
        stage.entrance(&number.to_string(), devices)
    };
    (0..options.people.get()).map(entrance).collect()
}

/// Streams that were opened beyond the first of each device.
fn reopened(players: &[Player]) -> u64 {
    let devices = players.iter().flat_map(|player| &player.devices);
    devices.map(|device| device.opened().saturating_sub(1)).sum()
}

fn mode(options: &LoadOptions) -> String {
    match options.rate {
        _ if options.pattern == Pattern::Idle => "held open".to_owned(),
        Some(rate) => format!("open loop at {rate}/s, latency from the scheduled time"),
        None => "closed loop, latency from sending".to_owned(),
    }
}

impl Company<'_> {
    /// Plays a pattern to its end, and measures from its first turn to the last answer.
    async fn play(
        &self,
        opening: Span,
        slow: Option<SlowReaders>,
        chance: SmallRng,
    ) -> Result<(Scene, Span), RunError> {
        let Self { options, stage, players } = self;
        match (options.pattern, slow) {
            (Pattern::Idle, _) => {
                let span = stage.measure();
                let findings = idle::hold(stage, options.extent, opening).await;
                Ok((Scene::Idle(findings), span()))
            }
            (Pattern::Groups { largest }, _) => {
                let mut groups = Groups::new(stage, players, largest, chance);
                groups.found(options.in_flight).await?;
                let span = self.turns(&mut groups).await?;
                Ok((Scene::Groups(groups), span))
            }
            (Pattern::Storm { every }, _) => {
                let storms = Storms::begin(stage, players, every);
                let span = self.turns(&mut self.direct(Vec::new(), chance)).await?;
                storms.end();
                Ok((Scene::Storm(storms), span))
            }
            (_, Some(mut slow)) => {
                slow.begin(players);
                let span = self.turns(&mut self.direct(slow.people().to_vec(), chance)).await?;
                slow.end(players);
                Ok((Scene::Slow(slow), span))
            }
            (Pattern::Direct | Pattern::Slow { .. }, None) => {
                let span = self.turns(&mut self.direct(Vec::new(), chance)).await?;
                Ok((Scene::Direct, span))
            }
        }
    }

    /// People who write to their friends, and to these more than to others.
    fn direct(&self, favoured: Vec<usize>, chance: SmallRng) -> Direct {
        let friends = Friends::new(self.players.len(), favoured);
        Direct::new(&self.stage, &self.players, friends, chance)
    }

    /// Plays turn after turn, within the bound of what may be in flight, and waits for the last answer.
    async fn turns(&self, play: &mut impl Play) -> Result<Span, RunError> {
        let Self { options, stage, .. } = self;
        let span = stage.measure();
        let mut desks = Desks::new(options.in_flight);
        let mut schedule = Schedule::new(stage.watch.now(), options.extent, options.rate);
        while let Some(turn) = schedule.next(stage.watch.now(), stage.score.begun.get()) {
            if let Some(wait) = turn.due.and_then(|due| due.checked_sub(stage.watch.now())) {
                sleep(wait).await;
            }
            let permit = desks.permit().await?;
            match play.errand(turn) {
                Some((whose, errand)) => desks.hand(whose, permit, errand),
                None => sleep(NOTHING).await,
            }
        }
        desks.close().await?;
        Ok(span())
    }
}

impl Scene {
    /// What it showed, and what it found broken.
    fn findings(&self, players: &[Player]) -> (Findings, Option<String>) {
        match self {
            Self::Direct => (Findings::Direct, None),
            Self::Groups(groups) => (groups.findings(), None),
            Self::Idle(findings) => (findings.clone(), None),
            Self::Storm(storms) => (storms.findings(), None),
            Self::Slow(slow) => (slow.findings(players), slow.broken(players)),
        }
    }
}
