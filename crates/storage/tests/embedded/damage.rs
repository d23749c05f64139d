//! A store from which something durable is missing does not open, and says which file and how much.

use std::fs;
use std::path::{Path, PathBuf};

use denrei_model::clock::SystemClock;
use denrei_storage::embedded::{EmbeddedStore, OpenError, accept_loss, inspect};

use crate::harness::{claim, groups, number, open, options};

fn journal(dir: &Path) -> PathBuf {
    let mut found: Vec<_> = fs::read_dir(dir.join("shards"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jnl"))
        .collect();
    found.sort();
    found.pop().unwrap()
}

/// The bytes of the journal without the zeroes that the engine reserves.
fn written(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    bytes
}

/// Where each batch of the journal ends.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.windows(4).enumerate().filter(|(_, four)| four == b"FJL\x03");
    ends.map(|(at, _)| at + 4).collect()
}

fn refusal(dir: &Path) -> OpenError {
    EmbeddedStore::open(&options(dir), 8, 1).expect_err("a damaged store must not open")
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_the_journal_is_refused_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    groups(dir.path(), 12).await;
    let path = journal(dir.path());
    let whole = written(&path);
    let mut harmless = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        match EmbeddedStore::open(&options(dir.path()), 8, 1) {
            Err(OpenError::Damaged { path: named, reason }) => {
                assert_eq!(named, path, "{reason}");
                assert!(reason.contains("group"), "{reason}");
                assert!(fs::read(&path).unwrap() == bytes, "byte {at}: it must stay as it was found");
            }
            Err(other) => panic!("byte {at}: {other}"),
            // The last sequence number may be higher than it was: nothing follows that it could outdo.
            Ok(store) => {
                harmless += 1;
                for group in 1..=12 {
                    assert_eq!(number(&store, &format!("n{group}")).await, Some(group), "byte {at}");
                }
            }
        }
    }
    assert!(harmless <= 3, "{harmless} flipped bytes went unseen");
    fs::write(&path, &whole).unwrap();
    assert_eq!(number(&open(dir.path()), "n").await, Some(12));
}

#[tokio::test]
async fn a_journal_that_ends_early_is_refused_wherever_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    groups(dir.path(), 12).await;
    let path = journal(dir.path());
    let whole = written(&path);
    for end in (0..whole.len()).step_by(13) {
        fs::write(&path, &whole[..end]).unwrap();
        let refusal = refusal(dir.path());
        assert!(matches!(refusal, OpenError::Damaged { .. }), "{end}: {refusal}");
        fs::write(&path, &whole).unwrap();
    }
}

#[tokio::test]
async fn a_store_without_its_witness_or_a_witness_without_its_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    groups(dir.path(), 3).await;
    let witness = dir.path().join("witness");
    let seen = fs::read(&witness).unwrap();
    fs::remove_file(&witness).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Damaged { path, .. } if path == witness));
    fs::write(&witness, vec![0; seen.len()]).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Damaged { path, .. } if path == witness));
    fs::write(&witness, &seen).unwrap();
    fs::remove_dir_all(dir.path().join("shards")).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn an_older_copy_of_the_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    groups(dir.path(), 5).await;
    let path = journal(dir.path());
    let bytes = written(&path);
    groups(dir.path(), 5).await;
    fs::write(&path, bytes).unwrap();
    let refusal = refusal(dir.path()).to_string();
    assert!(refusal.contains("group 10 was durable: 5 groups are lost"), "{refusal}");
}

#[tokio::test]
async fn an_unfinished_last_batch_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    groups(dir.path(), 5).await;
    let path = journal(dir.path());
    let mut bytes = written(&path);
    // A batch that was being written when the process died.
    let [.., start, _] = ends(&bytes)[..] else { panic!("no batches") };
    bytes.extend_from_within(start..start + 150);
    bytes.resize(bytes.len() + 10_000, 0);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(number(&open(dir.path()), "n").await, Some(5));
    groups(dir.path(), 2).await;
    assert_eq!(number(&open(dir.path()), "n").await, Some(2));
}

/// A closed store whose witness saw three groups of eleven, as after a power cut.
async fn lagging(dir: &Path) {
    groups(dir, 3).await;
    let witness = dir.join("witness");
    let seen = fs::read(&witness).unwrap();
    groups(dir, 8).await;
    fs::write(&witness, seen).unwrap();
}

