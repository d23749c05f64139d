//! Commands: requests that an entity may grant or refuse, once per idempotency key.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use denrei_model::clock::{Day, Timestamp};
use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::idempotency::{IdempotencyKey, KeyAge};
use denrei_model::row::{AnswerKey, AnswerRow, Change, HeadKey};
use denrei_model::shard::{Shard, ShardMap};
use denrei_storage::shard::Fetch;
use prost::Message as _;
use tokio::sync::oneshot;

use crate::entity::{Done, Entity, EntityRef, Work};
use crate::rows::Rows;
use crate::shard::faults;

/// What a decision may know besides its state and rows.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The wall clock of the turn.
    pub now: Timestamp,
    /// Where entities live.
    pub shards: ShardMap,
    /// The shard that decides.
    pub shard: Shard,
}

/// A granted command: what is wanted, and what the one who asked is told when that is durable.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision<A> {
    /// What is wanted.
    pub effects: Effects,
    /// The answer.
    pub answer: A,
}

impl<A> Decision<A> {
    /// Nothing to do: it is so already.
    pub fn nothing(answer: A) -> Self {
        Self { effects: Effects::default(), answer }
    }
}

/// A request to one entity.
pub trait Command: Send + 'static {
    /// Who decides it.
    type Entity: Entity;
    /// What a grant answers; stored under the idempotency key.
    type Answer: prost::Message + Default + Clone + 'static;
    /// Why it may be refused.
    type Refusal: Send + fmt::Debug + 'static;
    /// Its name: in the scope of its idempotency keys, in metrics and logs.
    const NAME: &'static str;

    /// Which entity.
    fn entity(&self) -> EntityRef;

    /// The rows that the decision looks at besides the entity's core.
    fn needs(&self) -> Fetch;

    /// Decides. Pure: the same state, rows and facts give the same answer.
    ///
    /// # Errors
    /// The refusal; nothing has changed then.
    fn decide(
        &self,
        state: &Self::Entity,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<Self::Answer>, Self::Refusal>;
}

/// Who asks, and under which key.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The account that asks.
    pub account: AccountId,
    /// Its device.
    pub device: DeviceId,
    /// The key of the request, if it has one. Without: no protection from being done twice.
    pub key: Option<IdempotencyKey>,
    /// XXH3-64 of the request: the same key with another request is refused.
    pub payload: u64,
}

impl Origin {
    /// A request without a key.
    #[must_use]
    pub const fn unkeyed(account: AccountId, device: DeviceId) -> Self {
        Self { account, device, key: None, payload: 0 }
    }

    fn answer_key(&self, shard: Shard, command: &str, entity: &EntityRef) -> Option<AnswerKey> {
        let key = self.key.as_ref()?;
        let mut hasher = blake3::Hasher::new();
        for part in [self.account.as_bytes().as_slice(), command.as_bytes(), key.as_str().as_bytes()] {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.update(format!("{entity:?}").as_bytes());
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Some(AnswerKey { shard, day: key.day().number(), digest })
    }
}

/// Why a command gave no answer.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum CommandError<R> {
    /// The entity refused it.
    #[error("refused: {0:?}")]
    Refused(R),
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The key is of a day before yesterday.
    #[error("the idempotency key is of a day before yesterday")]
    KeyExpired,
    /// The key is of a day that has not come.
    #[error("the idempotency key is of a day that has not come")]
    KeyFuture,
    /// Too much to do; ask again after this long.
    #[error("overloaded; try again in {0:?}")]
    Overloaded(Duration),
    /// The shard cannot answer at the moment; whether it was done is not known.
    #[error("not available: {0}")]
    Unavailable(&'static str),
}

/// What a command comes to.
pub type Outcome<C> = Result<<C as Command>::Answer, CommandError<<C as Command>::Refusal>>;

/// Someone who waits for a turn's effects to become durable.
pub(crate) trait Reply: Send {
    /// They are.
    fn release(self: Box<Self>);
    /// They were not accepted: there is too much to do.
    fn shed(self: Box<Self>, after: Duration);
}

struct CommandReply<C: Command> {
    outcome: Outcome<C>,
    to: oneshot::Sender<Outcome<C>>,
}

impl<C: Command> Reply for CommandReply<C> {
    fn release(self: Box<Self>) {
        // Whoever asked may have gone; what was decided stands.
        let _ = self.to.send(self.outcome);
    }

