//! HTTP/2: a dispatcher per connection, a task per stream.
//!
//! The dispatcher drives the connection's frames and accepts streams. A stream's task calls the application, sends
//! the head and then the body under the client's flow control. While it waits for the application or for the body,
//! it watches for the client's end, so that whatever the body holds is dropped at once.

mod body;
mod date;
mod dispatcher;
mod head;
mod heartbeat;
mod session;
mod stream;

pub(super) use date::Date;
pub(super) use dispatcher::Dispatcher;
pub(super) use session::Session;
