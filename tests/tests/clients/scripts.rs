//! Whole devices in other languages, each a script that fails if anything is not as a device expects it.

use std::process::Command;

use denrei_tests::surroundings::{answers, part, skip};

use crate::{MAX_BEHIND, node};

#[test]
fn a_device_in_python_on_httpx_follows_its_log() {
    let name = "a_device_in_python_on_httpx_follows_its_log";
    if !answers("python3", &["-c", "import httpx, h2"]) {
        return skip(name, "python3 with httpx and h2 is not there");
    }
    run(name, "python3", "clients/device.py");
}

#[test]
fn a_device_in_node_on_its_http2_module_follows_its_log() {
    let name = "a_device_in_node_on_its_http2_module_follows_its_log";
    if !answers("node", &["--version"]) {
        return skip(name, "node is not there");
    }
    run(name, "node", "clients/device.mjs");
}

fn run(name: &str, program: &str, script: &str) {
    let Some(node) = node(name) else { return };
    let mut device = Command::new(program);
    device.arg(part(script)).arg(node.url()).arg(MAX_BEHIND.to_string());
    let told = device.output().expect("the device runs");
    let [said, complaints] = [&told.stdout, &told.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(told.status.success(), "{said}{complaints}");
    assert!(said.trim_end().ends_with("done"), "{said}{complaints}");
}
