//! Whatever happens on the way, a device ends up with what a fresh one is given.

use denrei_client::machine::{Machine, Seen, Wish};
use denrei_client::state::{LocalState, differences};
use denrei_client::store::{DiskStore, LocalStore, MemoryStore};
use denrei_model::AccountId;
use proptest::prelude::*;

use crate::server::{Server, account};

/// So far a device may be behind without a FullSync.
const LIMIT: u64 = 12;

/// What happens next, to the server or to the device.
#[derive(Clone, Debug)]
enum Event {
    Receive(u8),
    Send(u8),
    Unsend(u8, usize),
    React(u8, usize, bool),
    Read(u8),
    Contact(u8, bool),
    Set(u8, Option<u8>),
    New(u8),
    /// The device takes a step: opens, reads a frame of so many operations, or fetches a page.
    Step(usize),
    /// The connection breaks.
    Cut,
    /// The device is sent what it has already.
    Repeat(u64),
    /// The device is sent what comes after the next.
    Skip,
    Heartbeat,
    /// The process ends and begins anew from what is stored.
    Restart,
    Corrupt,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let peer = 0..3_u8;
    prop::collection::vec(
        prop_oneof![
            6 => peer.clone().prop_map(Event::Receive),
            4 => peer.clone().prop_map(Event::Send),
            1 => (peer.clone(), 0..7_usize).prop_map(|(who, back)| Event::Unsend(who, back)),
            2 => (peer.clone(), 0..7_usize, any::<bool>()).prop_map(|(who, back, on)| Event::React(who, back, on)),
            2 => peer.clone().prop_map(Event::Read),
            2 => (peer.clone(), any::<bool>()).prop_map(|(who, on)| Event::Contact(who, on)),
            2 => (peer, any::<Option<u8>>()).prop_map(|(key, value)| Event::Set(key, value)),
            1 => any::<u8>().prop_map(Event::New),
            16 => (1..5_usize).prop_map(Event::Step),
            2 => Just(Event::Cut),
            1 => (0..6_u64).prop_map(Event::Repeat),
            1 => Just(Event::Skip),
            1 => Just(Event::Heartbeat),
            1 => Just(Event::Restart),
            1 => Just(Event::Corrupt),
        ],
        0..120,
    )
}

struct Run<S> {
    server: Server,
    machine: Machine<S>,
    /// Up to where the open stream has sent; none is open otherwise.
    cursor: Option<u64>,
    wish: Wish,
}

fn me() -> AccountId {
    account("me")
}

fn peer(number: u8) -> AccountId {
    account(&format!("peer {number}"))
}

impl<S: LocalStore> Run<S> {
    fn new(store: S) -> Self {
        let mut server = Server::default();
        for who in [me(), peer(0), peer(1), peer(2)] {
            server.register(who, "somebody");
        }
        let machine = Machine::new(me(), store);
        Self { server, wish: machine.wish(), machine, cursor: None }
    }

    fn line(&mut self, line: &serde_json::Value) -> Seen {
        let before = self.machine.state().position;
        let (seen, wish) = self.machine.line(&line.to_string()).unwrap();
        let after = self.machine.state().position;
        if let (Some(before), Some(after)) = (before, after) {
            assert!(after.revision >= before.revision, "a line never sets the copy back");
        }
        if let Some(wish) = wish {
            (self.cursor, self.wish) = (None, wish);
        }
        seen
    }

    fn step(&mut self, most: usize) {
        let account = &self.server.accounts[&me()];
        if let Some(cursor) = self.cursor {
            if let Some(frame) = account.frame(cursor, most) {
                self.cursor = Some(cursor + frame["operations"].as_array().unwrap().len() as u64);
                self.line(&frame);
            }
            return;
        }
        match self.wish.clone() {
            Wish::Open { position, resume } => {
                // The token lifts the limit at the very position that it was given for.
                let known =
                    resume.is_some_and(|token| position.is_some_and(|at| at.revision.to_string() == token));
                match account.refuses(position, if known { u64::MAX } else { LIMIT }) {
                    Some(reason) => {
                        let frame = account.full_sync(reason);
                        self.line(&frame);
                    }
                    None => self.cursor = position.map(|position| position.revision.get()),
                }
            }
            Wish::Ask(reason) => {
                let frame = account.full_sync(reason);
                self.line(&frame);
            }
            Wish::Fetch { category, after } => {
                let page = self.server.page(me(), category, after.as_deref());
                self.wish = self.machine.page(category, &page.to_string()).unwrap();
            }
            other => panic!("{other:?} was not asked for"),
        }
    }

