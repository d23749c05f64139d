//! Who calls: the device behind an access token.
//!
//! ```text
//! Authorization: Bearer dra_…  ─► bearer: form and realm  ─► cache or store: the device's row
//!                                 ─► standing: genuine, current, not ended, not revoked  ─► Caller
//!                                       └─ its first use, or its first today ─► Seen, before the request is answered
//! ```
//!
//! Rows are kept until their shard tells that they have changed, before anybody is answered who changed them.

pub mod admin;
pub mod bearer;
mod cache;
mod standing;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use denrei_actors::account::device::DeviceRefused;
use denrei_actors::account::device::seen::Seen;
use denrei_actors::{CommandError, Origin};
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::{DeviceKey, DeviceRow, TableKey as _};
use denrei_storage::shard::Fetch;
use futures_util::future::LocalBoxFuture;

pub use admin::AdminToken;
pub use cache::DeviceCache;
use standing::Standing;

use crate::problem::{Code, Problem};
use crate::state::Gateway;
use crate::token::{DeviceToken, TokenKind};

/// The device that sent a request, as its access token proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Whose device.
    pub account: AccountId,
    /// Which.
    pub device: DeviceId,
    /// The number of its token.
    pub number: u32,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

impl Caller {
    /// The device that sent this request.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, `token_revoked`, `forbidden_realm`, `rate_limited`; and what reading the store may come to.
    pub async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let gateway = request.app_data::<web::Data<Gateway>>().ok_or(Code::Internal)?;
        let text = bearer::text(request.headers())?;
        let token =
            DeviceToken::parse(text, TokenKind::Access).ok_or_else(|| bearer::foreign(text, gateway))?;
        let caller = gateway.authenticate(&token).await?;
        gateway.limits.device(caller.account, caller.device)?;
        Ok(caller)
    }
}

impl Gateway {
    /// The device behind an access token.
    pub(crate) async fn authenticate(&self, token: &DeviceToken) -> Result<Caller, Problem> {
        let caller = Caller { account: token.account, device: token.device, number: token.number };
        let row = self.standing_row(token).await?;
        let today = self.clock.now().day().number();
        let unused = token.number == row.number && !row.used;
        if unused || row.seen_day != today {
            self.seen(caller).await?;
        }
        Ok(caller)
    }

    /// The row under which the token is good. One from the cache may grant; only one from the store may refuse.
    async fn standing_row(&self, token: &DeviceToken) -> Result<Arc<DeviceRow>, Problem> {
        let (now, key) = (self.clock.now(), (token.account, token.device));
        let good = |row: &DeviceRow| standing::of(token, row, &self.key, now) == Standing::Good;
        if let Some(row) = self.devices.get(key, self.clock.monotonic()).filter(|row| good(row)) {
            return Ok(row);
        }
        let reading = self.devices.reading(key, self.clock.monotonic());
        let row = Arc::new(self.device_row(token.account, token.device).await?.ok_or_else(bearer::unknown)?);
        match standing::of(token, &row, &self.key, now) {
            Standing::Good => {
                self.devices.put(key, Arc::clone(&row), reading);
                Ok(row)
            }
            Standing::Foreign => Err(bearer::unknown()),
            Standing::Revoked => Err(revoked()),
            Standing::Ended => Err(Problem::new(Code::TokenExpired).detail("the access token has ended")),
            Standing::Superseded => {
                Err(Problem::new(Code::TokenExpired).detail("a newer access token is in use"))
            }
        }
    }

    /// The durable row of a device.
    pub(crate) async fn device_row(
        &self,
        account: AccountId,
        device: DeviceId,
    ) -> Result<Option<DeviceRow>, Problem> {
        let key = DeviceKey { account, device };
        let fetched = self.reader.fetch(Fetch { keys: vec![key.into()], scans: Vec::new() }).await?;
        let row = fetched.rows.into_iter().next().flatten();
        Ok(row.and_then(|row| DeviceKey::row(&row).cloned()))
    }

    /// Notes the use of a token. What is answered to its bearer rests on it: the token before it is spent from now on.
    async fn seen(&self, caller: Caller) -> Result<(), Problem> {
        let Caller { account, device, number } = caller;
        let outcome =
            self.runtime.ask(Seen { account, device, number }, Origin::unkeyed(account, device)).await;
        match outcome {
            Ok(_) => Ok(()),
            Err(CommandError::Refused(DeviceRefused::NoAccount | DeviceRefused::NoDevice)) => Err(revoked()),
            Err(other) => Err(other.into()),
        }
    }
}

/// The device may not come any more.
pub(crate) fn revoked() -> Problem {
    Problem::new(Code::TokenRevoked).detail("the device was logged out")
}
