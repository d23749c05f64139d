//! What holds for every route: nothing that a request says in its query is passed over.

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, Handler, HttpRequest};
use futures_util::future::{Either, ErrInto, LocalBoxFuture, MapOk};
use futures_util::{FutureExt as _, TryFutureExt as _};

use super::query;

/// A handler whose requests have no query unless it reads one.
#[derive(Clone)]
pub(super) struct Exact<H>(pub(super) H);

/// What such a handler reads. Its own refusals come first: nobody without a token learns what a good query is.
pub(super) struct Whole<Args>(Args);

impl<H: Handler<Args>, Args> Handler<Whole<Args>> for Exact<H> {
    type Output = H::Output;
    type Future = H::Future;

    fn call(&self, Whole(args): Whole<Args>) -> Self::Future {
        self.0.call(args)
    }
}

impl<Args: FromRequest + 'static> FromRequest for Whole<Args> {
    type Error = Error;
    /// Requests without a query, which are nearly all of them, cost nothing more.
    type Future = Either<
        MapOk<ErrInto<Args::Future, Error>, fn(Args) -> Self>,
        LocalBoxFuture<'static, Result<Self, Error>>,
    >;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
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
