//! Being told to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or Ctrl-C and says which it was.
pub(super) async fn requested() -> &'static str {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be listened to; the node runs until it is killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
