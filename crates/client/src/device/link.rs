//! The one connection of a device, made when it is needed, and made again when it breaks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use denrei_model::wire::account::{Credentials, RegisterRequest, RenewRequest};
use rand::Rng as _;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::{Device, NodeWatch};
use crate::transport::{Answer, Call, CallError, ConnectError, Connection, Target};

/// First and longest pause between attempts to connect; each is drawn at random below.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// So many attempts may find nobody who knows the node's name before that is the end: some seconds.
const UNRESOLVED: u32 = 8;

/// Why a device cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The node does not take its tokens any more.
    #[error("logged out: {0}")]
    LoggedOut(String),
    /// The node refused, and will again.
    #[error("refused with {status}: {body}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said.
        body: String,
    },
    /// The address cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// What is at the address is no node that this client can use, and none was there before.
    #[error("no node that can be used at {node}")]
    Unusable {
        /// The address.
        node: String,
        /// What is wrong with it.
        source: ConnectError,
    },
}

pub(super) struct Link {
    connection: RefCell<Option<Rc<Connection>>>,
    /// One attempt at a time.
    connecting: Mutex<()>,
    failures: Cell<u32>,
    /// Whether the connection answered anything; that it was opened is no reason to try again at once.
    answered: Cell<bool>,
    pub(super) watch: Rc<NodeWatch>,
}

impl Link {
    pub(super) fn new(watch: Rc<NodeWatch>) -> Self {
        Self {
            connection: RefCell::default(),
            connecting: Mutex::new(()),
            failures: Cell::new(0),
            answered: Cell::new(true),
            watch,
        }
    }

    /// A connection that was open when it was last looked at; none if there is none now, after a pause.
    ///
    /// A node that was met comes back, whatever is at its address meanwhile. If none ever was, a peer that is not what the
    /// address says will not become one.
    pub(super) async fn connection(&self, target: &Target) -> Result<Option<Rc<Connection>>, LinkError> {
        match self.connect(target).await {
            Ok(connection) => Ok(Some(connection)),
            Err(source) if self.gives_up(&source) => Err(LinkError::Unusable { node: target.url(), source }),
            Err(_) => {
                self.pause().await;
                Ok(None)
            }
        }
    }

    /// Whether no attempt will fare better. A name may be known to the system a moment later, when the network or the node's
    /// own container is up.
    fn gives_up(&self, error: &ConnectError) -> bool {
        let tried = match error {
            ConnectError::Unresolved { .. } => self.failures.get() >= UNRESOLVED,
            _ => true,
        };
        tried && error.is_lasting() && !self.watch.was_met()
    }

    async fn connect(&self, target: &Target) -> Result<Rc<Connection>, ConnectError> {
        let _turn = self.connecting.lock().await;
        let known = self.connection.borrow().clone().filter(|known| !known.is_closed());
        if let Some(known) = known {
            return Ok(known);
        }
        match Connection::open(target).await {
            Ok(connection) => {
                self.watch.met();
                if !self.answered.replace(false) {
                    self.failed();
                }
                let connection = Rc::new(connection);
                *self.connection.borrow_mut() = Some(Rc::clone(&connection));
                Ok(connection)
            }
            Err(error) => {
                self.watch.missed(&error);
                self.failed();
                Err(error)
            }
        }
    }

    /// The connection answered.
    pub(super) fn answered(&self) {
        self.answered.set(true);
        self.failures.set(0);
    }

    fn failed(&self) {
        self.failures.set(self.failures.get().saturating_add(1));
    }

    /// Closes the connection, if there is one.
    pub(super) fn cut(&self) {
        if let Some(connection) = self.connection.take() {
            connection.cut();
        }
    }

    /// Forgets a connection that broke.
    pub(super) fn broken(&self, connection: &Rc<Connection>) {
        let mut known = self.connection.borrow_mut();
        if known.as_ref().is_some_and(|known| Rc::ptr_eq(known, connection)) {
            *known = None;
        }
    }

    /// Waits before the next attempt: at random, longer with each failure.
    pub(super) async fn pause(&self) {
        let most = FIRST_PAUSE.saturating_mul(1 << self.failures.get().min(8)).min(LONGEST_PAUSE);
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        sleep(Duration::from_millis(rand::rng().random_range(millis / 4..=millis))).await;
    }
}

impl Device {
    /// Asks until there is an answer; renews tokens that have ended. Answers of overload are waited out.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn ask(&self, call: &Call) -> Result<Answer, LinkError> {
        loop {
            let token = self.credentials.borrow().access_token.clone();
            if let Some(answer) = self.try_ask(&call.clone().bearer(&token)).await? {
                match answer.status {
                    401 => self.renew(&token).await?,
                    429 | 503 => sleep(answer.retry_after.unwrap_or(Duration::from_millis(200))).await,
                    _ => return Ok(answer),
                }
            }
        }
    }

    /// One attempt; none when the connection broke, after a pause.
    pub(super) async fn try_ask(&self, call: &Call) -> Result<Option<Answer>, LinkError> {
        let Some(connection) = self.link.connection(&self.target).await? else { return Ok(None) };
        match connection.call(call).await {
            Ok(answer) => {
                self.link.answered();
                Ok(Some(answer))
            }
            Err(CallError::Malformed(reason)) => Err(LinkError::Refused { status: 0, body: reason }),
            Err(CallError::Http(_) | CallError::TimedOut) => {
                self.link.broken(&connection);
                self.link.pause().await;
                Ok(None)
            }
        }
    }

    /// Gets new tokens, unless another task of this device has done so since `used` was taken.
    pub(super) async fn renew(&self, used: &str) -> Result<(), LinkError> {
        let _turn = self.renewing.lock().await;
        loop {
            let credentials = self.credentials.borrow().clone();
            if credentials.access_token != used {
                return Ok(());
            }
            let request = RenewRequest { refresh_token: credentials.refresh_token };
            let Some(answer) = self.try_ask(&Call::post("/v1/token", &request)).await? else { continue };
            match answer.status {
                200 => {
                    let renewed = answer.json::<Credentials>();
                    let body = answer.body.clone();
                    *self.credentials.borrow_mut() =
                        renewed.map_err(|_| LinkError::Refused { status: answer.status, body })?;
                    return Ok(());
                }
                429 | 503 => sleep(answer.retry_after.unwrap_or(Duration::from_millis(200))).await,
                401 => return Err(LinkError::LoggedOut(answer.body)),
                status => return Err(LinkError::Refused { status, body: answer.body }),
            }
        }
    }
}

/// Registers a person, however often the node goes away meanwhile: the key makes it one registration.
///
/// # Errors
/// See [`LinkError`].
pub async fn register(
    target: &Target,
    watch: &Rc<NodeWatch>,
    request: &RegisterRequest,
    key: &str,
) -> Result<Credentials, LinkError> {
    let link = Link::new(Rc::clone(watch));
    loop {
        let Some(connection) = link.connection(target).await? else { continue };
        let answered = connection.call(&Call::post("/v1/register", request).key(key)).await;
        if answered.is_ok() {
            link.answered();
        }
        match answered {
            Ok(answer) if answer.is_ok() => {
                let body = answer.body.clone();
                return answer.json().map_err(|_| LinkError::Refused { status: 200, body });
            }
            Ok(answer) if matches!(answer.status, 429 | 503) => {
                sleep(answer.retry_after.unwrap_or(Duration::from_millis(200))).await;
            }
            Ok(answer) => return Err(LinkError::Refused { status: answer.status, body: answer.body }),
            Err(_) => {
                link.broken(&connection);
                link.pause().await;
            }
        }
    }
}