    fn at(&self) -> u64 {
        self.machine.state().revision().get()
    }

    fn happen(&mut self, event: &Event) {
        let server = &mut self.server;
        match *event {
            Event::Receive(from) => _ = server.send(peer(from), me(), "hello", None),
            Event::Send(to) => _ = server.send(me(), peer(to), "well", Some(format!("20261124-k{to}"))),
            Event::Unsend(who, back) => server.unsend(peer(who), me(), back),
            Event::React(who, back, on) => server.react(me(), peer(who), back, on.then_some("👍")),
            Event::Read(who) => server.read(me(), peer(who)),
            Event::Contact(who, true) => server.account(me()).add_contact(peer(who)),
            Event::Contact(who, false) => server.account(me()).remove_contact(peer(who)),
            Event::Set(key, value) => server.account(me()).set(&format!("key {key}"), value),
            Event::New(value) => server.account(me()).do_something_new(value),
            Event::Step(most) => self.step(most),
            Event::Cut => (self.cursor, self.wish) = (None, self.machine.wish()),
            Event::Repeat(back) => self.resend(self.at().saturating_sub(back)),
            Event::Skip => self.resend(self.at() + 1),
            Event::Heartbeat => {
                let head = server.accounts[&me()].head();
                if self.cursor.is_some() {
                    self.line(&serde_json::json!({ "frame": "heartbeat", "head": head, "date": 20_261_124 }));
                }
            }
            Event::Corrupt => (self.cursor, self.wish) = (None, self.machine.corrupted()),
            Event::Restart => {}
        }
    }

    /// Sends what does not come next, on an open stream.
    fn resend(&mut self, after: u64) {
        if self.cursor.is_none() {
            return;
        }
        if let Some(frame) = self.server.accounts[&me()].frame(after, 3) {
            let sent = after + frame["operations"].as_array().unwrap().len() as u64;
            let (at, seen) = (self.at(), self.line(&frame));
            assert_eq!(seen == Seen::Hole, after > at, "at {at}, sent what follows {after}");
            self.cursor = self.cursor.map(|cursor| cursor.max(sent));
        }
    }

    fn settle(&mut self) {
        for _ in 0..1_000 {
            let head = self.server.accounts[&me()].head();
            if self.cursor.is_some() && self.machine.state().position == Some(head) {
                return;
            }
            if self.cursor.is_some_and(|cursor| cursor == head.revision.get()) {
                self.happen(&Event::Heartbeat);
            }
            self.step(7);
        }
        panic!("the device does not come to rest");
    }
}

/// What a device that has nothing is given.
fn fresh(server: Server) -> LocalState {
    let machine = Machine::new(me(), MemoryStore);
    let mut run = Run { server, wish: machine.wish(), machine, cursor: None };
    run.settle();
    run.machine.state().clone()
}

fn agree(a: &LocalState, b: &LocalState) {
    assert_eq!(a.position, b.position);
    assert_eq!(differences(a, b, me()), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_device_in_trouble_converges_to_what_a_fresh_full_sync_gives(events in events()) {
        let mut run = Run::new(MemoryStore);
        for event in &events {
            run.happen(event);
        }
        run.settle();
        agree(run.machine.state(), &fresh(run.server));
    }

    #[test]
    fn a_device_that_never_loses_its_stream_needs_one_full_sync(events in events()) {
        let mut run = Run::new(MemoryStore);
        run.settle();
        let loses = |event: &Event| {
            matches!(event, Event::Cut | Event::Skip | Event::Corrupt | Event::New(_) | Event::Heartbeat)
        };
        for event in events.iter().filter(|event| !loses(event)) {
            run.happen(event);
        }
        run.settle();
        prop_assert_eq!(run.machine.full_syncs(), 1);
        agree(run.machine.state(), &fresh(run.server));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_device_that_is_killed_goes_on_from_its_disk(events in events()) {
        let directory = tempfile::tempdir().unwrap();
        let open = || DiskStore::open(directory.path(), me()).unwrap();
        let mut run = Run::new(open());
        for event in &events {
            if matches!(event, Event::Restart) {
                let position = run.machine.state().position;
                run.machine = Machine::new(me(), open());
                (run.cursor, run.wish) = (None, run.machine.wish());
                if !matches!(run.wish, Wish::Ask(_)) && position.is_some() {
                    assert_eq!(run.machine.state().position, position);
                }
            }
            run.happen(event);
        }
        run.settle();
        let kept = Machine::new(me(), open()).state().clone();
        agree(&kept, run.machine.state());
        agree(&kept, &fresh(run.server));
    }
}
