//! A node in a process of its own, on ports of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// A running node.
pub(crate) struct Node {
    child: Child,
    dir: PathBuf,
    pub(crate) admin: String,
}

impl Node {
    /// Starts a node on this directory; it is ready.
    pub(crate) fn start(dir: &Path) -> Self {
        let config = dir.join("node.toml");
        let text = "[runtime]\nshards = 8\n[store]\nfree_disk_bytes = 0\n[log]\nformat = \"json\"\n";
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_denrei"))
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(dir.join("data"))
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let admin = loop {
            let line = lines.next().expect("the node ended").unwrap();
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if said["fields"]["message"] == "denrei is ready" {
                break said["fields"]["admins"].as_str().unwrap().to_owned();
            }
            eprintln!("{line}");
        };
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        Self { child, dir: dir.to_owned(), admin }
    }

    /// Runs `denrei queue` against it.
    pub(crate) fn queue(&self, arguments: &[&str]) -> Output {
        self.queue_as(&self.dir.join("data/admin.token"), arguments)
    }

    /// Runs it with the token in this file.
    pub(crate) fn queue_as(&self, token: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_denrei"));
        command.args(["queue", "--admin", &self.admin, "--token-file"]).arg(token);
        command.args(arguments).output().unwrap()
    }

    /// What it prints for people.
    pub(crate) fn words(&self, arguments: &[&str]) -> String {
        let output = self.queue(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().chain(&["--json"]).copied().collect();
        serde_json::from_str(&self.words(&arguments)).unwrap()
    }

    /// Asks again and again until the answer will do; while the queues are being opened, there is none.
    pub(crate) fn wait(&self, arguments: &[&str], will_do: impl Fn(&Value) -> bool) -> Value {
        let arguments: Vec<&str> = arguments.iter().chain(&["--json"]).copied().collect();
        let mut last = String::new();
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            let output = self.queue(&arguments);
            let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if output.status.success() && will_do(&value) {
                return value;
            }
            last = format!("{value} {}", String::from_utf8_lossy(&output.stderr));
            std::thread::sleep(PAUSE);
        }
        panic!("{arguments:?} still answers {last}");
    }

    /// Ends it as a power cut would, but that the system's caches stay.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to go, and waits until it has.
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(asked.success());
        assert!(self.child.wait().unwrap().success(), "the node did not end in order");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Gone already, if the test has stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
