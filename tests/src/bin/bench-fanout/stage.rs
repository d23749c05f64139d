//! An account with thousands of devices, and somebody who writes to it.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use denrei_client::transport::Connection;
use denrei_model::clock::{Clock as _, SystemClock};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cpu::cpu_seconds;
use crate::mark::{message, numbers};
use crate::node::Node;
use crate::streams::{self, Hearer};

/// How long one message or burst may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a measurement gave.
pub(crate) struct Measured {
    /// Deliveries for each second of the node's processor time.
    pub(crate) per_core_second: f64,
    /// From sending until every stream has it, on average.
    pub(crate) milliseconds: f64,
}

/// Deliveries that are still to come.
#[derive(Default)]
struct Awaited {
    deliveries: Cell<usize>,
    /// Bytes of the last frame that held one.
    frame: Cell<usize>,
    all: Notify,
}

/// A node whose streams all belong to one account.
pub(crate) struct Stage {
    node: Node,
    streams: usize,
    connection: Rc<Connection>,
    awaited: Rc<Awaited>,
    sent: Cell<usize>,
}

impl Stage {
    /// Starts the node and opens the streams.
    pub(crate) async fn open(dir: &Path, streams: usize) -> anyhow::Result<Self> {
        let node = Node::start(dir, &[streams, 1]).await?;
        let awaited = Rc::new(Awaited::default());
        let heard = Rc::clone(&awaited);
        let hearer: Hearer = Rc::new(move |_, line| {
            if numbers(line).count() == 1 {
                heard.frame.set(line.len());
            }
            let left = heard.deliveries.get().saturating_sub(numbers(line).count());
            heard.deliveries.set(left);
            if left == 0 {
                heard.all.notify_one();
            }
        });
        streams::open(&node.target, node.devices.get(..streams).context("devices")?, &hearer).await?;
        let connection = Rc::new(Connection::open(&node.target).await?);
        Ok(Self { node, streams, connection, awaited, sent: Cell::new(0) })
    }

    /// Sends so many messages at once, so many times, each time waiting for all streams.
    pub(crate) async fn measure(&self, times: usize, at_once: usize) -> anyhow::Result<Measured> {
        let clock = SystemClock::new();
        let before = cpu_seconds(self.node.server.id())?;
        for _ in 0..times {
            self.send(at_once).await?;
        }
        let used = cpu_seconds(self.node.server.id())? - before;
        let deliveries = (times * at_once * self.streams) as f64;
        let milliseconds = clock.monotonic().as_secs_f64() * 1e3 / times as f64;
        Ok(Measured { per_core_second: deliveries / used.max(0.01), milliseconds })
    }

    /// How many bytes a frame of one message has.
    pub(crate) fn frame(&self) -> usize {
        self.awaited.frame.get()
    }

    /// Sends so many messages at once, and waits until every stream has them.
    pub(crate) async fn send(&self, at_once: usize) -> anyhow::Result<()> {
        self.awaited.deliveries.set(at_once * self.streams);
        let mut sends = JoinSet::new();
        for _ in 0..at_once {
            let number = self.sent.replace(self.sent.get() + 1);
            let call = message(number, &self.node.devices, (self.streams, 0))?;
            let connection = Rc::clone(&self.connection);
            sends.spawn_local(async move { connection.call(&call).await });
        }
        while let Some(sent) = sends.join_next().await {
            let answer = sent??;
            ensure!(answer.is_ok(), "a message is refused: {} {}", answer.status, answer.body);
        }
        let all = async {
            while self.awaited.deliveries.get() > 0 {
                self.awaited.all.notified().await;
            }
        };
        let missing = || format!("{} deliveries are missing", self.awaited.deliveries.get());
        timeout(PATIENCE, all).await.with_context(missing)
    }
}
