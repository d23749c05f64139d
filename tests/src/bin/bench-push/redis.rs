//! Redis, which does the same with what it has: each message is stored by `SET` and told by `PUBLISH` on its device's channel,
//! and nothing is answered or told before the append-only file is synced. The loop that is the ceiling is spoken to in the same way.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use anyhow::{Context as _, anyhow};
use denrei_tests::surroundings;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use crate::load::Target;
use crate::server::{Server, free_address};
use crate::times::Log;

const PROGRAM: &str = "redis-server";
const CONNECTIONS: usize = 10;
/// As long as the node's message is in its log.
const VALUE: usize = 200;

/// Those who wait for an answer, in the order of their commands.
type Waiting = Rc<RefCell<VecDeque<oneshot::Sender<()>>>>;

/// A server with its subscribers.
pub(crate) struct Redis {
    server: Server,
    senders: Vec<Sender>,
    receivers: usize,
    log: Log,
    _directory: TempDir,
}

struct Sender {
    commands: mpsc::UnboundedSender<String>,
    waiting: Waiting,
}

impl Redis {
    /// Starts it and subscribes everybody. None, and said so, where it is not installed.
    pub(crate) async fn start(dir: &Path, receivers: usize) -> anyhow::Result<Option<Self>> {
        if !surroundings::answers(PROGRAM, &["--version"]) {
            surroundings::skip("bench push, the side of Redis", "there is no redis-server on the path");
            return Ok(None);
        }
        let directory = tempfile::tempdir_in(dir)?;
        let address = free_address()?;
        let mut command = Command::new(PROGRAM);
        command.arg("--port").arg(address.port().to_string()).args(["--bind", "127.0.0.1", "--dir"]);
        command.arg(directory.path()).args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let server = Server::start(command, address)?;
        Self::people(server, address, directory, receivers).await.map(Some)
    }

    /// The loop in its place, which does as little as can be done.
    pub(crate) async fn bare(dir: &Path, receivers: usize) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir_in(dir)?;
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--bare").arg(address.to_string()).arg("--dir").arg(directory.path());
        let server = Server::start(command, address)?;
        Self::people(server, address, directory, receivers).await
    }

    async fn people(
        server: Server,
        address: SocketAddr,
        directory: TempDir,
        receivers: usize,
    ) -> anyhow::Result<Self> {
        let log = Log::new();
        for number in 0..receivers {
            subscribe(TcpStream::connect(address).await?, number, log.clone()).await?;
        }
        let mut senders = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            senders.push(Sender::on(TcpStream::connect(address).await?)?);
        }
        Ok(Self { server, senders, receivers, log, _directory: directory })
    }
}

/// Listens on a device's channel.
async fn subscribe(mut socket: TcpStream, number: usize, log: Log) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    socket.write_all(format!("SUBSCRIBE device-{number}\r\n").as_bytes()).await?;
    let mut lines = BufReader::new(socket).lines();
    while lines.next_line().await?.context("Redis hangs up")? != ":1" {}
    spawn_local(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(number) = line.split(';').nth(1).and_then(|number| number.parse().ok()) {
                log.pushed(number);
            }
        }
    });
    Ok(())
}

impl Sender {
    fn on(socket: TcpStream) -> anyhow::Result<Self> {
        socket.set_nodelay(true)?;
        let (read, mut write) = socket.into_split();
        let (commands, mut queued) = mpsc::unbounded_channel::<String>();
        let waiting = Waiting::default();
        spawn_local(answer(BufReader::new(read).lines(), Rc::clone(&waiting)));
        spawn_local(async move {
            while let Some(command) = queued.recv().await {
                if write.write_all(command.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { commands, waiting })
    }
}

/// Two lines answer a message: `+OK` for the SET, and the number of subscribers for the PUBLISH.
async fn answer(mut lines: Lines<BufReader<OwnedReadHalf>>, waiting: Waiting) {
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with(':')
            && let Some(sender) = waiting.borrow_mut().pop_front()
        {
            let _ = sender.send(());
        }
    }
}

impl Target for Redis {
    fn log(&self) -> &Log {
        &self.log
    }

    fn process(&self) -> u32 {
        self.server.id()
    }

    fn send(&self, number: usize) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + 'static> {
        let receiver = number % self.receivers;
        let value = format!(";{number};{}", "x".repeat(VALUE));
        let set = format!("SET message-{number} {value}\r\n");
        let publish = format!("PUBLISH device-{receiver} {value}\r\n");
        let sender = self.senders.get(number % CONNECTIONS).context("connections")?;
        let (to, answer) = oneshot::channel();
        sender.waiting.borrow_mut().push_back(to);
        sender.commands.send(set + &publish).map_err(|_| anyhow!("Redis hangs up"))?;
        Ok(async move { answer.await.context("Redis hangs up") })
    }
}
