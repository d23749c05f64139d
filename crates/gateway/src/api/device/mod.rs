//! Devices and their tokens: registering, linking, renewing, listing, logging out.

pub(super) mod link;
pub(super) mod list;
pub(super) mod register;
pub(super) mod renew;
pub(super) mod revoke;

use std::time::Duration;

use denrei_actors::account::device::{NewDevice, Tokens};
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::idempotency::IdempotencyKey;
use denrei_model::wire::account::{Credentials, DeviceDraft, MAX_DEVICE_NAME_CHARS, MAX_PLATFORM_CHARS};

use crate::auth::revoked;
use crate::problem::Problem;
use crate::random;
use crate::request::{Fault, text};
use crate::state::Gateway;
use crate::token::{DeviceToken, TokenKind};

fn check(draft: &DeviceDraft) -> Result<(), Fault> {
    text("device.name", &draft.name, 1, MAX_DEVICE_NAME_CHARS)?;
    text("device.platform", &draft.platform, 1, MAX_PLATFORM_CHARS)
}

impl Gateway {
    /// How long an access token is good.
    fn access_for(&self) -> Duration {
        Duration::from_secs(self.options.access_token_s.get())
    }

    /// 16 bytes for a new id: the same whenever the request is made again under its key, else random.
    fn new_id(&self, domain: &str, key: Option<&IdempotencyKey>) -> Result<[u8; 16], Problem> {
        let Some(key) = key else { return random::bytes(&*self.random) };
        let sealed = self.key.seal(domain, &[key.as_str().as_bytes()]);
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(sealed) {
            *to = from;
        }
        Ok(id)
    }

    /// A device that is to be added, with a family of its own.
    fn new_device(&self, draft: &DeviceDraft, device: DeviceId) -> Result<NewDevice, Problem> {
        Ok(NewDevice {
            device,
            name: draft.name.clone(),
            platform: draft.platform.clone(),
            family: random::bytes(&*self.random)?,
            access_for: self.access_for(),
        })
    }

    /// What a device is told of its tokens.
    fn credentials(
        &self,
        account: AccountId,
        device: DeviceId,
        tokens: &Tokens,
    ) -> Result<Credentials, Problem> {
        if tokens.revoked {
            return Err(revoked());
        }
        let token = |kind| {
            DeviceToken::derive(&self.key, kind, (account, device), &tokens.family, tokens.number).to_text()
        };
        Ok(Credentials {
            account,
            device,
            access_token: token(TokenKind::Access),
            expires_in: tokens.access_until.saturating_sub(self.clock.now().as_millis()) / 1_000,
            refresh_token: token(TokenKind::Refresh),
        })
    }
}
