//! PING and PONG: the only way to learn that a silent peer has vanished.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use h2::{Ping, PingPong};
use tokio::time::{Instant, Sleep, sleep};

/// Sends a PING every period, and waits for its PONG one more period.
pub(super) struct Heartbeat {
    ping_pong: PingPong,
    period: Duration,
    timer: Pin<Box<Sleep>>,
    awaiting_pong: bool,
}

/// The connection is dead.
pub(super) struct NoPong;

impl Heartbeat {
    pub(super) fn new(ping_pong: PingPong, period: Duration) -> Self {
        Self { ping_pong, period, timer: Box::pin(sleep(period)), awaiting_pong: false }
    }

    /// Ready when the peer has not answered in time.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<NoPong> {
        loop {
            if self.awaiting_pong {
                match self.ping_pong.poll_pong(cx) {
                    Poll::Ready(Ok(_)) => self.awaiting_pong = false,
                    // The connection itself has ended, and says so to whoever drives it.
                    Poll::Ready(Err(_)) => return Poll::Pending,
                    Poll::Pending => return self.timer.as_mut().poll(cx).map(|()| NoPong),
                }
            } else {
                ready!(self.timer.as_mut().poll(cx));
                if self.ping_pong.send_ping(Ping::opaque()).is_err() {
                    return Poll::Pending;
                }
                self.awaiting_pong = true;
            }
            self.timer.as_mut().reset(Instant::now() + self.period);
        }
    }
}
