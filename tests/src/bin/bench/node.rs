//! The real node over real sockets, with people in its store and no limits on what they may ask.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::ensure;
use denrei_client::transport::Target;
use denrei_tests::surroundings;
use tempfile::TempDir;

use crate::people::{self, Device};
use crate::server::{Server, free_address};

/// No limits; the rest by default, so that the figures are those of a node as it comes.
const CONFIG: &str = "\
[gateway.limits]
device = { per_minute = 0, burst = 1 }
sender = { per_minute = 0, burst = 1 }
address = { per_minute = 0, burst = 1 }
";

/// A running node.
pub(crate) struct Node {
    /// Its process.
    pub(crate) server: Server,
    /// Where devices connect.
    pub(crate) target: Target,
    /// All devices, account after account.
    pub(crate) devices: Vec<Device>,
    /// Removed when the node is gone.
    _directory: TempDir,
}

impl Node {
    /// Starts one below this directory, with one account per entry that has so many devices.
    pub(crate) async fn start(below: &Path, devices: &[usize]) -> anyhow::Result<Self> {
        // Each device has a connection, and both ends of it count; the node inherits the bound.
        rlimit::increase_nofile_limit(u64::MAX)?;
        fs::create_dir_all(below)?;
        let directory = tempfile::tempdir_in(below)?;
        let data_dir = directory.path().join("data");
        let devices = people::plant(&data_dir, devices).await?;
        let config = directory.path().join("node.toml");
        fs::write(&config, CONFIG)?;
        let (listen, admin) = (free_address()?, free_address()?);
        let output = File::create(below.join("node.log"))?;
        let mut command = Command::new(binary()?);
        command.arg("serve").arg("--config").arg(config).arg("--data-dir").arg(data_dir);
        command.arg("--listen").arg(listen.to_string()).arg("--admin-listen").arg(admin.to_string());
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let server = Server::start(command, listen)?;
        let target = Target::parse(&format!("http://{listen}"))?;
        Ok(Self { server, target, devices, _directory: directory })
    }
}

/// What `DENREI_BIN` names, else what a release build made.
fn binary() -> anyhow::Result<PathBuf> {
    let built = || surroundings::root().join("target/release/denrei");
    let binary = surroundings::variable("DENREI_BIN").map_or_else(built, PathBuf::from);
    ensure!(binary.is_file(), "{}: not there; `cargo build --release` makes it", binary.display());
    Ok(binary)
}
