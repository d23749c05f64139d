//! People do at random what they may, the store misbehaves, the node dies: and everything stands.
//!
//! A failure names its seed. `DENREI_SEEDS`, set when this is built, says how many seeds each test runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use denrei_actors::account::contact::block::SetBlock;
use denrei_actors::account::contact::put::PutContact;
use denrei_actors::account::contact::remove::RemoveContact;
use denrei_actors::account::mark_read::MarkRead;
use denrei_actors::account::profile::{ReleaseHandle, UpdateProfile};
use denrei_actors::account::setting::SetSetting;
use denrei_actors::chatroom::answer::Answer;
use denrei_actors::chatroom::create::Create;
use denrei_actors::chatroom::invite::Invite;
use denrei_actors::chatroom::join::Join;
use denrei_actors::chatroom::leave::Leave;
use denrei_actors::chatroom::react::React;
use denrei_actors::chatroom::remove::Remove;
use denrei_actors::chatroom::unsend::Unsend;
use denrei_actors::chatroom::update::Update;
use denrei_actors::name::handle::ClaimHandle;
use denrei_actors::shard::ShardOptions;
use denrei_model::id::ChatId;
use denrei_model::operation::JoinPolicy;
use denrei_model::position::Seq;
use denrei_storage::shard::EnqueueError;

use super::act::{Act, Told, direct, message, to_chat};
use super::judge;
use super::stage::{Setting, Stage, account, device, origin};

const PEOPLE: u8 = 5;
const STEPS: u32 = 250;

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn person(&mut self) -> u8 {
        self.below(u64::from(PEOPLE)) as u8 + 1
    }
}

fn group(number: u64) -> ChatId {
    ChatId::group(account(1), &number.to_string())
}

fn any_chat(dice: &mut Dice) -> ChatId {
    if dice.coin() { group(dice.below(2)) } else { direct(dice.person(), dice.person()) }
}

/// Something that this person does; blocks are rare, messages are not.
fn act(dice: &mut Dice, me: u8, key: &str) -> Act {
    let other = dice.person();
    let (chat, seq) = (any_chat(dice), Seq::new(dice.below(12) + 1));
    match dice.below(24) {
        0..=4 => Act::Send(message(me, other, Some(key), key)),
        5..=8 => Act::Send(to_chat(me, group(dice.below(2)), Some(key), key)),
        9 => Act::Unsend(Unsend { chat, seq, account: account(me) }),
        10 => {
            let emoji = dice.coin().then(|| "👍".to_owned());
            Act::React(React { chat, seq, account: account(me), emoji })
        }
        11..=13 => Act::MarkRead(MarkRead { account: account(me), chat, seq }),
        14 => Act::SetBlock(SetBlock { account: account(me), other: account(other), blocked: dice.coin() }),
        15 => {
            Act::PutContact(PutContact { account: account(me), other: account(other), favorite: dice.coin() })
        }
        16 => Act::RemoveContact(RemoveContact { account: account(me), other: account(other) }),
        17 => {
            let value = dice.coin().then(|| dice.below(3).to_string());
            let device = dice.coin().then(|| device(me));
            Act::SetSetting(SetSetting { account: account(me), device, key: "k".to_owned(), value })
        }
        18 => {
            let name = format!("name {}", dice.below(3));
            let (picture, status) = (String::new(), String::new());
            Act::UpdateProfile(UpdateProfile { account: account(me), name, picture, status })
        }
        19 if dice.coin() => Act::ReleaseHandle(ReleaseHandle { account: account(me) }),
        19 => Act::ClaimHandle(ClaimHandle { handle: format!("h{}", dice.below(9)), account: account(me) }),
        _ => in_group(dice, me, other),
    }
}

fn in_group(dice: &mut Dice, me: u8, other: u8) -> Act {
    let (chat, me, other) = (group(dice.below(2)), account(me), account(other));
    match dice.below(6) {
        0 => Act::Join(Join { chat, account: me }),
        1 => Act::Leave(Leave { chat, account: me }),
        2 => Act::Remove(Remove { chat, by: me, account: other }),
        3 => Act::Invite(Invite { chat, by: me, accounts: vec![other] }),
        4 => Act::Answer(Answer { chat, account: me, accept: dice.coin() }),
        _ => {
            let join = Some(if dice.below(4) == 0 { JoinPolicy::Invite } else { JoinPolicy::Open });
            Act::Update(Update { chat, by: me, name: Some(format!("g{}", dice.below(3))), join })
        }
    }
}

/// What was asked under each key, and every answer to it.
#[derive(Default)]
struct Asked {
    acts: Vec<(u8, String, Act)>,
    told: Rc<RefCell<BTreeMap<String, Vec<Told>>>>,
}

impl Asked {
    fn ask(&mut self, stage: &Stage, dice: &mut Dice) {
        let repeat = !self.acts.is_empty() && dice.below(5) == 0;
        if !repeat {
            let (me, key) = (dice.person(), format!("20261124-{}", self.acts.len()));
            let act = act(dice, me, &key);
            self.acts.push((me, key, act));
        }
        let index = if repeat { dice.below(self.acts.len() as u64) as usize } else { self.acts.len() - 1 };
        self.spawn(stage, index);
    }

