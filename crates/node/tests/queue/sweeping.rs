//! What need not be kept goes when its time has come, and nothing else.

use serde_json::Value;

use super::node::Node;
use super::plant::{self, DAY, ago, now};

const RETENTION: [&str; 2] = ["denrei.retention", "sweep"];

fn of<'a>(action: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [action].iter().chain(&RETENTION).chain(more).copied().collect()
}

/// The keys of what waits.
fn keys(timers: &Value) -> Vec<&str> {
    timers["timers"].as_array().into_iter().flatten().filter_map(|timer| timer["key"].as_str()).collect()
}

/// The first day of which answers are kept: yesterday, which ends an hour late, since the clock might be set back.
fn oldest_kept() -> u32 {
    ago(DAY / 24).day().number() - 1
}

fn is_resting(overview: &Value) -> bool {
    let queue = &overview["queues"][0];
    queue["state"] == "running" && queue["in_flight"] == 0 && queue["partitions"][0]["timers"] == 1
}

#[tokio::test]
async fn what_days_have_left_is_swept_when_the_plan_is_due() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let today = now().day().number();
    let oldest = oldest_kept();
    let days = [today - 9, today - 2, today - 1, today];
    plant::answers(&data, &days, 700).await;
    plant::log(&data, &[ago(DAY * 30), ago(DAY * 16), ago(DAY * 15), ago(DAY * 2), now()]).await;

    let node = Node::start(dir.path());
    let waiting = node.wait(&of("timers", &[]), |timers| keys(timers) == ["plan"]);
    let (timer, due) = (&waiting["timers"][0], waiting["timers"][0]["due"].as_u64().unwrap());
    assert!(due > now().as_millis() && due <= now().plus(DAY).as_millis(), "within a day: {timer}");
    let name = timer["timer"].as_str().unwrap();
    assert_eq!(node.words(&of("move", &[name, "--in", "0"])), "done\n");
    let next = node.wait(&of("timers", &[]), |timers| {
        keys(timers) == ["plan"] && timers["timers"][0]["timer"] != *timer["timer"].as_str().unwrap()
    });
    assert_eq!(next["timers"][0]["due"], due, "no night is skipped: {next}");
    node.wait(&["list"], is_resting);
    let overview = node.words(&["list"]);
    assert!(overview.contains("denrei.retention  sweep  0          running"), "{overview}");
    node.stop();

    let left = plant::days_of_answers(&data).await;
    let kept =
        |from: u32| days.into_iter().filter(|day| *day >= from).map(|day| (day, 5_600)).collect::<Vec<_>>();
    // The day may have ended meanwhile.
    assert!(left == kept(oldest) || left == kept(oldest_kept()), "{left:?}, from day {oldest} on");
    assert_eq!(plant::revisions(&data).await, (3, 5, vec![3, 4, 5]));
}

#[tokio::test]
async fn a_node_that_is_killed_while_it_sweeps_ends_that_after_its_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let today = now().day().number();
    plant::answers(&data, &[today - 9, today], 1_500).await;

    let node = Node::start(dir.path());
    let waiting = node.wait(&of("timers", &[]), |timers| keys(timers) == ["plan"]);
    let name = waiting["timers"][0]["timer"].as_str().unwrap();
    node.words(&of("move", &[name, "--in", "0"]));
    node.wait(&of("timers", &[]), |timers| timers["timers"][0]["timer"] != name);
    node.kill();
    let node = Node::start(dir.path());
    node.wait(&["list"], is_resting);
    node.stop();
    assert_eq!(plant::days_of_answers(&data).await, [(today, 12_000)]);
}

#[tokio::test]
async fn a_restart_leaves_one_plan_and_a_cancelled_one_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let first = node.wait(&of("timers", &[]), |timers| keys(timers) == ["plan"]);
    node.stop();
    let node = Node::start(dir.path());
    assert_eq!(node.wait(&of("timers", &[]), |_| true), first);
    let name = first["timers"][0]["timer"].as_str().unwrap();
    node.words(&of("cancel", &[name]));
    let again = node.queue(&of("cancel", &[name]));
    assert!(String::from_utf8(again.stderr).unwrap().contains("not_found: there is no such timer"));
    assert_eq!(keys(&node.json(&of("timers", &[]))), [""; 0]);
    node.stop();
    let node = Node::start(dir.path());
    assert_eq!(node.wait(&of("timers", &[]), |_| true), first);
    node.stop();
}
