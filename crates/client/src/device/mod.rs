//! A device: a sync machine on a transport, as an SDK would be. It keeps one connection, follows its stream, takes snapshots
//! when it is told to, renews its tokens, and sends with idempotency keys until it has an answer.

mod follow;
mod link;
mod outbox;
mod watch;

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;

use denrei_model::wire::account::Credentials;
use tokio::sync::{Mutex, Notify};

use crate::machine::Machine;
use crate::store::MemoryStore;
use crate::transport::Target;

pub use link::{LinkError, register};
pub use outbox::{SendOutcome, Sending};
pub use watch::{NodeWatch, Observer};

/// A device that lives on a single-threaded runtime. Cheap to clone.
pub struct Device {
    target: Target,
    credentials: RefCell<Credentials>,
    machine: RefCell<Machine<MemoryStore>>,
    link: link::Link,
    /// Tokens are renewed one attempt at a time: of two with one refresh token, the later may look like a theft.
    renewing: Mutex<()>,
    /// Whether it wants a stream; a device that is off keeps quiet.
    online: Cell<bool>,
    /// Woken when `online` changes or it is to end.
    turned: Notify,
    ending: Cell<bool>,
    observer: Rc<dyn Observer>,
    /// How many times a stream was opened.
    opened: Cell<u64>,
    /// Bytes a second that it reads of its stream; as they come if absent.
    pace: Cell<Option<NonZeroU32>>,
    /// Messages of each chat that it keeps; all of them if absent.
    kept: Cell<Option<usize>>,
}

impl Device {
    /// A device with these credentials and an empty copy.
    #[must_use]
    pub fn new(
        target: Target,
        credentials: Credentials,
        watch: Rc<NodeWatch>,
        observer: Rc<dyn Observer>,
    ) -> Rc<Self> {
        let machine = Machine::new(credentials.account, MemoryStore);
        Rc::new(Self {
            target,
            credentials: RefCell::new(credentials),
            machine: RefCell::new(machine),
            link: link::Link::new(watch),
            renewing: Mutex::new(()),
            online: Cell::new(true),
            turned: Notify::new(),
            ending: Cell::new(false),
            observer,
            opened: Cell::new(0),
            pace: Cell::new(None),
            kept: Cell::new(None),
        })
    }

    /// Its credentials, as they are now.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.credentials.borrow().clone()
    }

    /// Looks at its copy.
    pub fn with_state<T>(&self, look: impl FnOnce(&crate::state::LocalState) -> T) -> T {
        look(self.machine.borrow().state())
    }

    /// How many FullSyncs it took.
    #[must_use]
    pub fn full_syncs(&self) -> u64 {
        self.machine.borrow().full_syncs()
    }

    /// How many times it opened a stream.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.get()
    }

    /// Goes off or comes back.
    pub fn turn(&self, online: bool) {
        if self.online.replace(online) != online {
            self.turned.notify_waiters();
        }
    }

    /// Loses its connection, with all that is under way on it; a new one is made at once.
    pub fn cut(&self) {
        self.link.cut();
    }

    /// Reads no more than this many bytes of its stream a second; as they come if absent.
    pub fn pace(&self, bytes_per_second: Option<NonZeroU32>) {
        self.pace.set(bytes_per_second);
        self.turned.notify_waiters();
    }

    /// Keeps the newest messages of each chat alone, as a device with little room does.
    pub fn keep_newest(&self, messages: usize) {
        self.kept.set(Some(messages));
    }

    /// Ends what it does.
    pub fn end(&self) {
        self.ending.set(true);
        self.turned.notify_waiters();
    }
}