#[tokio::test]
async fn a_damage_before_whole_groups_is_no_unfinished_end_however_far_the_witness_lags() {
    let dir = tempfile::tempdir().unwrap();
    lagging(dir.path()).await;
    let path = journal(dir.path());
    let whole = written(&path);
    let last = ends(&whole).into_iter().rev().nth(1).unwrap();
    for at in (0..last).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let refusal = refusal(dir.path());
        let OpenError::Damaged { path: named, reason } = &refusal else { panic!("byte {at}: {refusal}") };
        assert!(*named == path && reason.contains("at byte"), "byte {at}: {refusal}");
        assert!(fs::read(&path).unwrap() == bytes, "byte {at}: it must stay as it was found");
    }
    let mut bytes = whole.clone();
    bytes[last - 100] ^= 0x10;
    fs::write(&path, &bytes).unwrap();
    let found = inspect(&options(dir.path()), &SystemClock::new()).unwrap();
    let told = (found.witnessed, found.kept, found.durable(), found.lost());
    assert_eq!(told, (Some(3), Some(9), Some(11), Some(2)));
    // The last group itself cannot be told from one that was being written.
    let mut bytes = whole;
    bytes[last + 100] ^= 0x10;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(number(&open(dir.path()), "n").await, Some(7));
}

#[tokio::test]
async fn what_only_looks_like_a_group_behind_an_unfinished_batch_is_none() {
    let dir = tempfile::tempdir().unwrap();
    lagging(dir.path()).await;
    let path = journal(dir.path());
    let mut bytes = written(&path);
    let [.., start, end] = ends(&bytes)[..] else { panic!("no batches") };
    let last = bytes[start..end].to_vec();
    bytes.extend_from_slice(&last[..100]);
    bytes.resize(bytes.len() + 4_096, 0);
    // A message may hold any bytes: a batch of earlier, or one as it comes next but for its checksum.
    bytes.extend_from_slice(&last);
    let mut next = last;
    let seqno = u64::from_le_bytes(next[5..13].try_into().unwrap()) + 2;
    next[5..13].copy_from_slice(&seqno.to_le_bytes());
    let middle = next.len() / 2;
    next[middle] ^= 1;
    bytes.extend_from_slice(&next);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(number(&open(dir.path()), "n").await, Some(8));
}

#[tokio::test]
async fn opening_has_the_witness_see_all_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    lagging(dir.path()).await;
    drop(open(dir.path()));
    let found = inspect(&options(dir.path()), &SystemClock::new()).unwrap();
    assert_eq!(found.witnessed, Some(11));
}

#[tokio::test]
async fn an_accepted_loss_leaves_a_prefix_under_another_incarnation() {
    let dir = tempfile::tempdir().unwrap();
    groups(dir.path(), 20).await;
    let incarnation = open(dir.path()).incarnation();
    let options = options(dir.path());
    let sound = inspect(&options, &SystemClock::new()).unwrap();
    assert_eq!((sound.fault.clone(), sound.lost(), sound.kept), (None, None, Some(20)));

    let path = journal(dir.path());
    let mut bytes = written(&path);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let found = inspect(&options, &SystemClock::new()).unwrap();
    let kept = found.kept.unwrap();
    assert!((5..15).contains(&kept), "{found:?}");
    assert_eq!(found.lost(), Some(20 - kept));
    assert!(found.fault.as_ref().unwrap().contains(path.to_str().unwrap()), "{found:?}");
    assert_eq!(fs::read(&path).unwrap(), bytes);

    let accepted = accept_loss(&options, &SystemClock::new()).unwrap();
    assert!(accepted.kept.iter().all(|(_, last)| *last == kept), "{accepted:?}");
    assert_eq!(fs::read(&accepted.set_aside[0]).unwrap(), bytes);
    let store = open(dir.path());
    assert_ne!(store.incarnation(), incarnation);
    assert_eq!(store.incarnation(), accepted.incarnation);
    assert_eq!(number(&store, "n").await, Some(kept));
    let (_, _) = claim(&store, 1).await;
    drop(store);
    groups(dir.path(), 3).await;
    assert_eq!(inspect(&options, &SystemClock::new()).unwrap().fault, None);
}
