//! Every code there is, in one table: its word, its status, its title; and with the word its page.

use actix_web::http::StatusCode;

macro_rules! status {
    ($name:ident) => {
        StatusCode::$name
    };
    // The library has no name for it.
    ($number:literal) => {
        StatusCode::from_u16($number).unwrap_or(StatusCode::BAD_REQUEST)
    };
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $status:tt $title:literal;)+) => {
        /// The kind of a problem.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $($(#[$doc])* $variant),+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its word, as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The status that goes with it.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => status!($status)),+
                }
            }

            /// What it is about, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title),+
                }
            }

            /// Its page, in Markdown. A code without one does not compile.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../../../docs/problems/", $word, ".md"))),+
                }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    MalformedJson = "malformed_json" BAD_REQUEST "The body is not JSON";
    /// The body has a field that the request does not have.
    UnknownField = "unknown_field" BAD_REQUEST "The body has a field that is not known";
    /// A part of the request is missing, of another type, or out of bounds.
    InvalidRequest = "invalid_request" BAD_REQUEST "A part of the request is not as it must be";
    /// The body is larger than is taken.
    BodyTooLarge = "body_too_large" PAYLOAD_TOO_LARGE "The body is too large";
    /// The body is not said to be JSON, or is encoded.
    UnsupportedMediaType = "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body must be application/json";
    /// There is nothing at this path.
    NotFound = "not_found" NOT_FOUND "There is nothing at this path";
    /// The path has other methods.
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED "The path does not have this method";
    /// No token, or none that is known here.
    Unauthorized = "unauthorized" UNAUTHORIZED "A valid access token is needed";
    /// The access token has ended, or a newer one has taken its place.
    TokenExpired = "token_expired" UNAUTHORIZED "The access token has ended";
    /// The device was logged out, or its tokens revoked.
    TokenRevoked = "token_revoked" UNAUTHORIZED "The device was logged out";
    /// The token is one of another realm.
    ForbiddenRealm = "forbidden_realm" FORBIDDEN "The token is not for this";
    /// The request needs an idempotency key.
    KeyRequired = "key_required" BAD_REQUEST "The request needs an Idempotency-Key";
    /// The idempotency key does not have the form of one.
    KeyMalformed = "key_malformed" BAD_REQUEST "The Idempotency-Key is malformed";
    /// The idempotency key was used for another request.
    KeyReused = "key_reused" CONFLICT "The Idempotency-Key was used for another request";
    /// The idempotency key is of a day before yesterday.
    KeyExpired = "key_expired" CONFLICT "The Idempotency-Key is of a day before yesterday";
    /// The idempotency key is of a day that has not come.
    KeyFuture = "key_future" CONFLICT "The Idempotency-Key is of a day that has not come";
    /// The caller is not in the chat, or there is no such chat.
    NotMember = "not_member" FORBIDDEN "Not a member of the chat";
    /// The chat is a 1:1 chat.
    NotGroup = "not_group" CONFLICT "The chat is not a group";
    /// The caller has no open invitation.
    NotInvited = "not_invited" FORBIDDEN "Not invited into the chat";
    /// The group is entered by invitation.
    NotOpen = "not_open" FORBIDDEN "The group is not open to joining";
    /// There is no such account.
    NoSuchAccount = "no_such_account" NOT_FOUND "There is no such account";
    /// There is no such device.
    NoSuchDevice = "no_such_device" NOT_FOUND "There is no such device";
    /// There is no such message, or the caller may not see it.
    NoSuchMessage = "no_such_message" NOT_FOUND "There is no such message";
    /// The message is somebody else's.
    NotSender = "not_sender" FORBIDDEN "The message is somebody else's";
    /// The message was taken back.
    MessageUnsent = "message_unsent" CONFLICT "The message was taken back";
    /// Somebody is mentioned who is not in the chat.
    MentionNotMember = "mention_not_member" CONFLICT "Somebody mentioned is not in the chat";
    /// The group would have too many members.
    TooManyMembers = "too_many_members" CONFLICT "The group would have too many members";
    /// What concerns somebody else was asked for oneself.
    Oneself = "oneself" CONFLICT "That is you";
    /// The chat exists already.
    ChatExists = "chat_exists" CONFLICT "The chat exists already";
    /// Somebody else has the handle.
    HandleTaken = "handle_taken" CONFLICT "Somebody else has the handle";
    /// The handle does not have the form of one.
    HandleMalformed = "handle_malformed" BAD_REQUEST "The handle is malformed";
    /// The link code is unknown, over, or spent.
    LinkCodeInvalid = "link_code_invalid" FORBIDDEN "The code is not valid";
    /// The account has as many devices as it may.
    TooManyDevices = "too_many_devices" CONFLICT "The account has too many devices";
    /// The account holds as many settings as it may.
    TooManySettings = "too_many_settings" CONFLICT "The account holds too many settings";
    /// Nobody may register here.
    RegistrationClosed = "registration_closed" FORBIDDEN "Registration is closed";
    /// The request may be a replay: a proxy took it before its connection was safe from them.
    TooEarly = "too_early" 425 "The request came too early";
    /// More requests than are allowed.
    RateLimited = "rate_limited" TOO_MANY_REQUESTS "Too many requests";
    /// The node has too much to do.
    Overloaded = "overloaded" SERVICE_UNAVAILABLE "The node has too much to do";
    /// What was asked cannot be answered at the moment.
    Unavailable = "unavailable" SERVICE_UNAVAILABLE "Not available at the moment";
    /// The device must take snapshots.
    FullSyncRequired = "full_sync_required" CONFLICT "Take snapshots instead of operations";
    /// The node failed.
    Internal = "internal" INTERNAL_SERVER_ERROR "The node failed";
}

impl Code {
    /// What `WWW-Authenticate` says, on problems that a token would solve.
    pub(super) const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some("Bearer realm=\"denrei\""),
            Self::TokenExpired => {
                Some("Bearer realm=\"denrei\", error=\"invalid_token\", error_description=\"expired\"")
            }
            Self::TokenRevoked => {
                Some("Bearer realm=\"denrei\", error=\"invalid_token\", error_description=\"revoked\"")
            }
            _ => None,
        }
    }

    /// The code with this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}
