//! What a handler may know about the connection its request came on.

use std::{fmt, net::SocketAddr, rc::Rc};

use actix_web::{HttpMessage as _, HttpRequest};

/// Identity of a connection, unique in the life of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

impl ConnectionId {
    pub(super) const FIRST: Self = Self(1);

    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The protocol spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A connection, as its requests see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    pub(super) id: ConnectionId,
    pub(super) peer: SocketAddr,
    pub(super) protocol: Protocol,
    pub(super) secure: bool,
}

impl Connection {
    /// The connection a request came on; `None` only for requests that did not come through this server.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        // The HTTP/1.1 dispatcher keeps connection data of its own, which only actix-http may set.
        request
            .conn_data::<Rc<Self>>()
            .map(|connection| **connection)
            .or_else(|| request.extensions().get::<Rc<Self>>().map(|connection| **connection))
    }

    /// Identity of the connection.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Address of the other side.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The protocol spoken.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether it is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}
