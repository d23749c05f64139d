//! Groups: people make them, ask others in, come and go, write, read, react, take back and rename, all mixed.
//!
//! ```text
//! circles ──a plan by chance──► errand of somebody ──call──► node
//!    ▲                                                        │
//!    └───────────────────── its answer ◄──────────────────────┘
//! ```
//! A plan is chosen so that nothing refuses it, and everyone does what they were told in order: a refusal is a finding.

mod call;
mod circle;
mod circles;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use denrei_model::id::{AccountId, ChatId};
use denrei_model::wire::chat::{ChatAnswer, ReadAnswer};
use denrei_model::wire::message::Recipient;
use rand::rngs::SmallRng;

use self::circle::Deed;
use self::circles::{Circles, Plan};
use super::Findings;
use super::drive::Play;
use super::schedule::Turn;
use crate::device::{Device, LinkError};
use crate::stage::{Change, Desks, Errand, Player, RunError, Said, Stage};

/// Groups and the people in them.
pub(super) struct Groups {
    stage: Rc<Stage>,
    circles: Rc<RefCell<Circles>>,
    /// Everybody's account and the device that they act from, by their number.
    accounts: Vec<AccountId>,
    devices: Vec<Rc<Device>>,
    chance: SmallRng,
    /// Numbers changes; no two of a run have the same.
    changes: usize,
}

impl Groups {
    pub(super) fn new(stage: &Rc<Stage>, players: &[Player], largest: usize, chance: SmallRng) -> Self {
        let circles = Rc::new(RefCell::new(Circles::new(players.len(), largest)));
        Self {
            stage: Rc::clone(stage),
            circles,
            accounts: players.iter().map(|player| player.account).collect(),
            devices: players.iter().filter_map(|player| player.sender().cloned()).collect(),
            chance,
            changes: 0,
        }
    }

    /// Makes the first groups, and lets most of those who are asked in come. None of it is counted.
    pub(super) async fn found(&mut self, in_flight: usize) -> Result<(), RunError> {
        let first = self.circles.borrow().first();
        let create = |_| self.circles.borrow_mut().create(&mut self.chance);
        let plans = (0..first).map(create).collect();
        self.carry_out(plans, in_flight).await?;
        let plans = self.circles.borrow_mut().first_acceptances();
        self.carry_out(plans, in_flight).await?;
        self.stage.score.forget_changes();
        Ok(())
    }

    async fn carry_out(&mut self, plans: Vec<Plan>, in_flight: usize) -> Result<(), RunError> {
        let mut desks = Desks::new(in_flight);
        for plan in plans {
            let permit = desks.permit().await?;
            if let Some((whose, errand)) = self.errand_of(plan, None) {
                desks.hand(whose, permit, errand);
            }
        }
        desks.close().await
    }

    pub(super) fn findings(&self) -> Findings {
        let (circles, score) = (self.circles.borrow(), &self.stage.score);
        let changes =
            score.changes.borrow().iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Findings::Groups {
            groups: circles.len(),
            largest_group: circles.largest(),
            changes,
            change_latency_ms: score.changing.latency(),
        }
    }

    /// What a plan means for whom.
    fn errand_of(&mut self, plan: Plan, due: Option<Duration>) -> Option<(AccountId, Errand)> {
        let (who, deed) = &plan.choice;
        let (account, device) = (*self.accounts.get(*who)?, Rc::clone(self.devices.get(*who)?));
        let (stage, circles) = (Rc::clone(&self.stage), Rc::clone(&self.circles));
        let chat = circles.borrow().chat(plan.circle);
        if *deed == Deed::Say {
            let said =
                Said { number: self.stage.next_message(), to: Recipient::Chat(chat?), due, stamped: true };
            return Some((account, Box::pin(say(stage, circles, device, plan, said))));
        }
        self.changes += 1;
        let (name, call) = call::of(deed, chat, self.changes, &self.accounts)?;
        let change = Change { name, number: self.changes, call, due };
        Some((account, Box::pin(alter(stage, circles, device, plan, change))))
    }
}

impl Play for Groups {
    fn errand(&mut self, turn: Turn) -> Option<(AccountId, Errand)> {
        let plan = self.circles.borrow_mut().draw(&mut self.chance)?;
        self.errand_of(plan, turn.due)
    }
}

async fn say(
    stage: Rc<Stage>,
    circles: Rc<RefCell<Circles>>,
    device: Rc<Device>,
    plan: Plan,
    said: Said,
) -> Result<(), LinkError> {
    let outcome = stage.send(&device, said).await?;
    let answer = outcome.answer.map(|answer| (answer.chat, answer.seq.get()));
    circles.borrow_mut().settle(plan, answer);
    Ok(())
}

async fn alter(
    stage: Rc<Stage>,
    circles: Rc<RefCell<Circles>>,
    device: Rc<Device>,
    plan: Plan,
    change: Change,
) -> Result<(), LinkError> {
    let answer: Option<(ChatId, u64)> = if matches!(plan.choice.1, Deed::Read { .. }) {
        let read: Option<ReadAnswer> = stage.change(&device, change).await?;
        read.map(|read| (read.chat, read.seq.get()))
    } else {
        let changed: Option<ChatAnswer> = stage.change(&device, change).await?;
        changed.map(|changed| (changed.chat, changed.seq.get()))
    };
    circles.borrow_mut().settle(plan, answer);
    Ok(())
}
