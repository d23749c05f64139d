//! Entities: what is an actor. Their state is a fold over their rows, so that loading and deciding cannot disagree.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Message};
use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, ChatId};
use denrei_model::record::Record;
use denrei_model::row::Change;
use denrei_model::shard::Home;
use denrei_storage::shard::Fetch;

use crate::account::Account;
use crate::chatroom::Chatroom;
use crate::command::{Facts, Reply};
use crate::name::{Name, shown_name};
use crate::rows::Rows;
use crate::shard::{ShardActor, TurnDone};

/// State of an entity, kept while it is active.
#[expect(private_interfaces, reason = "parts are made by the runtime alone")]
pub trait Entity: Sized + Unpin + 'static {
    /// What identifies it.
    type Id: Clone + Send + 'static;

    /// The rows that it is made of.
    fn core(id: &Self::Id) -> Fetch;

    /// Work for it, among that of other kinds.
    fn part(work: Box<dyn Work<Self>>) -> PartWork;

    /// The entity without any row.
    fn empty(id: Self::Id) -> Self;

    /// Takes up one of its rows as it is now. Changes of rows that it does not keep are passed over.
    fn apply(&mut self, change: &Change);
}

/// Any entity, by kind and identity.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityRef {
    /// An account.
    Account(AccountId),
    /// A chat.
    Chat(ChatId),
    /// A name in the directory.
    Name(String),
}

/// For logs and admins: a name that is a secret is not shown.
impl fmt::Debug for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => f.debug_tuple("Account").field(id).finish(),
            Self::Chat(id) => f.debug_tuple("Chat").field(id).finish(),
            Self::Name(name) => f.debug_tuple("Name").field(&shown_name(name)).finish(),
        }
    }
}

impl EntityRef {
    /// Where it lives.
    #[must_use]
    pub fn home(&self) -> Home {
        match self {
            Self::Account(id) => Home::Account(*id),
            Self::Chat(id) => Home::Chat(*id),
            Self::Name(name) => Home::Name(name.clone()),
        }
    }

    /// The rows that it is made of.
    #[must_use]
    pub fn core(&self) -> Fetch {
        match self {
            Self::Account(id) => Account::core(id),
            Self::Chat(id) => Chatroom::core(id),
            Self::Name(name) => Name::core(name),
        }
    }
}

/// What an entity is to do at its turn: one decision.
pub(crate) trait Work<E>: Send {
    fn run(self: Box<Self>, state: &E, rows: &Rows, facts: &Facts) -> Done;

    /// It will not be done: there is too much to do.
    fn shed(self: Box<Self>, _after: Duration) {}
}

/// Work for one entity of any kind.
pub(crate) struct Part {
    pub(crate) entity: EntityRef,
    /// The rows that it looks at besides the entity's core.
    pub(crate) needs: Fetch,
    pub(crate) work: PartWork,
}

/// Work by the kind of its entity.
pub(crate) enum PartWork {
    Account(Box<dyn Work<Account>>),
    Chat(Box<dyn Work<Chatroom>>),
    Name(Box<dyn Work<Name>>),
}

impl PartWork {
    pub(crate) fn shed(self, after: Duration) {
        match self {
            Self::Account(work) => work.shed(after),
            Self::Chat(work) => work.shed(after),
            Self::Name(work) => work.shed(after),
        }
    }
}

/// A record from the inbox and what an entity makes of it. Records are facts: they cannot be refused.
pub(crate) struct RecordWork<E> {
    pub(crate) record: Arc<Record>,
    pub(crate) hear: fn(&Record, &E, &Rows, &Facts) -> Effects,
}

impl<E> Work<E> for RecordWork<E> {
    fn run(self: Box<Self>, state: &E, rows: &Rows, facts: &Facts) -> Done {
        Done { effects: (self.hear)(&self.record, state, rows, facts), reply: None }
    }
}

/// What came of a turn: what is wanted, and who is told when that is durable.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) effects: Effects,
    pub(crate) reply: Option<Box<dyn Reply>>,
}

/// A turn, sent to one entity. If it is dropped without an answer (the entity panicked), the shard is told.
pub(crate) struct Turn<E> {
    pub(crate) work: Box<dyn Work<E>>,
    pub(crate) rows: Arc<Rows>,
    pub(crate) facts: Facts,
    pub(crate) answer: TurnAnswer,
}

impl<E: 'static> Message for Turn<E> {
    type Result = ();
}

/// The way back to the shard.
pub(crate) struct TurnAnswer {
    shard: Addr<ShardActor>,
    turn: u64,
    part: usize,
    answered: bool,
}

impl TurnAnswer {
    pub(crate) fn new(shard: Addr<ShardActor>, turn: u64, part: usize) -> Self {
        Self { shard, turn, part, answered: false }
    }

    fn done(mut self, done: Done) {
        self.answered = true;
        // Bounded by design: a shard has one turn at a time.
        self.shard.do_send(TurnDone { turn: self.turn, part: self.part, done: Some(done) });
    }
}

impl Drop for TurnAnswer {
    fn drop(&mut self) {
        if !self.answered {
            self.shard.do_send(TurnDone { turn: self.turn, part: self.part, done: None });
        }
    }
}

/// Folds the rows of its core into an empty entity.
pub(crate) fn load<E: Entity>(mut entity: E, core: &Fetch, rows: &Rows) -> E {
    for change in rows.core(core) {
        entity.apply(&change);
    }
    entity
}

impl Rows {
    /// The rows of a core as changes: those named, and all of each range.
    fn core(&self, core: &Fetch) -> Vec<Change> {
        let mut changes = Vec::new();
        for key in &core.keys {
            changes.extend(self.any(key).map(|row| Change::Put(key.clone(), row)));
        }
        for scan in &core.scans {
            changes.extend(self.within(&scan.range).map(|(key, row)| Change::Put(key, row)));
        }
        changes
    }
}

/// The actor around an entity: it decides, takes up its own changes, and reports to the shard.
pub struct EntityActor<E> {
    state: E,
}

impl<E: Entity> EntityActor<E> {
    pub(crate) fn start_with(state: E) -> Addr<Self> {
        Self { state }.start()
    }
}

impl<E: Entity> Actor for EntityActor<E> {
    type Context = Context<Self>;
}

impl<E: Entity> Handler<Turn<E>> for EntityActor<E> {
    type Result = ();

    fn handle(&mut self, turn: Turn<E>, _: &mut Context<Self>) {
        let done = turn.work.run(&self.state, &turn.rows, &turn.facts);
        for change in &done.effects.changes {
            self.state.apply(change);
        }
        turn.answer.done(done);
    }
}
