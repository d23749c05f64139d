//! `/debug/queues` on the admin port: what waits, what went wrong, and the means to put it right.
//!
//! ```text
//! guard (the admin token) ──► overview   every queue: state, lag, timers, dead letters
//!                         ├─► letters    listed, looked at, put back, thrown away
//!                         ├─► timers     listed, cancelled, moved
//!                         └─► offsets    set anew
//! ```
//! Pages are in `page`, for the command line reads them too. What goes wrong with the log becomes a problem in `refusal`.
//! Bodies and queries are read as those of devices are, and refused in the same words.

mod asked;
mod guard;
mod letters;
mod offsets;
mod overview;
pub(crate) mod page;
mod refusal;
mod state;
mod timers;

use actix_web::HttpRequest;
use actix_web::error::PathError;
use actix_web::middleware::from_fn;
use actix_web::web::{self, PathConfig, ServiceConfig, scope};
use denrei_gateway::problem::{Code, Problem};
use denrei_gateway::request::resource;

pub(crate) use state::QueuesAdmin;

/// The routes. To be configured before those of the debug API, whose scope holds theirs. The app must hold [`QueuesAdmin`] as
/// `Data`.
pub(crate) fn configure(routes: &mut ServiceConfig) {
    let letters = "/{topic}/{group}/dead-letters";
    let timers = "/{topic}/{group}/timers";
    let queues = scope("/debug/queues")
        .app_data(PathConfig::default().error_handler(|error, request| bad_path(&error, request).into()))
        .wrap(from_fn(guard::admins_only))
        .service(resource("").get(overview::list))
        .service(resource(letters).get(letters::list))
        .service(resource(&format!("{letters}/redrive")).post(letters::redrive))
        .service(resource(&format!("{letters}/purge")).post(letters::purge))
        .service(resource(&format!("{letters}/{{partition}}/{{offset}}")).get(letters::show))
        .service(resource(timers).get(timers::list))
        .service(
            resource(&format!("{timers}/{{partition}}/{{timer}}"))
                .delete(timers::cancel)
                .put(timers::reschedule),
        )
        .service(resource("/{topic}/{group}/reset").post(offsets::reset))
        .default_service(web::to(nowhere));
    routes.service(queues);
}

/// Says which part of a path is not as it must be.
fn bad_path(error: &PathError, request: &HttpRequest) -> Problem {
    let problem = Problem::new(Code::InvalidRequest).detail(format!("the path: {error}"));
    let is_bad = |name: &str, value: &str| match name {
        "partition" => value.parse::<u32>().is_err(),
        "offset" => value.parse::<u64>().is_err(),
        _ => false,
    };
    match request.match_info().iter().find(|(name, value)| is_bad(name, value)) {
        Some((name, _)) => problem.with("field", name),
        None => problem,
    }
}

async fn nowhere(request: HttpRequest) -> Result<&'static str, Problem> {
    Err(Problem::new(Code::NotFound).detail(format!("there is nothing at {}", request.path())))
}
