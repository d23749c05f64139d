//! HTTP/2 to a node: one connection, requests and streams multiplexed on it.

mod call;
mod connection;
mod greeting;
mod lines;
mod tls;

pub use call::{Answer, Call, CallError, Method};
pub use connection::{ConnectError, Connection, Target};
pub use lines::Lines;
