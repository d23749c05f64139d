//! A response body on its way out: asked for more only when the client's window and the stream's buffer have room.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::body::{BoxBody, MessageBody as _};
use bytes::Bytes;
use h2::{Reason, SendStream};
use tokio::time::timeout;

use super::head::Following;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was sent to its end.
    Complete,
    /// The client reset the stream or went away.
    Abandoned,
    /// The body failed or was shorter than it said, and the stream was reset.
    Failed,
}

/// Sends `body` to its end, or to the client's. A client whose window stays closed to an answer of a known length for all of
/// `patience` is not waited for: its answer is held in memory meanwhile. A stream holds no more than its own bound.
pub(super) async fn send(
    mut stream: SendStream<Bytes>,
    mut body: BoxBody,
    following: Following,
    patience: Duration,
) -> Ended {
    let (mut left, patience) = match following {
        Following::Nothing => return Ended::Complete,
        Following::Bytes(length) => (Some(length), Some(patience)),
        Following::Stream => (None, None),
    };
    loop {
        let chunk = match poll_fn(|cx| poll_chunk(&mut stream, &mut body, cx)).await {
            Chunk::Gone => return Ended::Abandoned,
            Chunk::Bytes(chunk) => chunk,
            Chunk::End if left.is_none_or(|left| left == 0) => {
                return if stream.send_data(Bytes::new(), true).is_ok() {
                    Ended::Complete
                } else {
                    Ended::Abandoned
                };
            }
            Chunk::End | Chunk::Failed => {
                stream.send_reset(Reason::INTERNAL_ERROR);
                return Ended::Failed;
            }
        };
        let chunk = match &mut left {
            Some(left) => {
                // A body longer than it said is cut: the length has gone out with the head.
                let chunk = chunk.slice(..chunk.len().min(usize::try_from(*left).unwrap_or(usize::MAX)));
                *left = left.saturating_sub(chunk.len() as u64);
                chunk
            }
            None => chunk,
        };
        let last = left == Some(0);
        match send_chunk(&mut stream, chunk, last, patience).await {
            Sent::Whole => {}
            Sent::Gone => return Ended::Abandoned,
            Sent::Waiting => {
                stream.send_reset(Reason::CANCEL);
                return Ended::Abandoned;
            }
        }
        if last {
            return Ended::Complete;
        }
    }
}

enum Chunk {
    Bytes(Bytes),
    End,
    Failed,
    Gone,
}

fn poll_chunk(stream: &mut SendStream<Bytes>, body: &mut BoxBody, cx: &mut Context<'_>) -> Poll<Chunk> {
    // First, so that a body that always has something cannot hide that the client has gone.
    if stream.poll_reset(cx).is_ready() {
        return Poll::Ready(Chunk::Gone);
    }
    Pin::new(body).poll_next(cx).map(|next| match next {
        Some(Ok(bytes)) => Chunk::Bytes(bytes),
        Some(Err(error)) => {
            tracing::debug!(%error, "response body failed");
            Chunk::Failed
        }
        None => Chunk::End,
    })
}

/// What became of a chunk.
enum Sent {
    Whole,
    /// The client has gone.
    Gone,
    /// The client's window is closed.
    Waiting,
}

/// Sends a chunk in parts, as the client's window has room. Each part is flushed as soon as the connection is polled.
async fn send_chunk(
    stream: &mut SendStream<Bytes>,
    mut chunk: Bytes,
    last: bool,
    patience: Option<Duration>,
) -> Sent {
    while !chunk.is_empty() {
        stream.reserve_capacity(chunk.len());
        let room = match stream.capacity() {
            0 => {
                let opened = poll_fn(|cx| stream.poll_capacity(cx));
                let opened = match patience {
                    Some(patience) => match timeout(patience, opened).await {
                        Ok(opened) => opened,
                        Err(_) => return Sent::Waiting,
                    },
                    None => opened.await,
                };
                match opened {
                    Some(Ok(room)) => room,
                    Some(Err(_)) | None => return Sent::Gone,
                }
            }
            room => room,
        };
        let part = chunk.split_to(room.min(chunk.len()));
        if part.is_empty() {
            continue;
        }
        if stream.send_data(part, last && chunk.is_empty()).is_err() {
            return Sent::Gone;
        }
    }
    Sent::Whole
}
