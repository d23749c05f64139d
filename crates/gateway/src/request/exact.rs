//! What holds for every route: nothing that a request says in its query is passed over, and nothing is done for one that may be
//! a replay.

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, Handler, HttpRequest};
use futures_util::future::{Either, ErrInto, LocalBoxFuture, MapOk, ready};
use futures_util::{FutureExt as _, TryFutureExt as _};

use super::query;
use crate::problem::{Code, Problem};

/// What a proxy says of a request that came as early data. Whatever its value: RFC 8470 has an invalid one mean the same.
const EARLY_DATA: &str = "early-data";

/// A handler whose requests have no query unless it reads one. If it `CHANGES` something, they are not early.
#[derive(Clone)]
pub(super) struct Exact<H, const CHANGES: bool>(pub(super) H);

/// What such a handler reads. Its own refusals come before that of the query: nobody without a token learns what a good one is.
pub(super) struct Whole<Args, const CHANGES: bool>(Args);

impl<H: Handler<Args>, Args, const CHANGES: bool> Handler<Whole<Args, CHANGES>> for Exact<H, CHANGES> {
    type Output = H::Output;
    type Future = H::Future;

    fn call(&self, Whole(args): Whole<Args, CHANGES>) -> Self::Future {
        self.0.call(args)
    }
}

impl<Args: FromRequest + 'static, const CHANGES: bool> FromRequest for Whole<Args, CHANGES> {
    type Error = Error;
    /// Requests without a query, which are nearly all of them, cost nothing more.
    type Future = Either<
        MapOk<ErrInto<Args::Future, Error>, fn(Args) -> Self>,
        LocalBoxFuture<'static, Result<Self, Error>>,
    >;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if CHANGES && request.headers().contains_key(EARLY_DATA) {
            return Either::Right(ready(Err(too_early(request).into())).boxed_local());
        }
        let whole: fn(Args) -> Self = Self;
        let args = Args::from_request(request, payload).err_into().map_ok(whole);
        if request.query_string().is_empty() {
            return Either::Left(args);
        }
        let request = request.clone();
        let checked = async move {
            let whole = args.await?;
            query::refuse_unread(&request)?;
            Ok(whole)
        };
        Either::Right(checked.boxed_local())
    }
}

fn too_early(request: &HttpRequest) -> Problem {
    let (method, path) = (request.method(), request.path());
    Problem::new(Code::TooEarly).detail(format!("{method} {path} is not taken as early data: send it again"))
}
