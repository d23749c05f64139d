//! The real binary, run in a directory of its own on ports of its own.

mod output;
mod port;

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use denrei_model::clock::Clock as _;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::surroundings;
use output::Output;
pub use port::free as free_address;

/// How long a node may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// No limits on rates, and a small store, so that tables are written too.
const CONFIG: &str = "\
[gateway.limits]
device = { per_minute = 0, burst = 1 }
sender = { per_minute = 0, burst = 1 }
address = { per_minute = 0, burst = 1 }
[store]
journal_bytes = 67108864
memtable_bytes = 1048576
cache_bytes = 16777216
free_disk_bytes = 16777216
";

/// What kind of node is started.
#[derive(Clone, Debug)]
pub struct NodeSetup {
    binary: PathBuf,
    config: String,
    environment: Vec<(OsString, OsString)>,
}

impl NodeSetup {
    /// A node of this binary, with the configuration of tests.
    #[must_use]
    pub fn of(binary: &Path) -> Self {
        Self { binary: binary.to_owned(), config: CONFIG.to_owned(), environment: Vec::new() }
    }

    /// With an option more: the section's line is added if it is not there, then the option.
    #[must_use]
    pub fn option(mut self, section: &str, option: &str) -> Self {
        let header = format!("[{section}]\n");
        match self.config.find(&header) {
            Some(at) => self.config.insert_str(at + header.len(), &format!("{option}\n")),
            None => self.config.push_str(&format!("{header}{option}\n")),
        }
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts it.
    #[must_use]
    pub fn start(self) -> Node {
        // Children have the limit of their parent; some tests open thousands of connections.
        let _ = surroundings::descriptors_allowed();
        let directory = tempfile::Builder::new().prefix("denrei-node-").tempdir().expect("a directory");
        fs::write(directory.path().join("node.toml"), &self.config).expect("the configuration is written");
        let [listen, admin] = port::pair();
        let output = Output::new(&directory.path().join("output"));
        let mut node = Node { setup: self, directory: Some(directory), listen, admin, child: None, output };
        node.restart();
        node
    }
}

/// A node, running or killed. When it is dropped it is ended; if the test is failing, what it said is shown.
pub struct Node {
    setup: NodeSetup,
    directory: Option<TempDir>,
    listen: SocketAddr,
    admin: SocketAddr,
    child: Option<Child>,
    output: Output,
}

impl Node {
    /// Where devices connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Where admins connect.
    #[must_use]
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Where devices connect, as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// A directory for what belongs to this node's test; it goes with the node.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.as_ref().expect("the directory lives as long as the node").path()
    }

    /// Where its store lies.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// Everything that it said so far, in all its lives.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("the node runs").id()
    }

    /// What is resident of it, in KiB.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// A number of `/proc/PID/status`.
    #[must_use]
    pub fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).expect("a number of the process")
    }

    /// How many descriptors it has open.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process())).map_or(0, Iterator::count)
    }

    /// Sets another variable for the next life.
    pub fn set_variable(&mut self, name: &str, value: impl Into<OsString>) {
        self.setup.environment.retain(|(known, _)| known.to_str() != Some(name));
        self.setup.environment.push((name.into(), value.into()));
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the node is killed");
            child.wait().expect("the node has ended");
        }
    }

    /// Starts it again, in the same directory and on the same ports; says how long it took to be ready.
    pub fn restart(&mut self) -> Duration {
        assert!(self.child.is_none(), "the node runs already");
        let clock = surroundings::clock();
        let mut child = self.launch();
        let mut ended = None;
        let told = surroundings::holds_within(PATIENCE, || {
            ended = child.try_wait().expect("the node can be waited for");
            ended.is_some() || port::is_ready(self.admin)
        });
        self.child = Some(child);
        assert!(ended.is_none(), "the node ended instead of getting ready: {ended:?}");
        assert!(told, "the node did not get ready in time");
        clock.monotonic()
    }

    /// Starts it, although it is not expected to get ready; how it ended, and what it said.
    pub fn fail_to_start(&mut self) -> (ExitStatus, String) {
        assert!(self.child.is_none(), "the node runs already");
        let before = self.output().len();
        let mut child = self.launch();
        let ended = surroundings::holds_within(PATIENCE, || {
            child.try_wait().is_ok_and(|ended| ended.is_some()) || port::is_ready(self.admin)
        });
        let _ = child.kill();
        let status = child.wait().expect("the node has ended");
        assert!(ended, "the node neither got ready nor ended");
        (status, self.output().get(before..).unwrap_or_default().to_owned())
    }

    /// A second node on the same data directory, on ports of its own; how it ended, and what it said.
    #[must_use]
    pub fn rival(&self) -> (ExitStatus, String) {
        let [listen, admin] = port::pair();
        let mut command = self.command(listen, admin);
        command.stdin(Stdio::null());
        let told = command.output().expect("the second node starts");
        let said = [told.stdout, told.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (told.status, said.concat())
    }

    /// `SIGTERM`; how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.ended()
    }

    /// How it ended, after it was told to stop.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the node runs");
        let ended =
            surroundings::holds_within(PATIENCE, || child.try_wait().is_ok_and(|ended| ended.is_some()));
        if !ended {
            let _ = child.kill();
        }
        let status = child.wait().expect("the node has ended");
        assert!(ended, "the node did not stop in time");
        status
    }

    /// `SIGTERM`, without waiting for what comes of it.
    pub fn terminate(&self) {
        let number = i32::try_from(self.process()).ok().and_then(Pid::from_raw);
        kill_process(number.expect("a process"), Signal::TERM).expect("the node is told to stop");
    }

    fn launch(&self) -> Child {
        let mut command = self.command(self.listen, self.admin);
        let file = || -> Stdio { self.output.append().into() };
        command.stdin(Stdio::null()).stdout(file()).stderr(file());
        command.spawn().expect("the node starts")
    }

    fn command(&self, listen: SocketAddr, admin: SocketAddr) -> Command {
        let mut command = Command::new(&self.setup.binary);
        command.arg("serve").arg("--config").arg(self.directory().join("node.toml"));
        command.arg("--data-dir").arg(self.data_dir());
        command.arg("--listen").arg(listen.to_string());
        command.arg("--admin-listen").arg(admin.to_string());
        command.env("NO_COLOR", "1");
        command.envs(self.setup.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            println!("what the node said:\n{}", self.output.tail());
            if let Some(directory) = self.directory.take() {
                println!("its directory is kept: {}", directory.keep().display());
            }
        }
    }
}

/// All files below a directory, in order.
#[must_use]
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Opens a file for reading and writing.
#[must_use]
pub fn edit(path: &Path) -> File {
    File::options().read(true).write(true).open(path).expect("a file that can be written")
}