    fn shed(self: Box<Self>, after: Duration) {
        let _ = self.to.send(Err(CommandError::Overloaded(after)));
    }
}

/// A command with its way back, ready to be given to its entity.
pub(crate) struct Request<C: Command> {
    command: C,
    origin: Origin,
    /// Where its answer is kept, if it has a key.
    answer: Option<AnswerKey>,
    to: oneshot::Sender<Outcome<C>>,
}

impl<C: Command> Request<C> {
    /// A request to an entity of this shard.
    pub(crate) fn new(command: C, origin: Origin, shard: Shard, to: oneshot::Sender<Outcome<C>>) -> Self {
        let answer = origin.answer_key(shard, C::NAME, &command.entity());
        Self { command, origin, answer, to }
    }

    /// The rows of the decision, and that of an earlier answer.
    pub(crate) fn needs(&self) -> Fetch {
        let mut fetch = self.command.needs();
        if let EntityRef::Account(account) = self.command.entity() {
            fetch.keys.push(HeadKey { account }.into());
        }
        fetch.keys.extend(self.answer.clone().map(Into::into));
        fetch
    }

    fn decide(&self, state: &C::Entity, rows: &Rows, facts: &Facts) -> (Effects, Outcome<C>) {
        let Some(key) = &self.answer else {
            return self.grant(state, rows, facts);
        };
        if let Some(answered) = rows.get(key).filter(|_| !faults::armed("answer-forgotten")) {
            return (Effects::default(), self.repeat(answered));
        }
        match self.origin.key.as_ref().map(|key| key.age(facts.now.day())) {
            Some(KeyAge::Expired) => return (Effects::default(), Err(CommandError::KeyExpired)),
            Some(KeyAge::Future) => return (Effects::default(), Err(CommandError::KeyFuture)),
            Some(KeyAge::Fresh) | None => {}
        }
        let (mut effects, outcome) = self.grant(state, rows, facts);
        if let Ok(answer) = &outcome {
            let answer = Bytes::from(answer.encode_to_vec());
            effects
                .changes
                .push(Change::put(key.clone(), AnswerRow { payload: self.origin.payload, answer }));
        }
        (effects, outcome)
    }

    fn grant(&self, state: &C::Entity, rows: &Rows, facts: &Facts) -> (Effects, Outcome<C>) {
        match self.command.decide(state, rows, facts) {
            Ok(Decision { effects, answer }) => (effects, Ok(answer)),
            Err(refusal) => (Effects::default(), Err(CommandError::Refused(refusal))),
        }
    }

    fn repeat(&self, answered: &AnswerRow) -> Outcome<C> {
        if answered.payload != self.origin.payload {
            return Err(CommandError::KeyReused);
        }
        C::Answer::decode(answered.answer.clone())
            .map_err(|_| CommandError::Unavailable("the stored answer does not decode"))
    }
}

impl<C: Command> Work<C::Entity> for Request<C> {
    fn run(self: Box<Self>, state: &C::Entity, rows: &Rows, facts: &Facts) -> Done {
        let (effects, outcome) = self.decide(state, rows, facts);
        Done { effects, reply: Some(Box::new(CommandReply::<C> { outcome, to: self.to })) }
    }

    fn shed(self: Box<Self>, after: Duration) {
        let _ = self.to.send(Err(CommandError::Overloaded(after)));
    }
}

/// Days of answers that are kept: a key of yesterday is still honoured.
#[must_use]
pub fn oldest_answer_day(today: Day) -> Day {
    Day::from_number(today.number().saturating_sub(1))
}
