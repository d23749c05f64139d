//! The sessions of a shard: which streams learn of which account.

use std::sync::Arc;

use bytes::Bytes;
use denrei_model::effects::Notice;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::wire::frame::{Frame, Notify, Operations};
use foldhash::HashMap;

use super::ledger::Push;
use crate::session::{Delivery, PushSink, Session, Signal, StreamId};

/// Sessions by account. Few per account, so a list.
#[derive(Default)]
pub(crate) struct Sessions {
    by_account: HashMap<AccountId, Vec<Session>>,
    count: usize,
    /// The store's: part of the log ids that devices see.
    incarnation: [u8; 16],
    /// Streams that could not be told that the log is ahead, that another replaced them, or that their device was logged out; tried again later.
    behind: Vec<(Arc<dyn PushSink>, StreamId, Signal)>,
}

impl Sessions {
    pub(crate) fn new(incarnation: [u8; 16]) -> Self {
        Self { incarnation, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Takes a session; an older one of the same device is told that it was replaced.
    pub(crate) fn add(&mut self, session: Session) {
        let sessions = self.by_account.entry(session.account).or_default();
        let before = sessions.len();
        sessions.retain(|older| {
            let same = older.device == session.device;
            let is_replaced = same && older.stream != session.stream;
            if is_replaced && !older.sink.signal(older.stream, Signal::Replaced) {
                self.behind.push((Arc::clone(&older.sink), older.stream, Signal::Replaced));
            }
            !same
        });
        sessions.push(session);
        self.count = self.count + sessions.len() - before;
    }

    /// A stream has ended.
    pub(crate) fn remove(&mut self, account: AccountId, stream: StreamId) {
        self.behind.retain(|(_, behind, _)| *behind != stream);
        if let Some(sessions) = self.by_account.get_mut(&account) {
            let before = sessions.len();
            sessions.retain(|session| session.stream != stream);
            self.count -= before - sessions.len();
            if sessions.is_empty() {
                self.by_account.remove(&account);
            }
        }
    }

    /// A device was logged out: its stream ends.
    pub(crate) fn revoke(&mut self, account: AccountId, device: DeviceId) {
        let Some(sessions) = self.by_account.get(&account) else { return };
        let of_device: Vec<_> = sessions.iter().filter(|session| session.device == device).cloned().collect();
        for session in of_device {
            self.remove(account, session.stream);
            if !session.sink.signal(session.stream, Signal::Revoked) {
                self.behind.push((Arc::clone(&session.sink), session.stream, Signal::Revoked));
            }
        }
    }

    /// The streams of an account must look at its log.
    pub(crate) fn wake(&mut self, account: AccountId) {
        for session in self.by_account.get(&account).into_iter().flatten() {
            if !session.sink.signal(session.stream, Signal::Behind) {
                self.behind.push((Arc::clone(&session.sink), session.stream, Signal::Behind));
            }
        }
    }

    /// Hands what has become durable to the streams: one hand-over per sink, one frame per run of an account.
    pub(crate) fn push(&mut self, pushes: Vec<Push>) {
        let mut sinks: Vec<(Arc<dyn PushSink>, Vec<Delivery>)> = Vec::new();
        let mut pushes = pushes.into_iter().peekable();
        while let Some(push) = pushes.next() {
            let Push { account, log_id, operation } = push;
            let mut operations = vec![operation];
            while let Some(more) = pushes.next_if(|next| next.account == account && next.log_id == log_id) {
                operations.push(more.operation);
            }
            let Some(sessions) = self.by_account.get(&account) else { continue };
            let log_id = log_id.shown(&self.incarnation);
            let frame = Operations { log_id, operations, head: None };
            let (Some(first), Some(last)) = (frame.operations.first(), frame.operations.last()) else {
                continue;
            };
            let (first, last, last_tag) = (first.revision, last.revision, last.tag);
            let frame = line(&Frame::Operations(frame));
            for session in sessions {
                // There are as many sinks as HTTP workers, so a list.
                let of_session = |(sink, _): &(Arc<dyn PushSink>, _)| Arc::ptr_eq(sink, &session.sink);
                if !sinks.iter().any(of_session) {
                    sinks.push((Arc::clone(&session.sink), Vec::new()));
                }
                let Some((_, deliveries)) = sinks.iter_mut().find(|handed| of_session(handed)) else {
                    continue;
                };
                match deliveries.last_mut() {
                    Some(run) if run.log_id == log_id && run.first == first => {
                        run.streams.push(session.stream);
                    }
                    _ => {
                        let (streams, frame) = (vec![session.stream], frame.clone());
                        deliveries.push(Delivery { streams, log_id, first, last, last_tag, frame });
                    }
                }
            }
        }
        for (sink, deliveries) in sinks {
            let refused = sink.deliver(deliveries).err().into_iter().flatten();
            let behind = |stream| (Arc::clone(&sink), stream, Signal::Behind);
            self.behind.extend(refused.flat_map(|delivery| delivery.streams).map(behind));
        }
    }

    /// Tells streams what is not in the log. Whoever has no room misses it.
    pub(crate) fn notify(&self, notices: Vec<Notice>) {
        for notice in notices {
            let Some(sessions) = self.by_account.get(&notice.account) else { continue };
            let frame = line(&Frame::Notify(Notify { payload: notice.payload }));
            for session in sessions {
                session.sink.signal(session.stream, Signal::Notify(frame.clone()));
            }
        }
    }

    /// Whether any stream is to be told what it had no room for.
    pub(crate) const fn has_untold(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Tries again to tell streams what they had no room for. Of a stream that is to end, only that.
    pub(crate) fn retry(&mut self) {
        let goes_on = |signal: &Signal| !matches!(signal, Signal::Revoked | Signal::Replaced);
        self.behind.sort_by_key(|(_, stream, signal)| (*stream, goes_on(signal)));
        self.behind.dedup_by_key(|(_, stream, _)| *stream);
        self.behind.retain(|(sink, stream, signal)| !sink.signal(*stream, signal.clone()));
    }

    /// The sessions of an account.
    pub(crate) fn of(&self, account: AccountId) -> &[Session] {
        self.by_account.get(&account).map_or(&[], Vec::as_slice)
    }
}

/// A frame as one line of JSON.
pub(crate) fn line(frame: &Frame) -> Bytes {
    let mut line = Vec::with_capacity(512);
    // Frames have string keys and no maps of other kinds: writing them to memory cannot fail.
    if let Err(error) = serde_json::to_writer(&mut line, frame) {
        tracing::error!(%error, "a frame could not be written as JSON");
    }
    line.push(b'\n');
    Bytes::from(line)
}

#[cfg(test)]
#[path = "sessions/tests.rs"]
mod tests;
