//! The broker that these tests may do anything to: a process in a folder, started from there as it was started first.

use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

/// A cold JVM on two busy cores is slow to come.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);

static ALONE: Mutex<()> = Mutex::const_new(());

/// The broker, for one test at a time.
pub(crate) struct Broker {
    pub(crate) servers: String,
    folder: PathBuf,
    /// Program and arguments.
    command: Vec<String>,
    _alone: MutexGuard<'static, ()>,
}

impl Broker {
    /// Waits for one's turn. Nothing, and a word about it, if there is no such broker.
    pub(crate) async fn take(test: &str) -> Option<Self> {
        let told = |name: &str| std::env::var(name).map_err(|_| format!("{name} not set"));
        let found = || {
            let (servers, folder) = (told("DENREI_SPARE_KAFKA")?, told("DENREI_SPARE_KAFKA_FOLDER")?);
            let folder = PathBuf::from(folder);
            let command = process(&folder).and_then(|pid| command(&pid));
            Ok((servers, command.ok_or_else(|| format!("no broker runs in {}", folder.display()))?, folder))
        };
        let alone = ALONE.lock().await;
        match found() {
            Ok((servers, command, folder)) => Some(Self { servers, folder, command, _alone: alone }),
            Err(why) => {
                let why: String = why;
                println!("SKIPPED {test}: {why}");
                None
            }
        }
    }

    /// Stops its process, which goes on when what is given back is dropped.
    pub(crate) fn stop(&self) -> Stopped {
        let pid = process(&self.folder).expect("the broker runs");
        signal("-STOP", &pid);
        Stopped(pid)
    }

    /// Kills it; it is started again when what is given back is dropped.
    pub(crate) fn kill(&self) -> Killed<'_> {
        let pid = process(&self.folder).expect("the broker runs");
        signal("-KILL", &pid);
        wait_until("the broker is gone", || process(&self.folder).is_none());
        Killed(self)
    }

    /// Changes a setting of topics: `name=value`, or back to what it was.
    pub(crate) fn configure(&self, topics: &[&str], change: Setting) {
        let main = self.command.iter().position(|word| word == "kafka.Kafka").expect("its class");
        let run = |topic: &&str| {
            let (how, what) = match change {
                Setting::Add(what) => ("--add-config", what),
                Setting::Remove(what) => ("--delete-config", what),
            };
            let mut command = Command::new("java");
            command.args(self.command.iter().take(main).skip(1)).arg("kafka.admin.ConfigCommand");
            command.args(["--bootstrap-server", &self.servers, "--alter", "--entity-type", "topics"]);
            command.args(["--entity-name", topic, how, what]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        for child in topics.iter().map(run).collect::<Vec<_>>() {
            let done = child.wait_with_output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
    }
}

/// A change of a setting.
#[derive(Clone, Copy)]
pub(crate) enum Setting {
    /// `name=value`.
    Add(&'static str),
    /// `name`.
    Remove(&'static str),
}

/// Goes on at the latest when the test ends.
pub(crate) struct Stopped(String);

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

/// Comes back at the latest when the test ends.
pub(crate) struct Killed<'a>(&'a Broker);

impl Drop for Killed<'_> {
    fn drop(&mut self) {
        let Broker { folder, command, servers, .. } = self.0;
        let (program, arguments) = command.split_first().unwrap();
        let log = File::options().append(true).open(folder.join("log")).unwrap();
        let mut start = Command::new(program);
        start.args(arguments).current_dir(folder).process_group(0);
        start.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        fs::write(folder.join("pid"), start.spawn().unwrap().id().to_string()).unwrap();
        wait_until("the broker answers again", || TcpStream::connect(servers).is_ok());
    }
}

/// The id of the process that runs in this folder.
fn process(folder: &Path) -> Option<String> {
    let pid = fs::read_to_string(folder.join("pid")).ok()?.trim().to_owned();
    // None of one that has ended and was not waited for.
    let home = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (home == folder.canonicalize().ok()?).then_some(pid)
}

fn command(pid: &str) -> Option<Vec<String>> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = words.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then_some(words)
}

fn signal(which: &str, pid: &str) {
    assert!(Command::new("kill").args([which, pid]).status().unwrap().success(), "kill {which} {pid}");
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if holds() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{what}: not within {PATIENCE:?}");
}
