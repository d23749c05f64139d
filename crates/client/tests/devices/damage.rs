//! Copies on disk that crashes and disks have been at, stores that refuse, frames and pages that nobody should send.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;

use denrei_client::machine::{Machine, MachineError, Seen, Wish};
use denrei_client::state::{LocalState, differences};
use denrei_client::store::{DiskStore, LocalStore, MemoryStore, StoreError};
use denrei_model::operation::Category;
use denrei_model::wire::{FullSyncReason, Position};
use denrei_model::{LogId, Revision};
use serde_json::json;
use serde_json::value::RawValue;

use crate::server::{Server, account};

fn server() -> Server {
    let mut server = Server::default();
    server.register(account("me"), "me");
    server.register(account("you"), "you");
    server
}

/// Brings a machine to the head: a FullSync if it has nothing, then the operations that are missing.
fn sync<S: LocalStore>(machine: &mut Machine<S>, server: &Server) {
    let me = &server.accounts[&account("me")];
    if machine.state().position.is_none() {
        machine.line(&me.full_sync(FullSyncReason::Initialization).to_string()).unwrap();
        while let Wish::Fetch { category, after } = machine.wish() {
            let page = server.page(account("me"), category, after.as_deref());
            machine.page(category, &page.to_string()).unwrap();
        }
    }
    if let Some(frame) = me.frame(machine.state().revision().get(), 100) {
        machine.line(&frame.to_string()).unwrap();
    }
    assert_eq!(machine.state().position, Some(me.head()));
}

fn opened(directory: &Path) -> Machine<DiskStore> {
    Machine::new(account("me"), DiskStore::open(directory, account("me")).unwrap())
}

/// A copy at revision 1 with three operations in its log.
fn kept(directory: &Path) -> (Server, LocalState) {
    let (mut server, mut machine) = (server(), opened(directory));
    sync(&mut machine, &server);
    for text in ["a", "ö", "c"] {
        server.send(account("you"), account("me"), text, None);
        sync(&mut machine, &server);
    }
    (server, machine.state().clone())
}

#[test]
fn a_line_cut_by_a_crash_is_left_out_wherever_it_is_cut() {
    let directory = tempfile::tempdir().unwrap();
    let (server, _) = kept(directory.path());
    let (copy, log) = (directory.path().join("copy.json"), directory.path().join("copy.log"));
    let (whole_copy, whole_log) = (fs::read(&copy).unwrap(), fs::read(&log).unwrap());
    for length in (0..whole_log.len()).step_by(41) {
        fs::write(&copy, &whole_copy).unwrap();
        fs::write(&log, &whole_log[..length]).unwrap();
        let mut machine = opened(directory.path());
        // The last line is whole even without its line feed.
        let lines = 1 + whole_log[..=length].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(machine.state().revision(), Revision::new(lines), "cut at {length}");
        sync(&mut machine, &server);
        assert_eq!(opened(directory.path()).state(), machine.state());
    }
}

#[test]
fn a_crash_between_new_copy_and_new_log_sets_nothing_back() {
    let directory = tempfile::tempdir().unwrap();
    let (mut server, _) = kept(directory.path());
    let log = directory.path().join("copy.log");
    let old_log = fs::read(&log).unwrap();
    server.send(account("you"), account("me"), "d", None);
    let mut machine = opened(directory.path());
    let me = &server.accounts[&account("me")];
    machine.line(&me.full_sync(FullSyncReason::Manual).to_string()).unwrap();
    sync_pages(&mut machine, &server);
    fs::write(&log, old_log).unwrap();
    assert_eq!(opened(directory.path()).state(), machine.state());
}

fn sync_pages<S: LocalStore>(machine: &mut Machine<S>, server: &Server) {
    while let Wish::Fetch { category, after } = machine.wish() {
        machine.page(category, &server.page(account("me"), category, after.as_deref()).to_string()).unwrap();
    }
}

#[test]
fn a_damaged_copy_is_given_up_and_a_full_sync_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let (server, before) = kept(directory.path());
    let mut file = OpenOptions::new().write(true).open(directory.path().join("copy.json")).unwrap();
    file.write_all(b"\0\0\0").unwrap();
    let mut machine = opened(directory.path());
    assert_eq!(machine.wish(), Wish::Ask(FullSyncReason::Corruption));
    sync(&mut machine, &server);
    assert_eq!(differences(machine.state(), &before, account("me")), Vec::<String>::new());
    assert_eq!(opened(directory.path()).state(), machine.state());
}

/// Refuses when it is told to; counts what it took.
#[derive(Clone, Default)]
struct Moody {
    refuses: Rc<Cell<bool>>,
    copies: Rc<Cell<u32>>,
    last: Rc<Cell<u64>>,
}

impl Moody {
    fn answer(&self) -> Result<(), StoreError> {
        if self.refuses.get() { Err(std::io::Error::other("disk full").into()) } else { Ok(()) }
    }
}

impl LocalStore for Moody {
    fn load(&mut self) -> Result<Option<LocalState>, StoreError> {
        Ok(None)
    }