    fn spawn(&self, stage: &Stage, index: usize) {
        let (me, key, act) = self.acts[index].clone();
        let (handle, told) = (stage.handle.clone(), Rc::clone(&self.told));
        actix::spawn(async move {
            let answer = act.ask(&handle, origin(me, Some(&key))).await;
            told.borrow_mut().entry(key).or_default().push(answer);
        });
    }

    fn unanswered(&self) -> Vec<usize> {
        let told = self.told.borrow();
        let answered = |key: &String| {
            matches!(told.get(key).and_then(|told| told.last()), Some(Told::Granted(_) | Told::Refused(_)))
        };
        (0..self.acts.len()).filter(|index| !answered(&self.acts[*index].1)).collect()
    }

    /// H4 and H6 for every command: all answers to one key are the same, also after crashes.
    fn agree(&self) {
        for (key, told) in self.told.borrow().iter() {
            let granted: Vec<_> = told.iter().filter(|told| matches!(told, Told::Granted(_))).collect();
            assert!(granted.windows(2).all(|pair| pair[0] == pair[1]), "H4: {key} was answered {granted:?}");
        }
    }
}

async fn trouble(stage: &mut Stage, dice: &mut Dice) {
    match dice.below(16) {
        0..=2 => stage.store.lag(dice.below(6) as usize),
        3 => stage.store.hold(),
        4..=6 => drop(stage.store.commit_next()),
        7 => drop(stage.store.commit_next_of(stage.shard(dice.person()))),
        8 => stage.store.hush(),
        9 | 10 => stage.store.speak(),
        11 => stage.store.refuse_next(EnqueueError::Full),
        12 => stage.rest(50 * dice.below(8)).await,
        13 => {
            let waiting = stage.store.waiting() as u64;
            let mut keep = Dice(dice.next());
            let store = if dice.coin() {
                stage.store.crash_keeping(|_, _| keep.below(4) > 0)
            } else {
                stage.store.crash(dice.below(waiting + 1) as usize)
            };
            stage.restart(store).await;
            listen(stage).await;
        }
        14 => stage.clock.advance(std::time::Duration::from_millis(dice.below(3_000))),
        _ => {}
    }
}

async fn listen(stage: &mut Stage) {
    for number in 1..=PEOPLE {
        stage.listen(number).await;
    }
}

async fn run(seed: u64, setting: Setting) {
    let mut dice = Dice(seed);
    let mut stage = Stage::with_people(setting, PEOPLE).await;
    for number in 0..2 {
        let (chat, creator, join) = (group(number), account(1), JoinPolicy::Open);
        let invite = vec![account(2), account(3)];
        let create = Create { chat, creator, name: "g".to_owned(), join, invite };
        stage.handle.ask(create, origin(1, None)).await.unwrap();
    }
    listen(&mut stage).await;
    let mut asked = Asked::default();
    for _ in 0..STEPS {
        for _ in 0..dice.below(4) {
            asked.ask(&stage, &mut dice);
        }
        trouble(&mut stage, &mut dice).await;
        for _ in 0..dice.below(30) {
            tokio::task::yield_now().await;
        }
    }
    stage.store.speak();
    stage.store.release();
    stage.rest(10_000).await;
    // Everyone asks again; whoever is not answered then, because the store was still to refuse one, once more.
    for round in 0..2 {
        let again = if round == 0 { (0..asked.acts.len()).collect() } else { asked.unanswered() };
        for index in again {
            asked.spawn(&stage, index);
            stage.rest(50).await;
        }
    }
    stage.rest(10_000).await;
    asked.agree();
    assert_eq!(asked.unanswered(), [0_usize; 0], "everyone is answered in the end");
    judge::all_stand(&stage, PEOPLE).await;
}

fn run_seeds(name: &str, seeds: std::ops::Range<u64>, setting: &Setting) {
    for seed in seeds {
        println!("{name}: seed {seed}");
        actix::System::new().block_on(run(seed, setting.clone()));
    }
}

fn seeds(from: u64) -> std::ops::Range<u64> {
    from..from + option_env!("DENREI_SEEDS").and_then(|seeds| seeds.parse().ok()).unwrap_or(6)
}

#[test]
fn everything_stands_in_one_order() {
    run_seeds("one order", seeds(1), &Setting::default());
}

#[test]
fn everything_stands_shard_by_shard() {
    run_seeds("shard by shard", seeds(1_000), &Setting { early_apply: false, ..Setting::default() });
}

#[test]
fn everything_stands_within_the_narrowest_bounds() {
    let options = ShardOptions {
        max_queued_commands: 2,
        max_queued_records: 2,
        max_active: 2,
        cached_rows: 4,
        ..ShardOptions::default()
    };
    for early_apply in [true, false] {
        let setting = Setting { shards: 3, early_apply, queue: 6, options: options.clone() };
        run_seeds("narrow", seeds(2_000), &setting);
    }
}

#[test]
fn everything_stands_on_one_shard() {
    run_seeds("one shard", seeds(3_000), &Setting { shards: 1, ..Setting::default() });
}
