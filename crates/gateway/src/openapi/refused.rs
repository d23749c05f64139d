//! The codes that handlers name in their `responses(…)`: one type each, so that a code that is not there does not compile.
//!
//! They go into the document under their word; [`super::problem`] sorts them by status.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

use crate::problem::Code;

macro_rules! refused {
    ($($code:ident)+) => {
        $(
            #[doc = concat!("See [`Code::", stringify!($code), "`].")]
            pub(crate) struct $code;

            impl IntoResponses for $code {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    BTreeMap::from([(Code::$code.as_str().to_owned(), RefOr::T(Response::default()))])
                }
            }
        )+
    };
}

refused! {
    ChatExists
    ForbiddenRealm
    FullSyncRequired
    HandleMalformed
    HandleTaken
    LinkCodeInvalid
    MentionNotMember
    MessageUnsent
    NoSuchAccount
    NoSuchDevice
    NoSuchMessage
    NotFound
    NotGroup
    NotInvited
    NotMember
    NotOpen
    NotSender
    Oneself
    RegistrationClosed
    TokenRevoked
    TooEarly
    TooManyDevices
    TooManyMembers
    TooManySettings
    Unauthorized
}
