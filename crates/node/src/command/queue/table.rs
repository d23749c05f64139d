//! What the node answers, for people: a line each, in columns.

use denrei_model::clock::Timestamp;

use crate::jobs::page::{Letters, Overview, RedrivenPage, ResetPage, Timers};

/// Lines of cells in columns as wide as their widest cell.
fn columns(head: &[&str], lines: Vec<Vec<String>>) -> String {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(lines).collect();
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn time(millis: u64) -> String {
    Timestamp::from_millis(millis).to_string()
}

fn key(key: Option<&String>) -> String {
    key.cloned().unwrap_or_else(|| "-".to_owned())
}

/// A reason on one line.
fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line per partition of every queue.
pub(super) fn queues(overview: &Overview) -> String {
    let head =
        ["TOPIC", "GROUP", "PARTITION", "STATE", "LAG", "IN FLIGHT", "TIMERS", "DEAD LETTERS", "COMMITTED"];
    let mut lines = Vec::new();
    for queue in &overview.queues {
        for partition in &queue.partitions {
            let committed = partition.committed.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
            lines.push(vec![
                queue.topic.clone(),
                queue.group.clone(),
                partition.partition.to_string(),
                queue.state.clone(),
                partition.lag.to_string(),
                queue.in_flight.to_string(),
                partition.timers.to_string(),
                partition.dead_letters.to_string(),
                committed,
            ]);
        }
    }
    columns(&head, lines)
}

/// A line per dead letter.
pub(super) fn letters(letters: &Letters) -> String {
    let lines = letters.dead_letters.iter().map(|letter| {
        vec![
            letter.partition.to_string(),
            letter.offset.to_string(),
            key(letter.key.as_ref()),
            letter.attempts.to_string(),
            time(letter.since),
            one_line(&letter.reason),
        ]
    });
    columns(&["PARTITION", "OFFSET", "KEY", "ATTEMPTS", "SINCE", "REASON"], lines.collect())
}

/// A line per timer.
pub(super) fn timers(timers: &Timers) -> String {
    let lines = timers.timers.iter().map(|timer| {
        vec![
            timer.partition.to_string(),
            timer.timer.clone(),
            key(timer.key.as_ref()),
            time(timer.due),
            timer.why.clone(),
            timer.attempt.to_string(),
            one_line(&timer.reason),
        ]
    });
    columns(&["PARTITION", "TIMER", "KEY", "DUE", "WHY", "ATTEMPT", "REASON"], lines.collect())
}

/// What was put back.
pub(super) fn redriven(redriven: &RedrivenPage) -> String {
    format!("{} put back; the next one is {}\n", redriven.tasks, redriven.next)
}

/// Where the group goes on.
pub(super) fn reset(reset: &ResetPage) -> String {
    format!("the group goes on at {}\n", reset.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let line = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = columns(&["KEY", "N"], vec![line(["plan", "1"]), line(["ä", "22"])]);
        assert_eq!(text, "KEY   N\nplan  1\nä     22\n");
    }
}
