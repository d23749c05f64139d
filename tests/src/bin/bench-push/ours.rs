//! The node: a stream per device, and senders that share a few connections.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, ensure};
use denrei_client::transport::Connection;

use crate::load::Target;
use crate::mark::{message, numbers};
use crate::node::Node;
use crate::streams::{self, Hearer};
use crate::times::Log;

/// People who send; each receiver hears from one of them.
const SENDERS: usize = 100;
const CONNECTIONS: usize = 10;

/// A node with its devices listening.
pub(crate) struct Ours {
    node: Node,
    connections: Vec<Rc<Connection>>,
    receivers: usize,
    log: Log,
}

impl Ours {
    /// Starts the node and opens the streams.
    pub(crate) async fn start(dir: &Path, receivers: usize) -> anyhow::Result<Self> {
        let node = Node::start(dir, &vec![1; receivers + SENDERS]).await?;
        let log = Log::new();
        let heard = log.clone();
        let hearer: Hearer = Rc::new(move |_, line| numbers(line).for_each(|number| heard.pushed(number)));
        let listening = node.devices.get(..receivers).context("receivers")?;
        streams::open(&node.target, listening, &hearer).await?;
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            connections.push(Rc::new(Connection::open(&node.target).await?));
        }
        Ok(Self { node, connections, receivers, log })
    }
}

impl Target for Ours {
    fn log(&self) -> &Log {
        &self.log
    }

    fn process(&self) -> u32 {
        self.node.server.id()
    }

    fn send(&self, number: usize) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + 'static> {
        let receiver = number % self.receivers;
        let sender = self.receivers + receiver % SENDERS;
        let call = message(number, &self.node.devices, (sender, receiver))?;
        let connection = self.connections.get(number % CONNECTIONS).context("connections")?;
        let connection = Rc::clone(connection);
        Ok(async move {
            let answer = connection.call(&call).await?;
            ensure!(answer.is_ok(), "a message is refused: {} {}", answer.status, answer.body);
            Ok(())
        })
    }
}
