//! `POST /v1/register`: a person comes with a first device, or a known one with a further one.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use denrei_actors::account::device::register::Register;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::operation::person::MAX_NAME_CHARS;
use denrei_model::wire::account::{Credentials, MAX_EXTERNAL_ID_CHARS, RegisterRequest};

use super::check;
use crate::auth::admin;
use crate::openapi::{Key, refused};
use crate::problem::{Code, Problem};
use crate::registration::Mode;
use crate::request::{Asked, Body, Fault, text};
use crate::state::Gateway;

impl Body for RegisterRequest {
    fn check(&self) -> Result<(), Problem> {
        text("name", &self.name, 1, MAX_NAME_CHARS)?;
        check(&self.device)?;
        if let Some(external) = &self.external_id {
            text("external_id", external, 1, MAX_EXTERNAL_ID_CHARS)?;
        }
        Ok(())
    }
}

/// Registers a person with a first device, or a known person with a further one.
///
/// Who may: the operator's choice. By default anybody; or with the operator's login token (`token`), or by the operator's
/// server (`external_id`, and the admin token), or nobody.
#[utoipa::path(
    post, path = "/v1/register", operation_id = "register", tag = "devices",
    security((), ("admin" = [])), params(Key), request_body = RegisterRequest,
    responses(
        (status = 200, body = Credentials), refused::Unauthorized, refused::TokenRevoked,
        refused::ForbiddenRealm, refused::RegistrationClosed, refused::TooManyDevices,
    ),
)]
pub(in crate::api) async fn register(
    asked: Asked<RegisterRequest>,
    request: HttpRequest,
    gateway: Data<Gateway>,
) -> Result<Json<Credentials>, Problem> {
    let account = who(&asked, &request, &gateway)?;
    let domain = format!("device of {account}");
    let device = DeviceId::from_bytes(gateway.new_id(&domain, asked.key.as_ref())?);
    let new = gateway.new_device(&asked.body.device, device)?;
    let command = Register { account, name: asked.body.name.clone(), device: new };
    let tokens = gateway.runtime.ask(command, asked.origin(account, device)).await?;
    Ok(Json(gateway.credentials(account, device, &tokens)?))
}

/// Which account the person has: the same for the same person, where the operator knows them.
fn who(
    asked: &Asked<RegisterRequest>,
    request: &HttpRequest,
    gateway: &Gateway,
) -> Result<AccountId, Problem> {
    let body = &asked.body;
    match gateway.registration.mode() {
        Mode::Closed => Err(Problem::new(Code::RegistrationClosed)),
        Mode::Open => {
            absent("token", body.token.as_ref())?;
            absent("external_id", body.external_id.as_ref())?;
            Ok(AccountId::from_bytes(gateway.new_id("account", asked.key.as_ref())?))
        }
        Mode::Jwt => {
            absent("external_id", body.external_id.as_ref())?;
            let token = body.token.as_deref().ok_or_else(|| missing("token", "the login token (JWT)"))?;
            let subject = gateway.registration.subject(token, gateway.clock.now())?;
            Ok(AccountId::derived("person", &[subject.as_bytes()]))
        }
        Mode::Server => {
            admin::check(request.headers(), gateway.options.admin_token.as_ref())?;
            absent("token", body.token.as_ref())?;
            let external =
                body.external_id.as_deref().ok_or_else(|| missing("external_id", "your id of the person"))?;
            Ok(AccountId::derived("person", &[external.as_bytes()]))
        }
    }
}

fn missing(field: &str, what: &str) -> Problem {
    Fault::new(field, what).into()
}

fn absent(field: &str, value: Option<&String>) -> Result<(), Fault> {
    match value {
        None => Ok(()),
        Some(_) => Err(Fault::new(field, "nothing: this node registers people another way")),
    }
}
