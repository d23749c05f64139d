//! Listening sockets. What is set here is inherited by every connection accepted from them.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::{ServerError, ServerOptions};

/// Connects that wait in the kernel; it lowers this to its own limit (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Binds one address.
pub(super) fn bind(addr: SocketAddr, options: &ServerOptions) -> Result<TcpListener, ServerError> {
    listen(addr, options).map_err(|source| ServerError::Listen { addr, source })
}

fn listen(addr: SocketAddr, options: &ServerOptions) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        // Two addresses in the configuration are two sockets, on every system.
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for the connections of the last run to leave TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    let send_buffer = usize::try_from(options.send_buffer.get()).unwrap_or(usize::MAX);
    socket.set_send_buffer_size(send_buffer)?;
    // Without it the first frames of a stream wait for the client's delayed acknowledgement, some 40 ms.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(options.unacknowledged_timeout()))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(options.unacknowledged_timeout()))?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
