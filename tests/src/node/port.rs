//! Ports for a node, and whether it is ready there.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// Below the ports that the system gives to clients: one of those must not take a node's place while it restarts.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Two addresses on which nobody listens.
pub(super) fn pair() -> [SocketAddr; 2] {
    [free(), free()]
}

/// An address on which nobody listens.
pub fn free() -> SocketAddr {
    // Processes begin at different places, so that two of them seldom look at the same port at once.
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    let mut ports = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(7, Ordering::Relaxed);
        FIRST + (start.wrapping_mul(31).wrapping_add(step)) % COUNT
    });
    let addresses = ports.by_ref().take(usize::from(COUNT)).map(|port| (Ipv4Addr::LOCALHOST, port));
    let mut addresses = addresses.map(SocketAddr::from);
    addresses.find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}

/// Whether the node behind this port for admins takes devices.
pub(super) fn is_ready(admin: SocketAddr) -> bool {
    let asked = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect_timeout(&admin, Duration::from_secs(1))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.write_all(b"GET /readyz HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        socket.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/1.1 200")
    };
    asked().unwrap_or(false)
}
