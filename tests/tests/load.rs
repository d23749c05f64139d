//! `denrei load` as somebody runs it who is not sure of the node: over TLS, and where there is none.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use denrei_tests::node::{NodeSetup, free_address};
use denrei_tests::surroundings::{node_binary, or_skip};

/// A certificate for localhost and its key, in this directory.
fn certificate(directory: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(directory.join("chain.pem"), made.cert.pem()).expect("it is written");
    fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).expect("it is written");
}

/// What a load says first that waits for a node; then it is killed.
fn first_word(load: &mut Command) -> String {
    let mut load = load.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let said = BufReader::new(load.stderr.take().expect("its errors"));
    let first = said.lines().next().expect("it says something").expect("in UTF-8");
    load.kill().expect("it waits");
    load.wait().expect("it is gone");
    first
}

#[test]
fn devices_of_a_load_trust_the_certificates_they_are_told_to_and_no_others() {
    let name = "devices_of_a_load_trust_the_certificates_they_are_told_to_and_no_others";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    certificate(directory.path());
    let [chain, key] = ["chain.pem", "key.pem"].map(|file| directory.path().join(file));
    let port = free_address().port();
    let setup = NodeSetup::of(&binary).option("http", &format!("tls_listen = [\"127.0.0.1:{port}\"]"));
    let setup = setup.option("tls", &format!("certificates = {chain:?}\nkey = {key:?}"));
    let _node = setup.start();
    let mut load = Command::new(&binary);
    load.args(["load", "direct", "--people", "5", "--messages", "50"]);
    load.args(["--node", &format!("https://localhost:{port}")]);

    let first = first_word(&mut load);
    assert!(first.contains("no node answers") && first.contains("UnknownIssuer"), "{first}");

    let played = load.arg("--ca").arg(&chain).stdout(Stdio::piped()).output().expect("it runs");
    let said = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success() && said.contains("50 acknowledged of 50"), "{played:?}");
}

#[test]
fn a_load_says_that_it_waits_for_a_node_and_why() {
    let name = "a_load_says_that_it_waits_for_a_node_and_why";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let mut load = Command::new(&binary);
    load.args(["load", "direct", "--node", &format!("http://{}", free_address())]);
    let first = first_word(&mut load);
    assert!(first.contains("no node answers at http://127.0.0.1") && first.contains("refused"), "{first}");
}
