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

use actix_web::error::PathError;
use actix_web::middleware::from_fn;
use actix_web::web::{self, PathConfig, ServiceConfig, get, post, scope};
use actix_web::{HttpRequest, Resource};
use denrei_gateway::problem::{Code, Problem};

pub(crate) use state::QueuesAdmin;

/// The routes. To be configured before those of the debug API, whose scope holds theirs. The app must hold [`QueuesAdmin`] as
/// `Data`.
pub(crate) fn configure(routes: &mut ServiceConfig) {
    let letters = "/{topic}/{group}/dead-letters";
    let timers = "/{topic}/{group}/timers";
    let queues = scope("/debug/queues")
        .app_data(PathConfig::default().error_handler(|error, request| bad_path(&error, request).into()))
        .wrap(from_fn(guard::admins_only))
        .service(resource("").route(get().to(overview::list)))
        .service(resource(letters).route(get().to(letters::list)))
        .service(resource(&format!("{letters}/redrive")).route(post().to(letters::redrive)))
        .service(resource(&format!("{letters}/purge")).route(post().to(letters::purge)))
        .service(resource(&format!("{letters}/{{partition}}/{{offset}}")).route(get().to(letters::show)))
        .service(resource(timers).route(get().to(timers::list)))
        .service(
            resource(&format!("{timers}/{{partition}}/{{timer}}"))
                .route(web::delete().to(timers::cancel))
                .route(web::put().to(timers::reschedule)),
        )
        .service(resource("/{topic}/{group}/reset").route(post().to(offsets::reset)))
        .default_service(web::to(nowhere));
    routes.service(queues);
}

/// A path whose other methods are told so.
fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(wrong_method))
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

async fn wrong_method(request: HttpRequest) -> Result<&'static str, Problem> {
    let detail = format!("{} has no {}", request.path(), request.method());
    Err(Problem::new(Code::MethodNotAllowed).detail(detail))
}

async fn nowhere(request: HttpRequest) -> Result<&'static str, Problem> {
    Err(Problem::new(Code::NotFound).detail(format!("there is nothing at {}", request.path())))
}
