//! `POST /v1/devices/link-code` and `POST /v1/devices/link`: a signed-in device shows a short code, a new one types it.

use std::time::Duration;

use actix_web::web::{Data, Json};
use denrei_actors::account::device::add::AddDevice;
use denrei_actors::name::link::{LinkRefused, OfferLink, SpendLink};
use denrei_actors::name::link_name;
use denrei_actors::{CommandError, Origin};
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::NameKey;
use denrei_model::wire::account::{
    Credentials, LINK_CODE_CHARS, LinkCode, LinkRequest, MAX_TYPED_CODE_CHARS,
};
use denrei_storage::shard::Fetch;

use super::check;
use crate::openapi::{Key, refused};
use crate::problem::{Code, Problem};
use crate::request::{Asked, Body, Change, Fault, Nothing, text};
use crate::state::Gateway;

/// How long a code is good.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// Letters and digits that are not taken for one another: Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 40 bits: in five minutes and under the limit per address nobody guesses one.
const LENGTH: usize = LINK_CODE_CHARS;
/// A code that is taken is drawn again, this often at most.
const DRAWS: u32 = 4;

impl Body for LinkRequest {
    fn check(&self) -> Result<(), Problem> {
        text("code", &self.code, 1, MAX_TYPED_CODE_CHARS)?;
        Ok(check(&self.device)?)
    }
}

/// Offers a code, good for five minutes, to be typed on a new device.
///
/// Under a key it is the same one, however often it is asked for.
#[utoipa::path(
    post, path = "/v1/devices/link-code", operation_id = "offer_link_code", tag = "devices",
    params(Key),
    responses((status = 200, body = LinkCode)),
)]
pub(in crate::api) async fn offer(
    change: Change<Nothing>,
    gateway: Data<Gateway>,
) -> Result<Json<LinkCode>, Problem> {
    let account = change.caller.account;
    let domain = format!("link code of {account}");
    for _ in 0..DRAWS {
        let code = code(&gateway.new_id(&domain, change.key())?);
        let until = gateway.clock.now().plus(GOOD_FOR);
        let offered = OfferLink { code: code.clone(), account, until };
        match gateway.runtime.ask(offered, change.origin()).await {
            Ok(_) => return Ok(Json(LinkCode { expires_at: ends(&gateway, &code).await?, code })),
            Err(CommandError::Refused(LinkRefused::Invalid)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Problem::new(Code::Unavailable)
        .detail("no free code was found; ask again")
        .retry_after(Duration::from_secs(1)))
}

/// When a code ends, as it is stored: an offer that is repeated does not prolong it.
async fn ends(gateway: &Gateway, code: &str) -> Result<u64, Problem> {
    let key = NameKey { name: link_name(code) };
    let fetched = gateway.reader.fetch(Fetch { keys: vec![key.into()], scans: Vec::new() }).await?;
    Ok(fetched.row::<NameKey>(0).map_or(0, |row| row.until))
}

/// Links a new device to the account whose device shows the code.
#[utoipa::path(
    post, path = "/v1/devices/link", operation_id = "link_device", tag = "devices",
    security(()), params(Key), request_body = LinkRequest,
    responses(
        (status = 200, body = Credentials), refused::TokenRevoked, refused::LinkCodeInvalid,
        refused::NoSuchAccount, refused::TooManyDevices,
    ),
)]
pub(in crate::api) async fn link(
    asked: Asked<LinkRequest>,
    gateway: Data<Gateway>,
) -> Result<Json<Credentials>, Problem> {
    let code = normal(&asked.body.code)?;
    let device = DeviceId::from_bytes(gateway.new_id("linked device", asked.key.as_ref())?);
    let nobody = Origin::unkeyed(AccountId::default(), device);
    let account = gateway.runtime.ask(SpendLink { code, device }, nobody).await?.account;
    let new = gateway.new_device(&asked.body.device, device)?;
    let tokens =
        gateway.runtime.ask(AddDevice { account, device: new }, asked.origin(account, device)).await?;
    Ok(Json(gateway.credentials(account, device, &tokens)?))
}

fn code(random: &[u8; 16]) -> String {
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('0', char::from);
    random.iter().take(LENGTH).map(letter).collect()
}

/// What a person may have typed: small letters, spaces, hyphens, and letters that look like digits.
fn normal(typed: &str) -> Result<String, Fault> {
    let letter = |typed: char| match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let code: String = typed.chars().filter(|typed| !matches!(typed, ' ' | '-')).map(letter).collect();
    let good = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
    if good {
        Ok(code)
    } else {
        Err(Fault::new("code", format!("{LENGTH} letters and digits, as the other device shows them")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_a_person_types_it() {
        assert_eq!(normal("ab-cd ol1z"), Ok("ABCD011Z".to_owned()));
        assert_eq!(normal(&code(&[255; 16])), Ok("ZZZZZZZZ".to_owned()));
        for wrong in ["", "ABCD", "ABCDEFGHJ", "ABCDEFG!", "ÄBCDEFG"] {
            assert!(normal(wrong).is_err(), "{wrong}");
        }
    }
}
