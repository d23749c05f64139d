//! Read marks are due: told to all members in one.

use denrei_model::effects::{Effects, Emit};
use denrei_model::id::ChatId;
use denrei_model::operation::{ChatRead, Read};
use denrei_model::record::{Fact, ReadFact};
use denrei_model::row::{Change, DirtyReadsKey, DirtyReadsRow};
use denrei_model::shard::Shard;
use denrei_storage::shard::Fetch;

use super::Chatroom;
use super::event::tell;
use super::mark::PAUSE;
use crate::command::Facts;
use crate::entity::{Done, Entity as _, EntityRef, Part, Work};
use crate::rows::Rows;

/// Up to this many members learn of marks by operations; in larger chats open streams are told, nothing is kept.
const MAX_TOLD: usize = 20;

struct TellReads;

/// The turn that a shard's timer asks for.
pub(crate) fn part(chat: ChatId, shard: Shard) -> Part {
    Part {
        entity: EntityRef::Chat(chat),
        needs: needs(chat, shard),
        work: Chatroom::part(Box::new(TellReads)),
    }
}

/// The marks that wait.
pub(super) fn needs(chat: ChatId, shard: Shard) -> Fetch {
    Fetch { keys: vec![DirtyReadsKey { shard, chat }.into()], scans: Vec::new() }
}

impl Work<Chatroom> for TellReads {
    fn run(self: Box<Self>, state: &Chatroom, rows: &Rows, facts: &Facts) -> Done {
        Done { effects: due(state, rows, facts), reply: None }
    }
}

/// Tells what waits and pauses again; when nothing came during a pause, the row goes.
fn due(chat: &Chatroom, rows: &Rows, facts: &Facts) -> Effects {
    let key = DirtyReadsKey { shard: facts.shard, chat: chat.id };
    let Some(waiting) = rows.get(&key) else { return Effects::default() };
    if waiting.due > facts.now.as_millis() {
        // The clock has been set back since: the same row arms the timer again.
        return Effects { changes: vec![Change::put(key, waiting.clone())], ..Effects::default() };
    }
    if waiting.reads.is_empty() {
        return Effects { changes: vec![Change::delete(key)], ..Effects::default() };
    }
    // Whoever has left meanwhile, and perhaps come again, has no mark of before.
    let stands = |read: &&Read| chat.members.get(&read.account).is_some_and(|member| member.read >= read.seq);
    let reads: Vec<Read> = waiting.reads.iter().filter(stands).cloned().collect();
    let emits = if reads.is_empty() { Vec::new() } else { telling(chat, reads, facts) };
    let pause = DirtyReadsRow { due: facts.now.plus(PAUSE).as_millis(), reads: Vec::new(), chat: chat.id };
    Effects { changes: vec![Change::put(key, pause)], emits, ..Effects::default() }
}

/// Word of these marks to everyone in the chat.
pub(super) fn telling(chat: &Chatroom, reads: Vec<Read>, facts: &Facts) -> Vec<Emit> {
    let ephemeral = chat.joined_members().count() > MAX_TOLD;
    let read = ChatRead { chat: chat.id, reads };
    tell(chat.joined_members(), facts.now.as_millis(), facts, |members| {
        Fact::Read(ReadFact { read: read.clone(), members, ephemeral })
    })
}
