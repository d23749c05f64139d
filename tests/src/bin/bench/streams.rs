//! Many devices, each with a connection of its own and a stream on it.

use std::rc::Rc;

use anyhow::{anyhow, bail};
use denrei_client::transport::{Call, Connection, Lines, Target};
use tokio::task::{JoinSet, spawn_local};

use crate::people::Device;

/// Connections that are opened at once.
const AT_ONCE: usize = 64;

/// Told of each line of a stream, with the device's number.
pub(crate) type Hearer = Rc<dyn Fn(usize, &str)>;

/// Opens the streams of these devices, and has the hearer told of all that comes after their sign-on. Must be called within
/// a local set.
pub(crate) async fn open(target: &Target, devices: &[Device], hearer: &Hearer) -> anyhow::Result<()> {
    let mut opening = JoinSet::new();
    for (number, device) in devices.iter().enumerate() {
        if opening.len() == AT_ONCE
            && let Some(opened) = opening.join_next().await
        {
            opened??;
        }
        let call = Call::get(device.stream.clone()).bearer(&device.token);
        let signing_on =
            Opening { target: target.clone(), call, account: device.account.to_string(), number };
        opening.spawn_local(signing_on.run(Rc::clone(hearer)));
    }
    while let Some(opened) = opening.join_next().await {
        opened??;
    }
    Ok(())
}

struct Opening {
    target: Target,
    call: Call,
    account: String,
    number: usize,
}

impl Opening {
    async fn run(self, hearer: Hearer) -> anyhow::Result<()> {
        let connection = Connection::open(&self.target).await?;
        let opened = connection.lines(&self.call).await?;
        let mut lines = opened.map_err(|answer| anyhow!("no stream: {} {}", answer.status, answer.body))?;
        match lines.next().await? {
            Some(line) if line.contains("\"sign_on\"") && line.contains(&self.account) => {}
            other => bail!("the stream of {} begins with {other:?}", self.account),
        }
        spawn_local(listen(connection, lines, self.number, hearer));
        Ok(())
    }
}

/// Until the node goes: the connection lives as long as somebody listens.
async fn listen(_connection: Connection, mut lines: Lines, number: usize, hearer: Hearer) {
    while let Ok(Some(line)) = lines.next().await {
        hearer(number, &line);
    }
}