    fn append(&mut self, operations: &[&RawValue], position: Position) -> Result<(), StoreError> {
        self.answer()?;
        let last = self.last.replace(position.revision.get());
        assert_eq!(last + operations.len() as u64, position.revision.get(), "nothing is left out");
        Ok(())
    }

    fn replace(&mut self, state: &LocalState) -> Result<(), StoreError> {
        self.answer()?;
        self.last.set(state.revision().get());
        self.copies.set(self.copies.get() + 1);
        Ok(())
    }
}

#[test]
fn a_store_that_refused_is_given_the_whole_copy_next() {
    let (mut server, store) = (server(), Moody::default());
    let mut machine = Machine::new(account("me"), store.clone());
    sync(&mut machine, &server);
    server.send(account("you"), account("me"), "a", None);
    store.refuses.set(true);
    let frame = server.accounts[&account("me")].frame(1, 10).unwrap().to_string();
    assert!(matches!(machine.line(&frame), Err(MachineError::Store(_))));
    store.refuses.set(false);
    server.send(account("you"), account("me"), "b", None);
    sync(&mut machine, &server);
    assert_eq!((store.copies.get(), store.last.get()), (2, 3));
}

#[test]
fn what_comes_before_a_hole_is_kept() {
    let (mut server, store) = (server(), Moody::default());
    let mut machine = Machine::new(account("me"), store.clone());
    sync(&mut machine, &server);
    for text in ["a", "b", "c"] {
        server.send(account("you"), account("me"), text, None);
    }
    let mut frame = server.accounts[&account("me")].frame(1, 10).unwrap();
    frame["operations"].as_array_mut().unwrap().remove(1);
    let (seen, wish) = machine.line(&frame.to_string()).unwrap();
    assert_eq!((seen, store.last.get()), (Seen::Hole, 2));
    assert!(matches!(wish, Some(Wish::Open { position: Some(at), .. }) if at.revision == Revision::new(2)));
    sync(&mut machine, &server);
}

#[test]
fn a_frame_with_something_unreadable_changes_nothing() {
    let mut server = server();
    let mut machine = Machine::new(account("me"), MemoryStore);
    sync(&mut machine, &server);
    server.send(account("you"), account("me"), "a", None);
    server.send(account("you"), account("me"), "b", None);
    let before = machine.state().clone();
    let mut frame = server.accounts[&account("me")].frame(1, 10).unwrap();
    frame["operations"][1]["revision"] = json!("three");
    assert!(matches!(machine.line(&frame.to_string()), Err(MachineError::Malformed(_))));
    assert_eq!(machine.state(), &before);
}

#[test]
fn a_page_of_another_log_or_an_older_one_begins_the_full_sync_anew() {
    let mut server = server();
    let mut machine = Machine::new(account("me"), MemoryStore);
    let old = server.page(account("me"), Category::Profile, None);
    server.account(account("me")).rename("new");
    let mut foreign = server.page(account("me"), Category::Profile, None);
    foreign["position"]["log_id"] = json!(LogId::derived("another", &[]));
    for page in [old, foreign] {
        let full_sync = server.accounts[&account("me")].full_sync(FullSyncReason::Initialization);
        machine.line(&full_sync.to_string()).unwrap();
        assert!(matches!(machine.page(Category::Profile, &page.to_string()), Err(MachineError::Stale)));
        assert_eq!(machine.wish(), Wish::Open { position: None, resume: None });
    }
    sync(&mut machine, &server);
}

#[test]
fn replaced_rests_revoked_logs_out_and_reconnect_waits() {
    let wish = |frame: &str| {
        let mut machine = Machine::new(account("me"), MemoryStore);
        let (_, wish) = machine.line(frame).unwrap();
        (wish, machine.wish())
    };
    assert_eq!(wish(r#"{"frame":"replaced"}"#), (Some(Wish::Rest), Wish::Rest));
    assert_eq!(wish(r#"{"frame":"revoked"}"#), (Some(Wish::LogOut), Wish::Rest));
    let open = Wish::Open { position: None, resume: None };
    assert_eq!(wish(r#"{"frame":"reconnect","after_ms":70}"#), (Some(Wish::Wait(70)), open.clone()));
    assert_eq!(wish(r#"{"frame":"not known yet","x":1}"#), (None, open));
}

#[test]
fn the_resume_token_is_used_from_the_position_it_was_given_for_until_the_copy_has_caught_up() {
    let mut server = server();
    let mut machine = Machine::new(account("me"), MemoryStore);
    let full_sync = server.accounts[&account("me")].full_sync(FullSyncReason::Initialization);
    machine.line(&full_sync.to_string()).unwrap();
    sync_pages(&mut machine, &server);
    let token = |machine: &Machine<_>| match machine.wish() {
        Wish::Open { resume, .. } => resume,
        other => panic!("{other:?}"),
    };
    assert_eq!(token(&machine).as_deref(), Some("1"));
    server.send(account("you"), account("me"), "a", None);
    sync(&mut machine, &server);
    assert_eq!(token(&machine).as_deref(), Some("1"), "more may be missing than one page");
    let head = machine.state().position.unwrap();
    let heartbeat = json!({ "frame": "heartbeat", "head": head, "date": 20_261_124 });
    machine.line(&heartbeat.to_string()).unwrap();
    assert_eq!(token(&machine), None);
}
