//! The ceiling: a loop that writes the same bytes to as many sockets, one call of the system each, and does nothing else.
//!
//! ```text
//! control    a connection that sends how many frames a write is to hold; answered when all sockets have it
//! receivers  the other connections: they send one byte to be taken up, and then only read
//! ```

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::rc::Rc;

use anyhow::ensure;
use denrei_model::clock::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::spawn_local;

use crate::cpu::cpu_seconds;
use crate::server::{Server, free_address};
use crate::stage::Measured;

/// What a connection says first.
const CONTROL: u8 = b'C';
const RECEIVER: u8 = b'R';
/// Answers to control.
const DONE: u8 = b'D';

/// The loop, for the process that is nothing else. Ends when control hangs up.
pub(crate) fn serve(listen: SocketAddr, frame: usize) -> anyhow::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let listener = TcpListener::bind(listen)?;
    let mut receivers = Vec::new();
    let mut control = loop {
        let (mut socket, _) = listener.accept()?;
        let mut first = [0];
        match socket.read(&mut first) {
            Ok(1) if first == [RECEIVER] => {
                socket.set_nodelay(true)?;
                socket.write_all(&[DONE])?;
                receivers.push(socket);
            }
            Ok(1) if first == [CONTROL] => break socket,
            // Somebody looked whether there is a listener.
            _ => {}
        }
    };
    let frames = vec![b'x'; frame * usize::from(u8::MAX)];
    let mut asked = [0];
    while control.read(&mut asked)? == 1 {
        let [at_once] = asked;
        let bytes = frames.get(..frame * usize::from(at_once)).unwrap_or_default();
        for socket in &mut receivers {
            socket.write_all(bytes)?;
        }
        control.write_all(&[DONE])?;
    }
    Ok(())
}

/// The loop in its process, with those who read from it.
pub(crate) struct Bare {
    server: Server,
    streams: usize,
    frame: usize,
    control: TcpStream,
    awaited: Rc<(Cell<usize>, Notify)>,
}

impl Bare {
    /// Starts it, with so many sockets and frames of so many bytes.
    pub(crate) async fn start(streams: usize, frame: usize) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--bare").arg(address.to_string()).arg("--frame").arg(frame.to_string());
        let server = Server::start(command, address)?;
        let awaited = Rc::new((Cell::new(0), Notify::new()));
        for _ in 0..streams {
            let mut socket = TcpStream::connect(address).await?;
            socket.write_all(&[RECEIVER]).await?;
            ensure!(socket.read_u8().await? == DONE, "the loop says something else");
            spawn_local(receive(socket, Rc::clone(&awaited)));
        }
        let mut control = TcpStream::connect(address).await?;
        control.write_all(&[CONTROL]).await?;
        Ok(Self { server, streams, frame, control, awaited })
    }

    /// Has so many frames written at once, so many times, each time waiting for all.
    pub(crate) async fn measure(&mut self, times: usize, at_once: u8) -> anyhow::Result<Measured> {
        let clock = SystemClock::new();
        let before = cpu_seconds(self.server.id())?;
        for _ in 0..times {
            let (bytes, all) = &*self.awaited;
            bytes.set(self.streams * self.frame * usize::from(at_once));
            self.control.write_all(&[at_once]).await?;
            ensure!(self.control.read_u8().await? == DONE, "the loop says something else");
            while bytes.get() > 0 {
                all.notified().await;
            }
        }
        let used = cpu_seconds(self.server.id())? - before;
        let deliveries = (times * usize::from(at_once) * self.streams) as f64;
        let milliseconds = clock.monotonic().as_secs_f64() * 1e3 / times as f64;
        Ok(Measured { per_core_second: deliveries / used.max(0.01), milliseconds })
    }
}

/// Counts what comes until the loop is gone.
async fn receive(mut socket: TcpStream, awaited: Rc<(Cell<usize>, Notify)>) {
    let mut room = vec![0; 16 * 1024];
    while let Ok(1..) = socket.read(&mut room).await.inspect(|read| {
        let left = awaited.0.get().saturating_sub(*read);
        awaited.0.set(left);
        if left == 0 {
            awaited.1.notify_one();
        }
    }) {}
}
