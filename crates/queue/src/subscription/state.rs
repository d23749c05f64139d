//! The handle of a running subscription, and the states it goes through.

use std::fmt;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Where a subscription is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has joined its group and owns nothing yet.
    Initializing,
    /// It runs what it is given.
    Running,
    /// Partitions are wanted back, and end what is in flight.
    Rebalancing,
    /// It ends what is in flight.
    ShuttingDown,
    /// It has left its group.
    Terminated,
}

/// What the handle tells the reader.
#[derive(Debug)]
pub(super) enum Order {
    Shutdown,
}

/// A running subscription. Dropped, it stops at once, as if its process had been killed: what was in flight is run again by
/// the next owner. [`shutdown`](Self::shutdown) ends it in order.
pub struct Subscription {
    orders: mpsc::UnboundedSender<Order>,
    states: watch::Receiver<State>,
    reader: Option<JoinHandle<()>>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("state", &*self.states.borrow()).finish_non_exhaustive()
    }
}

impl Subscription {
    pub(super) fn new(
        orders: mpsc::UnboundedSender<Order>,
        states: watch::Receiver<State>,
        reader: JoinHandle<()>,
    ) -> Self {
        Self { orders, states, reader: Some(reader) }
    }

    /// The state now, and as it changes.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<State> {
        self.states.clone()
    }

    /// Calls this on each change of state, from now until the subscription is terminated.
    pub fn on_state(&self, listener: impl Fn(State) + Send + 'static) {
        let mut states = self.states.clone();
        tokio::spawn(async move {
            loop {
                let state = *states.borrow_and_update();
                listener(state);
                if state == State::Terminated || states.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// Ends what is in flight, commits, leaves the group.
    pub async fn shutdown(mut self) {
        drop(self.orders.send(Order::Shutdown));
        if let Some(reader) = self.reader.take()
            && let Err(error) = reader.await
        {
            tracing::error!(%error, "the reader of a subscription failed");
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.abort();
        }
    }
}
