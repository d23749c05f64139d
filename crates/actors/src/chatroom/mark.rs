//! A member has read: told to the others at once, or with the next marks.

use std::time::Duration;

use denrei_model::effects::Effects;
use denrei_model::operation::{Membership, Read};
use denrei_model::record::MarkFact;
use denrei_model::row::{Change, DirtyReadsKey, DirtyReadsRow, MemberKey, MemberRow};

use super::Chatroom;
use super::tell_reads::telling;
use crate::command::Facts;
use crate::rows::Rows;

/// Marks are told at most this often per chat.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

/// Takes a mark up. The first after a pause is told at once; those that follow wait, in a row that re-arms the timer when
/// the shard is loaded again.
pub(super) fn moved(fact: &MarkFact, chat: &Chatroom, rows: &Rows, facts: &Facts) -> Effects {
    let member = chat.members.get(&fact.account).filter(|member| member.membership == Membership::Joined);
    let Some(member) = member.filter(|member| member.read < fact.seq) else { return Effects::default() };
    let moved = MemberRow { read: fact.seq, ..member.clone() };
    let key = MemberKey { chat: chat.id, account: fact.account };
    let mut effects = Effects { changes: vec![Change::put(key, moved)], ..Effects::default() };
    let read = Read { account: fact.account, seq: fact.seq };
    let dirty_key = DirtyReadsKey { shard: facts.shard, chat: chat.id };
    let dirty = match rows.get(&dirty_key) {
        Some(waiting) => {
            let mut dirty = waiting.clone();
            dirty.reads.retain(|earlier| earlier.account != fact.account);
            dirty.reads.push(read);
            dirty
        }
        None => {
            effects.emits = telling(chat, vec![read], facts);
            DirtyReadsRow { due: facts.now.plus(PAUSE).as_millis(), reads: Vec::new(), chat: chat.id }
        }
    };
    effects.changes.push(Change::put(dirty_key, dirty));
    effects
}
