//! `denrei load` as somebody runs it who is not sure of the node: over TLS, and where there is none.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use denrei_tests::node::{NodeSetup, free_address};
use denrei_tests::surroundings::{node_binary, or_skip};

/// A certificate for localhost and its key, in this directory.
fn certificate(directory: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(directory.join("chain.pem"), made.cert.pem()).expect("it is written");
    fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).expect("it is written");
}

/// A load that waits for a node.
struct Waiting {
    load: Child,
    first: String,
    /// What it says after the first line.
    rest: BufReader<ChildStderr>,
}

/// Starts a load, and waits until it has said something.
fn waiting(load: &mut Command) -> Waiting {
    let mut load = load.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let (mut first, mut rest) = (String::new(), BufReader::new(load.stderr.take().expect("its errors")));
    rest.read_line(&mut first).expect("it says something");
    Waiting { load, first, rest }
}

/// A load that fails, and what it said of it.
fn failing(load: &mut Command) -> String {
    let failed = load.output().expect("it runs");
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    String::from_utf8_lossy(&failed.stderr).into_owned()
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
    let load = |node: &str| {
        let mut load = Command::new(&binary);
        load.args(["load", "direct", "--people", "5", "--messages", "50", "--json", "--node", node]);
        load
    };
    let over_tls = format!("https://localhost:{port}");

    // One that was never there is waited for.
    let Waiting { load: waits, first, rest: _rest } = waiting(load(&over_tls).arg("--ca").arg(&chain));
    assert!(first.contains("no node answers") && first.contains("refused"), "{first}");
    let node = setup.start();
    let played = waits.wait_with_output().expect("it plays");
    let said = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success() && said.contains("\"acknowledged\":50,"), "{played:?}");

    // One that is not what the address says is not.
    let said = failing(&mut load(&over_tls));
    assert!(said.contains(&over_tls) && said.contains("UnknownIssuer"), "{said}");
    let said = failing(&mut load(&format!("http://localhost:{port}")));
    assert!(said.contains("speaks TLS"), "{said}");
    let said = failing(load(&format!("https://{}", node.address())).arg("--ca").arg(&chain));
    assert!(said.contains("does not speak TLS"), "{said}");
    let said = failing(load(&node.url()).arg("--ca").arg(&chain));
    assert!(said.contains("only https:// is encrypted"), "{said}");
}

#[test]
fn a_load_says_that_it_waits_for_a_node_and_why_and_no_longer_than_it_was_to_take() {
    let name = "a_load_says_that_it_waits_for_a_node_and_why_and_no_longer_than_it_was_to_take";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let node = format!("http://{}", free_address());
    let mut load = Command::new(&binary);
    load.args(["load", "direct", "--seconds", "3", "--node", &node]);
    let Waiting { mut load, first, mut rest } = waiting(&mut load);
    assert!(first.contains(&format!("no node answers at {node}")) && first.contains("refused"), "{first}");
    let mut last = String::new();
    rest.read_to_string(&mut last).expect("in UTF-8");
    assert!(last.contains(&format!("no node answered at {node} within 3 s")), "{last}");
    assert_eq!(load.wait().expect("it ends").code(), Some(1));
}
