//! Paths: a resource tells callers when it has no such method, and paths and queries that do not parse are told why.

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::error::PathError;
use actix_web::http::Method;
use actix_web::web::{self, PathConfig, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, Responder};
use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::operation::Category;

use super::exact::Exact;
use crate::problem::{Code, Problem};

/// A path and its methods; the others are told `method_not_allowed`, and which there are. What a request says in its query and
/// no handler reads is refused, and so is one that changes something and may be a replay.
pub struct Resource {
    routes: actix_web::Resource,
    methods: Vec<&'static str>,
}

/// A path without any method yet.
pub fn resource(path: &str) -> Resource {
    Resource { routes: web::resource(path), methods: Vec::new() }
}

macro_rules! methods {
    ($($name:ident $METHOD:ident)+) => {
        $(
            #[doc = concat!("Has this handler answer `", stringify!($METHOD), "`.")]
            #[must_use]
            pub fn $name<F, Args>(self, handler: F) -> Self
            where
                F: Handler<Args>,
                F::Output: Responder + 'static,
                Args: FromRequest + 'static,
            {
                let Self { routes, mut methods } = self;
                methods.push(stringify!($METHOD));
                let handler = Exact::<F, true>(handler);
                Self { routes: routes.route(web::method(Method::$METHOD).to(handler)), methods }
            }
        )+
    };
}

impl Resource {
    // What is not merely read is not done for a request that came as early data.
    methods! { watch GET put PUT post POST patch PATCH delete DELETE }

    /// Has this handler answer `GET`, and `HEAD`, of whose answer the server sends the head alone. What asking changes something
    /// for, such as a stream or a wait for news, is [watched](Self::watch) instead.
    #[must_use]
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.probe(Exact::<F, false>(handler))
    }

    /// As [`get`](Self::get), for those who watch from outside: balancers and scrapers put into the query what they like.
    #[must_use]
    pub(crate) fn probe<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.methods.extend(["GET", "HEAD"]);
        let routes = self.routes.route(web::get().to(handler.clone())).route(web::head().to(handler));
        Self { routes, ..self }
    }

    /// With an answer to all other methods.
    pub(crate) fn whole(self) -> actix_web::Resource {
        let allowed = self.methods.join(", ");
        self.routes.default_service(web::to(move |request: HttpRequest| {
            let detail = format!("{} has no {}, but {allowed}", request.path(), request.method());
            let problem = Problem::new(Code::MethodNotAllowed).detail(detail).allow(allowed.as_str());
            std::future::ready(Err::<&'static str, _>(problem))
        }))
    }
}

impl HttpServiceFactory for Resource {
    fn register(self, config: &mut AppService) {
        self.whole().register(config);
    }
}

/// What all routes of an app have in common.
pub(crate) fn common(routes: &mut ServiceConfig) {
    routes
        .app_data(PathConfig::default().error_handler(|error, request| path(&error, request).into()))
        .default_service(web::to(nowhere));
}

/// A path that does not parse, as an extractor says it.
pub(super) fn bad_path(error: &actix_web::Error) -> Problem {
    error.as_error::<Problem>().cloned().unwrap_or_else(|| Code::NotFound.into())
}

async fn nowhere(request: HttpRequest) -> Result<&'static str, Problem> {
    Err(Problem::new(Code::NotFound).detail(format!("there is nothing at {}", request.path())))
}

/// Says which part of a path is not as it must be.
fn path(error: &PathError, request: &HttpRequest) -> Problem {
    let PathError::Deserialize(error) = error else { return Code::InvalidRequest.into() };
    let problem = Problem::new(Code::InvalidRequest).detail(format!("the path: {error}"));
    match request.match_info().iter().find(|(name, value)| !is_good(name, value)) {
        Some((name, _)) => problem.with("field", name),
        None => problem,
    }
}

/// Whether a part of a path can be what its name says.
fn is_good(name: &str, value: &str) -> bool {
    match name {
        "account" => value.parse::<AccountId>().is_ok(),
        "chat" => value.parse::<ChatId>().is_ok(),
        "device" => value.parse::<DeviceId>().is_ok(),
        "seq" => value.parse::<u64>().is_ok(),
        "shard" => value.parse::<u16>().is_ok(),
        "category" => Category::ALL.iter().any(|category| category.as_str() == value),
        _ => true,
    }
}
