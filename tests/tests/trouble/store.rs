//! Stores that somebody else has, or that are not what was written.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use denrei_tests::chance::Chance;
use denrei_tests::node::{Node, edit, files};
use denrei_tests::person::Person;

use crate::node;

#[tokio::test]
async fn a_second_node_on_a_data_directory_says_who_has_it_and_changes_nothing() {
    let name = "a_second_node_on_a_data_directory_says_who_has_it_and_changes_nothing";
    let Some(mut node) = node(name) else { return };
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let sent = ann.send(&bob.account, "before").await;
    let (status, said) = node.rival();
    assert!(!status.success() && status.code().is_some(), "{status}: {said}");
    for part in ["in use by process", &node.process().to_string(), &node.data_dir().display().to_string()] {
        assert!(said.contains(part), "{part} is not named: {said}");
    }
    let chat = sent["chat"].as_str().expect("a chat");
    ann.send(&bob.account, "after").await;
    bob.reached(2).await;
    assert_eq!(bob.texts(chat).await, ["before", "after"]);
    node.kill();
    node.restart();
    bob.reconnect().await;
    assert_eq!(bob.texts(chat).await, ["before", "after"]);
}

/// Turns a byte of a file around; doing it again puts it right.
fn flip(path: &Path, at: u64) {
    let mut file = edit(path);
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).expect("a place in the file");
    file.read_exact(&mut byte).expect("a byte");
    file.seek(SeekFrom::Start(at)).expect("a place in the file");
    file.write_all(&byte.map(|byte| !byte)).expect("the byte is turned");
}

/// The offset of the last byte that is not zero.
fn end_of_content(path: &Path) -> u64 {
    let content = std::fs::read(path).expect("a file");
    content.iter().rposition(|byte| *byte != 0).unwrap_or_default() as u64
}

fn refuses(node: &mut Node, damaged: &Path) {
    let (status, said) = node.fail_to_start();
    assert!(!status.success() && status.code().is_some(), "{status}: {said}");
    assert!(said.contains("is damaged"), "{said}");
    assert!(said.contains(&damaged.display().to_string()), "{} is not named: {said}", damaged.display());
    assert!(said.contains("repair-store"), "what to do is not named: {said}");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_nothing_is_served_from_it() {
    let name = "a_damaged_file_is_named_and_nothing_is_served_from_it";
    let Some(mut node) = node(name) else { return };
    let mut chance = Chance::of(name);
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let mut chat = String::new();
    for number in 0..80 {
        let sent = ann.send(&bob.account, &format!("message {number}")).await;
        chat = sent["chat"].as_str().expect("a chat").to_owned();
    }
    bob.reached(80).await;
    node.kill();
    let store = files(&node.data_dir());
    let journal = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "jnl");
    let journal = store.iter().filter(journal).max_by_key(|path| end_of_content(path)).expect("a journal");
    let middle = end_of_content(journal) / 2;
    for _ in 0..5 {
        // Early enough that whole groups follow it: what is cut away there was durable.
        let at = 1 + chance.below(usize::try_from(middle).expect("an offset")) as u64;
        flip(journal, at);
        refuses(&mut node, journal);
        flip(journal, at);
    }
    let witness = node.data_dir().join("witness");
    let before = std::fs::read(&witness).expect("a witness");
    std::fs::write(&witness, vec![0xff; before.len()]).expect("the witness is spoilt");
    refuses(&mut node, &witness);
    std::fs::write(&witness, before).expect("the witness is put right");

    node.restart();
    bob.reconnect().await;
    assert_eq!(bob.texts(&chat).await.len(), 80, "put right, it opens and has everything");
}
