//! Power cuts. `kill -9` leaves what the kernel holds; a power cut takes what no sync has covered.
//!
//! ```text
//! node ──LD_PRELOAD──► shim/power.c ──notes──► log        what stood where before each write, what was synced when
//! kill -9 ──► cut: takes back every note that no sync covers ──► restart
//! ```

mod cut;
mod notes;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::node::{Node, NodeSetup};
use crate::surroundings;

pub use cut::{Loss, Taken};

/// The shim, compiled for this test.
pub struct Shim(PathBuf);

impl Shim {
    /// Compiles it into this directory.
    ///
    /// # Errors
    /// Why it cannot be compiled here.
    pub fn compile(directory: &Path) -> Result<Self, String> {
        if !surroundings::answers("cc", &["--version"]) {
            return Err("cc is not there".to_owned());
        }
        let library = directory.join("power.so");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library);
        compile.arg(surroundings::part("shim/power.c")).args(["-ldl", "-lpthread"]);
        let told = compile.output().map_err(|error| error.to_string())?;
        assert!(told.status.success(), "the shim: {}", String::from_utf8_lossy(&told.stderr));
        Ok(Self(library))
    }

    /// Preloads the shim into a node whose syncs take up to so many milliseconds more, so that more is under way when it dies.
    #[must_use]
    pub fn slow_syncs(&self, setup: NodeSetup, millis: u32) -> NodeSetup {
        setup.variable("LD_PRELOAD", &self.0).variable("POWER_SYNC_MS", millis.to_string())
    }
}

/// From its next start on, what the node writes can be taken back.
pub fn watch(node: &mut Node) {
    node.set_variable("POWER_ROOT", node.data_dir().canonicalize().expect("the data directory"));
    let log = log(node);
    let _ = std::fs::remove_file(&log);
    node.set_variable("POWER_LOG", log);
}

/// The power goes: the node is killed, and the disk forgets. The next life begins with a fresh log.
pub fn cut(node: &mut Node, loss: &mut Loss<'_>) -> Taken {
    node.kill();
    let taken = cut::take_back(&log(node), &node.data_dir(), loss);
    watch(node);
    taken
}

fn log(node: &Node) -> PathBuf {
    node.directory().join("power.log")
}
