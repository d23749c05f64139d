//! H6 for changes: what was acknowledged beside messages. Events of groups go to [`super::groups`], read marks are kept here.

use std::collections::{BTreeMap, HashMap};

use super::Verdict;
use super::ending::Ending;
use super::groups::Groups;
use super::recording::{Lines, ReadingError, number, text};

/// The furthest read mark that was acknowledged, by account and chat.
#[derive(Default)]
pub(super) struct Marks(HashMap<String, BTreeMap<String, u64>>);

/// Reads what was acknowledged.
pub(super) fn read(
    lines: Option<Lines>,
    groups: &mut Groups,
    verdict: &mut Verdict,
) -> Result<Marks, ReadingError> {
    let mut marks = Marks::default();
    for line in lines.into_iter().flatten() {
        let line = line?;
        let Some(answer) = line.get("answer").filter(|_| number(&line, "status") == 200) else { continue };
        verdict.looked_at.changes += 1;
        let (account, chat, seq) = (text(&line, "account"), text(answer, "chat"), number(answer, "seq"));
        if text(&line, "change") == "read" {
            let of_account = marks.0.entry(account.to_owned()).or_default();
            let mark = of_account.entry(chat.to_owned()).or_default();
            *mark = seq.max(*mark);
        } else {
            groups.take_change(account, (chat, seq));
        }
    }
    Ok(marks)
}

impl Marks {
    /// A mark that was acknowledged has not gone back, in a chat that one is in still.
    pub(super) fn judge(&self, account: &str, ending: &Ending, verdict: &mut Verdict) {
        for (chat, acknowledged) in self.0.get(account).into_iter().flatten() {
            if let Some(read) = ending.copy.read(chat).filter(|read| read < acknowledged) {
                verdict.violated("H6", || {
                    format!(
                        "{account} had read {chat} up to {acknowledged}, at the end the mark is at {read}"
                    )
                });
            }
        }
    }
}
