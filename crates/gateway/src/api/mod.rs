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

use actix_web::web::ServiceConfig;

use crate::problem::page;
use crate::request::route::{common, resource};

/// The routes of this module, and what all routes have in common.
pub fn configure(routes: &mut ServiceConfig) {
    routes.configure(common);
    // Resources are tried in their order, and this one is asked for more than all others.
    routes.service(resource("/v1/messages").post(message::send::send));
    routes
        .service(resource("/problems/{code}").get(page::get))
        .service(resource("/openapi.json").get(document::get))
        .service(resource("/v1/connection-info").get(connection_info::get));
    routes.configure(devices).configure(people).configure(chats);
}

fn devices(routes: &mut ServiceConfig) {
    routes
        .service(resource("/v1/register").post(device::register::register))
        .service(resource("/v1/token").post(device::renew::renew))
        .service(resource("/v1/logout").post(device::revoke::log_out))
        .service(resource("/v1/devices").get(device::list::list))
        .service(resource("/v1/devices/link-code").post(device::link::offer))
        .service(resource("/v1/devices/link").post(device::link::link))
        .service(resource("/v1/devices/{device}").delete(device::revoke::revoke));
}

fn people(routes: &mut ServiceConfig) {
    routes
        .service(resource("/v1/profile").get(person::profile::own).put(person::profile::update))
        .service(resource("/v1/profile/handle").put(person::handle::claim).delete(person::handle::release))
        .service(resource("/v1/people/{account}").get(person::find::by_id))
        .service(resource("/v1/handles/{handle}").get(person::find::by_handle))
        .service(resource("/v1/settings/{key}").put(person::setting::set).delete(person::setting::clear))
        .service(
            resource("/v1/device-settings/{key}")
                .put(person::setting::set_device)
                .delete(person::setting::clear_device),
        )
        .service(resource("/v1/contacts/{account}").put(contact::put::put).delete(contact::remove::remove))
        .service(
            resource("/v1/contacts/{account}/block")
                .put(contact::block::block)
                .delete(contact::block::unblock),
        );
}

fn chats(routes: &mut ServiceConfig) {
    routes
        .service(resource("/v1/chats").post(chat::create::create))
        .service(resource("/v1/chats/{chat}").get(chat::show::show).patch(chat::update::update))
        .service(resource("/v1/chats/{chat}/invitations").post(chat::invite::invite))
        .service(resource("/v1/chats/{chat}/accept").post(chat::answer::accept))
        .service(resource("/v1/chats/{chat}/reject").post(chat::answer::reject))
        .service(resource("/v1/chats/{chat}/join").post(chat::join::join))
        .service(resource("/v1/chats/{chat}/leave").post(chat::leave::leave))
        .service(resource("/v1/chats/{chat}/members/{account}").delete(chat::remove::remove))
        .service(resource("/v1/chats/{chat}/read").put(chat::read::mark))
        .service(resource("/v1/chats/{chat}/messages").get(message::history::list))
        .service(resource("/v1/chats/{chat}/messages/{seq}").delete(message::unsend::unsend))
        .service(
            resource("/v1/chats/{chat}/messages/{seq}/reaction")
                .put(message::react::react)
                .delete(message::react::take_back),
        );
}
