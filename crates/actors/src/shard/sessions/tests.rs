//! Streams are told what is theirs; whoever had no room is told later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use denrei_model::id::{AccountId, DeviceId, LogId};
use denrei_model::operation::{Category, Operation, Payload, Profile};
use denrei_model::position::Revision;
use denrei_model::tag::Tag;

use super::{Push, Sessions};
use crate::session::{Delivery, PushSink, Session, Signal, StreamId};

#[derive(Default)]
struct Sink {
    full: AtomicBool,
    deliveries: Mutex<Vec<Delivery>>,
    signals: Mutex<Vec<(u64, Signal)>>,
}

impl PushSink for Sink {
    fn deliver(&self, deliveries: Vec<Delivery>) -> Result<(), Vec<Delivery>> {
        if self.full.load(Ordering::SeqCst) {
            return Err(deliveries);
        }
        self.deliveries.lock().unwrap().extend(deliveries);
        Ok(())
    }

    fn signal(&self, StreamId(stream): StreamId, signal: Signal) -> bool {
        let room = !self.full.load(Ordering::SeqCst);
        if room {
            self.signals.lock().unwrap().push((stream, signal));
        }
        room
    }
}

fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn session(number: u8, device: u8, stream: u64, sink: &Arc<Sink>) -> Session {
    Session {
        account: account(number),
        device: DeviceId::from_bytes([device; 16]),
        number: 0,
        stream: StreamId(stream),
        sink: Arc::<Sink>::clone(sink),
    }
}

fn push(number: u8, revision: u64) -> Push {
    let operation = Operation {
        revision: Revision::new(revision),
        tag: Tag::default(),
        category: Category::Profile,
        created_at: 0,
        payload: Payload::UpdateProfile(Profile::default()),
    };
    Push { account: account(number), log_id: LogId::from_bytes([number; 16]), operation }
}

fn delivered(sink: &Sink) -> Vec<(Vec<u64>, u64, u64)> {
    let row = |delivery: &Delivery| {
        let streams = delivery.streams.iter().map(|StreamId(stream)| *stream).collect();
        (streams, delivery.first.get(), delivery.last.get())
    };
    sink.deliveries.lock().unwrap().iter().map(row).collect()
}

fn signalled(sink: &Sink) -> Vec<(u64, Signal)> {
    sink.signals.lock().unwrap().clone()
}

#[test]
fn devices_of_an_account_share_a_frame_and_strangers_get_none() {
    let (sink, mut sessions) = (Arc::<Sink>::default(), Sessions::default());
    for session in [session(1, 1, 10, &sink), session(1, 2, 11, &sink), session(2, 3, 12, &sink)] {
        sessions.add(session);
    }
    sessions.push(vec![push(1, 4), push(1, 5), push(3, 1), push(2, 7), push(1, 6)]);
    assert_eq!(delivered(&sink), [(vec![10, 11], 4, 5), (vec![12], 7, 7), (vec![10, 11], 6, 6)]);
}

#[test]
fn a_new_stream_of_a_device_replaces_the_older_one() {
    let (sink, mut sessions) = (Arc::<Sink>::default(), Sessions::default());
    sessions.add(session(1, 1, 10, &sink));
    sessions.add(session(1, 1, 11, &sink));
    assert_eq!((signalled(&sink), sessions.len()), (vec![(10, Signal::Replaced)], 1));
    sessions.remove(account(1), StreamId(10));
    assert_eq!(sessions.len(), 1, "the end of the older one does not end the newer one");
    sessions.remove(account(1), StreamId(11));
    assert_eq!((sessions.len(), sessions.of(account(1)).len()), (0, 0));
}

#[test]
fn the_same_stream_registered_again_is_not_replaced() {
    let (sink, mut sessions) = (Arc::<Sink>::default(), Sessions::default());
    sessions.add(session(1, 1, 10, &sink));
    sessions.add(session(1, 1, 10, &sink));
    assert_eq!((signalled(&sink), sessions.len()), (vec![], 1));
}

#[test]
fn whoever_had_no_room_is_told_to_read_until_there_is_room() {
    let (sink, mut sessions) = (Arc::<Sink>::default(), Sessions::default());
    sessions.add(session(1, 1, 10, &sink));
    sink.full.store(true, Ordering::SeqCst);
    sessions.push(vec![push(1, 4)]);
    sessions.push(vec![push(1, 5)]);
    sessions.retry();
    sink.full.store(false, Ordering::SeqCst);
    sessions.retry();
    sessions.retry();
    assert_eq!(signalled(&sink), [(10, Signal::Behind)], "once");
}

#[test]
fn a_stream_without_room_learns_that_its_device_was_logged_out() {
    let (sink, mut sessions) = (Arc::<Sink>::default(), Sessions::default());
    sessions.add(session(1, 1, 10, &sink));
    sessions.add(session(1, 2, 11, &sink));
    sink.full.store(true, Ordering::SeqCst);
    sessions.push(vec![push(1, 4)]);
    sessions.revoke(account(1), DeviceId::from_bytes([1; 16]));
    sink.full.store(false, Ordering::SeqCst);
    sessions.retry();
    assert_eq!(signalled(&sink), [(10, Signal::Revoked), (11, Signal::Behind)]);
    assert_eq!(sessions.len(), 1);
}

#[test]
fn a_stream_without_room_learns_that_it_was_replaced_and_nothing_else() {
    let (sink, mut sessions) = (Arc::<Sink>::default(), Sessions::default());
    sessions.add(session(1, 1, 10, &sink));
    sink.full.store(true, Ordering::SeqCst);
    sessions.push(vec![push(1, 4)]);
    sessions.add(session(1, 1, 11, &sink));
    sink.full.store(false, Ordering::SeqCst);
    sessions.retry();
    assert_eq!((signalled(&sink), sessions.len()), (vec![(10, Signal::Replaced)], 1));
}

#[test]
fn a_stream_that_has_ended_is_not_told_anything_later() {
    let (sink, mut sessions) = (Arc::<Sink>::default(), Sessions::default());
    sessions.add(session(1, 1, 10, &sink));
    sink.full.store(true, Ordering::SeqCst);
    sessions.push(vec![push(1, 4)]);
    sessions.remove(account(1), StreamId(10));
    sink.full.store(false, Ordering::SeqCst);
    sessions.retry();
    assert_eq!(signalled(&sink), []);
}
