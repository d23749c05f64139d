//! How requests are read: who calls, under which key, with which body; in this order, so that nobody without a token learns
//! what a good body is.

mod body;
mod check;
mod exact;
mod key;
mod query;
pub(crate) mod route;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::web::Path;
use actix_web::{FromRequest, HttpRequest, web};
use denrei_actors::Origin;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::idempotency::IdempotencyKey;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

pub(crate) use body::Nothing;
pub use body::{Body, read};
pub(crate) use check::Fault;
pub(crate) use check::{handle, text};
pub use query::Query;
pub use route::{Resource, resource};

use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::state::Gateway;

/// A change that a device asks for: its body `T`, and what the path names, `P`.
pub(crate) struct Change<T, P = ()> {
    /// The device.
    pub(crate) caller: Caller,
    /// What the path names.
    pub(crate) path: P,
    /// What it asks for; its form has been checked.
    pub(crate) body: T,
    origin: Origin,
}

impl<T, P> Change<T, P> {
    /// Who asks, under which key, and what.
    pub(crate) fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// The key of the request, if it has one.
    pub(crate) fn key(&self) -> Option<&IdempotencyKey> {
        self.origin.key.as_ref()
    }
}

impl<T: Body, P: DeserializeOwned + 'static> FromRequest for Change<T, P> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let caller = Caller::of(&request).await?;
            let path =
                Path::<P>::extract(&request).await.map_err(|error| route::bad_path(&error))?.into_inner();
            let asked = Asked::read(&request, payload).await?;
            let origin = asked.origin(caller.account, caller.device);
            Ok(Self { caller, path, body: asked.body, origin })
        })
    }
}

/// What somebody asks for who has no access token: to register, to be linked, to renew.
pub(crate) struct Asked<T> {
    /// What is asked for; its form has been checked.
    pub(crate) body: T,
    /// The key of the request, if it has one.
    pub(crate) key: Option<IdempotencyKey>,
    /// XXH3-64 of method, path and the body in canonical form.
    payload: u64,
}

impl<T> Asked<T> {
    /// What was asked for, on behalf of this device.
    pub(crate) fn origin(&self, account: AccountId, device: DeviceId) -> Origin {
        Origin { account, device, key: self.key.clone(), payload: self.payload }
    }
}

impl<T: Body> Asked<T> {
    async fn read(request: &HttpRequest, payload: Payload) -> Result<Self, Problem> {
        let gateway = request.app_data::<web::Data<Gateway>>().ok_or(Code::Internal)?;
        let key = key::of(request.headers())?;
        let limit = gateway.options.body_bytes.get() as usize;
        let body: T = read(request.headers(), payload, limit).await?;
        let payload = hash(request, &body)?;
        Ok(Self { body, key, payload })
    }
}

impl<T: Body> FromRequest for Asked<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let gateway = request.app_data::<web::Data<Gateway>>().ok_or(Code::Internal)?;
            gateway.limits.address(address(&request))?;
            Self::read(&request, payload).await
        })
    }
}

/// The address that a request came from. Headers of proxies are not believed: anybody can write them.
fn address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip())
}

/// The same request has the same hash, however its JSON is written.
fn hash(request: &HttpRequest, body: &impl serde::Serialize) -> Result<u64, Problem> {
    let mut hasher = Xxh3::new();
    for part in [request.method().as_str(), request.path()] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&serde_json::to_vec(body).map_err(|_| Code::Internal)?);
    Ok(hasher.digest())
}
