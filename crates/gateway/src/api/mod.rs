//! What devices ask for, an endpoint a file: registration and tokens, profile and settings, contacts, chats, messages.
//!
//! ```text
//! Change { caller, path, body } ──► Command + Origin (device, idempotency key, hash) ──► Handle::ask ──► answer, when it is durable
//! Caller + path                 ──► Reader (durable rows of one moment)              ──► answer
//! ```

mod chat;
mod connection_info;
mod contact;
mod device;
mod document;
mod message;
mod person;

use actix_web::web::{ServiceConfig, delete, get, patch, post, put};

use crate::problem::page;
use crate::request::route::{common, resource};

/// The routes of this module, and what all routes have in common.
pub fn configure(routes: &mut ServiceConfig) {
    routes.configure(common);
    // Resources are tried in their order, and this one is asked for more than all others.
    routes.service(resource("/v1/messages").route(post().to(message::send::send)));
    routes
        .service(resource("/problems/{code}").route(get().to(page::get)))
        .service(resource("/openapi.json").route(get().to(document::get)))
        .service(resource("/v1/connection-info").route(get().to(connection_info::get)));
    routes.configure(devices).configure(people).configure(chats);
}

fn devices(routes: &mut ServiceConfig) {
    routes
        .service(resource("/v1/register").route(post().to(device::register::register)))
        .service(resource("/v1/token").route(post().to(device::renew::renew)))
        .service(resource("/v1/logout").route(post().to(device::revoke::log_out)))
        .service(resource("/v1/devices").route(get().to(device::list::list)))
        .service(resource("/v1/devices/link-code").route(post().to(device::link::offer)))
        .service(resource("/v1/devices/link").route(post().to(device::link::link)))
        .service(resource("/v1/devices/{device}").route(delete().to(device::revoke::revoke)));
}

fn people(routes: &mut ServiceConfig) {
    routes
        .service(
            resource("/v1/profile")
                .route(get().to(person::profile::own))
                .route(put().to(person::profile::update)),
        )
        .service(
            resource("/v1/profile/handle")
                .route(put().to(person::handle::claim))
                .route(delete().to(person::handle::release)),
        )
        .service(resource("/v1/people/{account}").route(get().to(person::find::by_id)))
        .service(resource("/v1/handles/{handle}").route(get().to(person::find::by_handle)))
        .service(
            resource("/v1/settings/{key}")
                .route(put().to(person::setting::set))
                .route(delete().to(person::setting::clear)),
        )
        .service(
            resource("/v1/device-settings/{key}")
                .route(put().to(person::setting::set_device))
                .route(delete().to(person::setting::clear_device)),
        )
        .service(
            resource("/v1/contacts/{account}")
                .route(put().to(contact::put::put))
                .route(delete().to(contact::remove::remove)),
        )
        .service(
            resource("/v1/contacts/{account}/block")
                .route(put().to(contact::block::block))
                .route(delete().to(contact::block::unblock)),
        );
}

fn chats(routes: &mut ServiceConfig) {
    routes
        .service(resource("/v1/chats").route(post().to(chat::create::create)))
        .service(
            resource("/v1/chats/{chat}")
                .route(get().to(chat::show::show))
                .route(patch().to(chat::update::update)),
        )
        .service(resource("/v1/chats/{chat}/invitations").route(post().to(chat::invite::invite)))
        .service(resource("/v1/chats/{chat}/accept").route(post().to(chat::answer::accept)))
        .service(resource("/v1/chats/{chat}/reject").route(post().to(chat::answer::reject)))
        .service(resource("/v1/chats/{chat}/join").route(post().to(chat::join::join)))
        .service(resource("/v1/chats/{chat}/leave").route(post().to(chat::leave::leave)))
        .service(resource("/v1/chats/{chat}/members/{account}").route(delete().to(chat::remove::remove)))
        .service(resource("/v1/chats/{chat}/read").route(put().to(chat::read::mark)))
        .service(resource("/v1/chats/{chat}/messages").route(get().to(message::history::list)))
        .service(resource("/v1/chats/{chat}/messages/{seq}").route(delete().to(message::unsend::unsend)))
        .service(
            resource("/v1/chats/{chat}/messages/{seq}/reaction")
                .route(put().to(message::react::react))
                .route(delete().to(message::react::take_back)),
        );
}
