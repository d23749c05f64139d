//! A processor that writes down what it saw, and does what the task says.

use std::sync::Arc;
use std::time::Duration;

use denrei_queue::codec::Text;
use denrei_queue::testing::Bench;
use denrei_queue::{Pipeline, Task, TaskError};
use parking_lot::Mutex;

/// What was seen: content, attempt, and milliseconds since the test began.
pub(crate) type Seen = Arc<Mutex<Vec<(String, u32, u64)>>>;

/// Runs tasks of the form `name`, `fail:name`, `fatal:name`, `panic:name`, `fail-once:name`, `sleep:<ms>`.
pub(crate) fn recorder() -> (Pipeline, Seen) {
    let seen = Seen::default();
    let started = tokio::time::Instant::now();
    let theirs = Arc::clone(&seen);
    let process = move |task: Task<String>| {
        let seen = Arc::clone(&theirs);
        async move {
            let at = u64::try_from(started.elapsed().as_millis()).unwrap();
            let attempt = task.context.attempt();
            seen.lock().push((task.value.clone(), attempt, at));
            match task.value.split_once(':') {
                Some(("fail", _)) => Err(TaskError::retry("as told")),
                Some(("fail-once", _)) if attempt == 0 => Err(TaskError::retry("as told")),
                Some(("fatal", _)) => Err(TaskError::fatal("hopeless")),
                Some(("panic", _)) => panic!("as told"),
                Some(("sleep", ms)) => {
                    tokio::time::sleep(Duration::from_millis(ms.parse().unwrap())).await;
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    };
    (Pipeline::new(Text, process), seen)
}

pub(crate) fn names(seen: &Seen) -> Vec<String> {
    seen.lock().iter().map(|(name, ..)| name.clone()).collect()
}

/// Puts tasks `key=content`, waiting for each.
pub(crate) async fn put(bench: &Bench, tasks: &[&str]) {
    let client = bench.client(Text);
    for task in tasks {
        let (key, content) = task.split_once('=').unwrap();
        client.put(key.to_owned(), &content.to_owned()).await.unwrap();
    }
}

/// Lets so much time pass.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
