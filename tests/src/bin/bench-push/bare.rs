//! The ceiling: one thread that takes messages, appends them to a file, syncs it, answers and pushes, and knows nothing else. All that
//! has come by the time it looks shares one sync. It speaks as much of the protocol of Redis as the load does.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use anyhow::Context as _;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// Stands for the listener where others stand for a connection.
const LISTENER: u64 = u64::MAX;
/// Connections that are looked at in one turn.
const TURN: usize = 256;

/// Somebody who sends or listens.
struct Peer {
    socket: TcpStream,
    /// The beginning of a line whose end has not come yet.
    unread: Vec<u8>,
    /// Said to it when all of the turn is on the disk.
    answers: Vec<u8>,
}

#[derive(Default)]
struct Loop {
    peers: Vec<Peer>,
    /// By channel.
    subscribers: HashMap<Vec<u8>, usize>,
    /// To whom, and what.
    pushes: Vec<(usize, Vec<u8>)>,
    /// What the turn appends to the file.
    appended: Vec<u8>,
}

/// The loop, for the process that is nothing else. It runs until it is killed.
pub(crate) fn serve(listen: SocketAddr, dir: &Path) -> anyhow::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut file = File::create_new(dir.join("messages")).context("the file of messages")?;
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let ready = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&ready, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let (mut state, mut room) = (Loop::default(), vec![0; 64 * 1024]);
    loop {
        let mut events = Vec::with_capacity(TURN);
        epoll::wait(&ready, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            if event.data.u64() == LISTENER {
                let (socket, _) = listener.accept()?;
                socket.set_nonblocking(true)?;
                socket.set_nodelay(true)?;
                let number = state.peers.len();
                epoll::add(&ready, &socket, EventData::new_u64(number.try_into()?), EventFlags::IN)?;
                state.peers.push(Peer { socket, unread: Vec::new(), answers: Vec::new() });
            } else {
                let number = event.data.u64().try_into()?;
                if !state.hear(number, &mut room)? {
                    epoll::delete(&ready, &state.peers.get(number).context("a peer")?.socket)?;
                }
            }
        }
        state.end_turn(&mut file)?;
    }
}

impl Loop {
    /// Reads what has come. False: there is nothing more to come.
    fn hear(&mut self, number: usize, room: &mut [u8]) -> anyhow::Result<bool> {
        let peer = self.peers.get_mut(number).context("a peer")?;
        let read = match peer.socket.read(room) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Ok(0) | Err(_) => return Ok(false),
            Ok(read) => read,
        };
        peer.unread.extend_from_slice(room.get(..read).unwrap_or_default());
        let whole = peer.unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let lines: Vec<u8> = peer.unread.drain(..whole).collect();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut words = line.splitn(3, |byte| *byte == b' ');
            match (words.next(), words.next(), words.next()) {
                (Some(b"SET"), Some(_), Some(_)) => {
                    self.appended.extend_from_slice(line);
                    self.answer(number, b"+OK\r\n");
                }
                (Some(b"PUBLISH"), Some(channel), Some(value)) => {
                    if let Some(subscriber) = self.subscribers.get(channel) {
                        self.pushes.push((*subscriber, [value, b"\n"].concat()));
                    }
                    self.answer(number, b":1\r\n");
                }
                (Some(b"SUBSCRIBE"), Some(channel), None) => {
                    self.subscribers.insert(channel.trim_ascii_end().to_vec(), number);
                    self.answer(number, b":1\r\n");
                }
                _ => anyhow::bail!("not understood: {}", String::from_utf8_lossy(line)),
            }
        }
        Ok(true)
    }

    fn answer(&mut self, number: usize, answer: &[u8]) {
        if let Some(peer) = self.peers.get_mut(number) {
            peer.answers.extend_from_slice(answer);
        }
    }

    /// Syncs what the turn brought, and only then says so.
    fn end_turn(&mut self, file: &mut File) -> anyhow::Result<()> {
        if !self.appended.is_empty() {
            file.write_all(&self.appended)?;
            file.sync_data()?;
            self.appended.clear();
        }
        for peer in self.peers.iter_mut().filter(|peer| !peer.answers.is_empty()) {
            peer.socket.write_all(&peer.answers)?;
            peer.answers.clear();
        }
        for (number, push) in self.pushes.drain(..) {
            self.peers.get_mut(number).context("a subscriber")?.socket.write_all(&push)?;
        }
        Ok(())
    }
}
