//! A gateway has found that a revision below the head is missing from the store: the log cannot be vouched for any more.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, LogId};
use denrei_model::position::Revision;
use denrei_model::row::HeadKey;
use denrei_storage::shard::Fetch;

use super::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::route::renewed_log;
use crate::rows::Rows;

/// Keeps the head's revision and begins a new log there, so that every device takes snapshots. Cutting the log at the hole
/// instead would give revisions out twice.
#[derive(Clone, Debug)]
pub struct RenewLog {
    /// Whose log.
    pub account: AccountId,
    /// The log that has the hole, as stored; another one has been begun already.
    pub log_id: LogId,
}

/// Where the log begins now.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Renewed {
    /// The first revision that it will hold.
    #[prost(message, required, tag = "1")]
    pub first: Revision,
}

/// Why it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RenewRefused {
    /// The account is not registered.
    #[error("no such account")]
    NoAccount,
}

impl Command for RenewLog {
    type Entity = Account;
    type Answer = Renewed;
    type Refusal = RenewRefused;
    const NAME: &'static str = "renew_log";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, _: &Account, rows: &Rows, facts: &Facts) -> Result<Decision<Renewed>, RenewRefused> {
        let head = rows.get(&HeadKey { account: self.account }).ok_or(RenewRefused::NoAccount)?;
        let answer = Renewed { first: head.revision.next() };
        if head.log_id != self.log_id {
            return Ok(Decision::nothing(answer));
        }
        let changes = renewed_log(self.account, rows, facts.now).into_iter().collect();
        Ok(Decision { effects: Effects { changes, ..Effects::default() }, answer })
    }
}
