//! Batches and compaction: many tasks as one, none of them completed before its time.

use std::sync::Arc;
use std::time::Duration;

use denrei_queue::codec::Text;
use denrei_queue::testing::Bench;
use denrei_queue::{BatchLimits, Batching, Compaction, Merged, Pipeline, Settings, Task, TaskError};
use denrei_storage::log::Offset;
use parking_lot::Mutex;

use crate::recorder::{pass, put};

type Batches = Arc<Mutex<Vec<Vec<String>>>>;

fn batching(capacity: usize, answers: usize) -> (Pipeline, Batches) {
    let batches = Batches::default();
    let theirs = Arc::clone(&batches);
    let process = move |batch: Vec<Task<String>>| {
        let names: Vec<String> = batch.into_iter().map(|task| task.value).collect();
        let results = (0..names.len().min(answers)).map(|_| Ok(())).collect();
        theirs.lock().push(names);
        async move { results }
    };
    let limits = BatchLimits { capacity, linger: Duration::from_secs(10) };
    (Pipeline::new(Text, Batching::new(limits, process)), batches)
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_run_when_it_is_full_or_its_first_task_has_waited_long_enough() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, batches) = batching(3, usize::MAX);
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    put(&bench, &["k=a", "k=b", "l=c", "k=d"]).await;
    pass(5).await;
    assert_eq!(*batches.lock(), [["a", "b", "c"]]);
    assert_eq!(bench.committed(0).await, Some(Offset(3)));
    pass(10).await;
    assert_eq!(batches.lock().last().unwrap(), &["d"]);
    assert_eq!(bench.committed(0).await, Some(Offset(4)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_batch_that_gets_no_answer_is_retried() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, batches) = batching(2, 1);
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    put(&bench, &["k=a", "k=b"]).await;
    pass(30).await;
    assert_eq!(*batches.lock(), [vec!["a", "b"], vec!["b"]]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_absorbed_completes_with_the_merge_and_fails_with_it() {
    let bench = Bench::new("t", 1).await;
    let ran: Arc<Mutex<Vec<String>>> = Arc::default();
    let theirs = Arc::clone(&ran);
    let inner = move |task: Task<String>| {
        theirs.lock().push(task.value);
        let first = theirs.lock().len() == 1;
        async move { if first { Err(TaskError::retry("once")) } else { Ok(()) } }
    };
    let merge = |left: String, right: String| Merged::Both(format!("{left}+{right}"));
    let compaction = Compaction::new(Duration::from_secs(5), merge, inner);
    let subscription = bench.subscribe(Pipeline::new(Text, compaction), Settings::default()).await;
    put(&bench, &["k=a", "l=x", "k=b", "k=c"]).await;
    pass(3).await;
    assert!(ran.lock().is_empty());
    assert_eq!(bench.committed(0).await, Some(Offset(0)));
    pass(30).await;
    let mut runs = ran.lock().clone();
    assert_eq!(runs.remove(0), "a+b+c");
    runs.sort_unstable();
    // The three came back after their own delays, within one window.
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert_eq!((runs[0].len(), &*runs[1]), (5, "x"));
    assert_eq!(bench.committed(0).await, Some(Offset(4)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_that_takes_longer_than_a_window_is_not_overtaken_by_the_next_of_its_key() {
    let bench = Bench::new("t", 1).await;
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let theirs = Arc::clone(&seen);
    let inner = move |task: Task<String>| {
        let theirs = Arc::clone(&theirs);
        async move {
            theirs.lock().push(format!("{} begins", task.value));
            tokio::time::sleep(Duration::from_secs(if task.value == "a" { 20 } else { 1 })).await;
            theirs.lock().push(format!("{} ends", task.value));
            Ok(())
        }
    };
    let merge = |left: String, right: String| Merged::Both(format!("{left}+{right}"));
    let compaction = Compaction::new(Duration::from_secs(2), merge, inner);
    let subscription = bench.subscribe(Pipeline::new(Text, compaction), Settings::default()).await;
    put(&bench, &["k=a"]).await;
    pass(5).await;
    put(&bench, &["k=b", "l=x"]).await;
    pass(5).await;
    put(&bench, &["k=c"]).await;
    pass(30).await;
    put(&bench, &["k=d"]).await;
    pass(10).await;
    let of_key: Vec<String> = seen.lock().iter().filter(|it| !it.starts_with('x')).cloned().collect();
    assert_eq!(of_key, ["a begins", "a ends", "b+c begins", "b+c ends", "d begins", "d ends"]);
    assert_eq!(bench.committed(0).await, Some(Offset(5)));
    subscription.shutdown().await;
}
