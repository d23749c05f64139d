//! A server in a process of its own: it has the first core, what loads it the second.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Where servers run, and where the load runs.
const SERVER: usize = 0;
const LOAD: usize = 1;
/// How often is looked whether it listens, and for how long.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 3_000;

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
}

/// An address on which nobody listens.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Server {
    /// Starts it on its core and waits until it listens. From then on the calling thread has the other core.
    pub(crate) fn start(mut command: Command, listen: SocketAddr) -> anyhow::Result<Self> {
        // A child inherits the affinity of the thread that starts it, and passes it on to its own threads.
        pin(SERVER);
        let started = command.spawn().with_context(|| format!("{command:?}"));
        pin(LOAD);
        let mut server = Self { child: started? };
        for _ in 0..LOOKS {
            if TcpStream::connect(listen).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} ended instead of listening: {status}");
            }
            std::thread::sleep(LOOK);
        }
        bail!("{command:?} does not listen on {listen}")
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pin(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    // With one core only, both share it; the figures then say so by being bad.
    if sched_setaffinity(None, &cores).is_err() {
        println!("core {core} cannot be had: server and load are not kept apart");
    }
}
