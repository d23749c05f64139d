//! The body of a stream's response: what its outbox gives, until the stream ends or the client is gone.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix::Addr;
use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use super::device::{DeviceActor, Gone};
use super::outbox::Outbox;

/// Reads an outbox. Its drop tells the device actor that the client is gone.
pub(super) struct StreamBody {
    outbox: Rc<RefCell<Outbox>>,
    device: Addr<DeviceActor>,
}

impl StreamBody {
    pub(super) fn new(outbox: Rc<RefCell<Outbox>>, device: Addr<DeviceActor>) -> Self {
        Self { outbox, device }
    }
}

impl MessageBody for StreamBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.outbox.borrow_mut().poll_next(cx).map(|next| next.map(Ok))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        // Bounded by design: once per stream.
        self.device.do_send(Gone);
    }
}
