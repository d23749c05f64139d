//! `POST /v1/chats/{chat}/invitations`: a member asks people in.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::MAX_MEMBERS;
use denrei_actors::chatroom::invite::Invite;
use denrei_model::id::ChatId;
use denrei_model::wire::chat::{ChatAnswer, InviteRequest};

use super::ask;
use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change, Fault};
use crate::state::Gateway;

impl Body for InviteRequest {
    fn check(&self) -> Result<(), Problem> {
        if self.accounts.is_empty() || self.accounts.len() >= MAX_MEMBERS {
            return Err(Fault::new("accounts", format!("1 to {} accounts", MAX_MEMBERS - 1)).into());
        }
        Ok(())
    }
}

/// Asks people into a group.
#[utoipa::path(
    post, path = "/v1/chats/{chat}/invitations", operation_id = "invite", tag = "chats",
    params(Key), request_body = InviteRequest,
    responses(
        (status = 200, body = ChatAnswer), refused::NotMember, refused::NoSuchAccount, refused::NotGroup,
        refused::TooManyMembers,
    ),
)]
pub(in crate::api) async fn invite(
    change: Change<InviteRequest, ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    let accounts = change.body.accounts.clone();
    ask(&gateway, &change, Invite { chat: change.path, by: change.caller.account, accounts }).await
}
