//! How many requests were answered with what, and how soon: counted around every route of the port of devices.
//!
//! Paths are told as they are routed (`/v1/chats/{chat}`), methods and statuses by their few words, so that nobody can make
//! more figures than there are routes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use denrei_model::clock::Clock;

/// Upper bounds of the time that an answer took, in microseconds.
pub(crate) const BOUNDS_MICROS: [u64; 8] =
    [1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];
/// What a request to no route has for its route.
const NOWHERE: &str = "none";

/// Which requests are counted together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Kind {
    pub(crate) route: String,
    pub(crate) method: &'static str,
    /// `2xx`, for instance.
    pub(crate) status: &'static str,
}

/// Requests of one kind.
#[derive(Default)]
struct Tally {
    /// By how long the answer took: one more than there are bounds.
    counts: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

/// The same, as it is at a moment.
pub(crate) struct Answered {
    pub(crate) counts: Vec<u64>,
    pub(crate) sum_micros: u64,
}

/// The counts of a node. Cheap to clone; the app must hold one as its data.
#[derive(Clone)]
pub struct Traffic {
    tallies: Arc<RwLock<BTreeMap<Kind, Arc<Tally>>>>,
    clock: Arc<dyn Clock>,
}

impl Traffic {
    /// Nothing was asked yet.
    #[must_use]
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { tallies: Arc::default(), clock: Arc::clone(clock) }
    }

    fn count(&self, kind: Kind, took: Duration) {
        let known = self.tallies.read().unwrap_or_else(PoisonError::into_inner).get(&kind).map(Arc::clone);
        let tally = known.unwrap_or_else(|| {
            let mut tallies = self.tallies.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tallies.entry(kind).or_default())
        });
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        tally.counts.iter().skip(place).take(1).for_each(|count| {
            count.fetch_add(1, Relaxed);
        });
        tally.sum_micros.fetch_add(micros, Relaxed);
    }

    /// What was answered so far.
    pub(crate) fn answered(&self) -> Vec<(Kind, Answered)> {
        let tallies = self.tallies.read().unwrap_or_else(PoisonError::into_inner);
        let answered = |tally: &Tally| Answered {
            counts: tally.counts.iter().map(|count| count.load(Relaxed)).collect(),
            sum_micros: tally.sum_micros.load(Relaxed),
        };
        tallies.iter().map(|(kind, tally)| (kind.clone(), answered(tally))).collect()
    }
}

/// Counts a request once the head of its answer is there. For `from_fn`, around the whole app.
///
/// # Errors
/// Those of what it stands before.
pub async fn count<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let traffic = request.app_data::<Traffic>().cloned();
    let method = word(request.method());
    let began = traffic.as_ref().map(|traffic| traffic.clock.monotonic()).unwrap_or_default();
    let answer = next.call(request).await;
    if let Some(traffic) = traffic {
        let (route, status) = match &answer {
            Ok(answer) => (answer.request().match_pattern(), answer.status()),
            Err(error) => (None, error.as_response_error().status_code()),
        };
        let route = route.unwrap_or_else(|| NOWHERE.to_owned());
        let took = traffic.clock.monotonic().saturating_sub(began);
        traffic.count(Kind { route, method, status: class(status) }, took);
    }
    answer
}

/// Methods that are no route's are one.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
