//! Refusals of entities, and failed reads, as problems: the one place where they meet. Every match names every refusal, so that a new one
//! does not compile until it has its code.

use denrei_actors::CommandError;
use denrei_actors::account::contact::ContactRefused;
use denrei_actors::account::device::DeviceRefused;
use denrei_actors::account::mark_read::MarkRefused;
use denrei_actors::account::profile::ProfileRefused;
use denrei_actors::account::setting::SettingRefused;
use denrei_actors::chatroom::ChatRefused;
use denrei_actors::name::handle::HandleRefused;
use denrei_actors::name::link::LinkRefused;
use denrei_storage::shard::ReadError;

use crate::problem::{Code, Problem};

impl<R: Into<Problem>> From<CommandError<R>> for Problem {
    fn from(error: CommandError<R>) -> Self {
        let coded = |code: Code| Self::new(code);
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::KeyReused => {
                coded(Code::KeyReused).detail("the idempotency key was used for another request")
            }
            CommandError::KeyExpired => {
                coded(Code::KeyExpired).detail("the idempotency key is of a day before yesterday")
            }
            CommandError::KeyFuture => {
                coded(Code::KeyFuture).detail("the idempotency key is of a day that has not come")
            }
            CommandError::Overloaded(after) => coded(Code::Overloaded).retry_after(after),
            CommandError::Unavailable(why) => coded(Code::Unavailable).detail(why),
        }
    }
}

/// The reason goes to the log, not to whoever asked.
impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(why) => {
                tracing::warn!(%why, "the store cannot be read");
                Self::new(Code::Unavailable)
            }
            ReadError::Damaged(what) => {
                tracing::error!(%what, "the store is damaged");
                Self::new(Code::Internal).detail("the store is damaged")
            }
        }
    }
}

impl From<DeviceRefused> for Problem {
    fn from(refusal: DeviceRefused) -> Self {
        let code = match refusal {
            DeviceRefused::NoAccount => Code::NoSuchAccount,
            DeviceRefused::NoDevice => Code::NoSuchDevice,
            DeviceRefused::TooMany => Code::TooManyDevices,
        };
        Self::new(code).detail(refusal.to_string())
    }
}

impl From<ContactRefused> for Problem {
    fn from(refusal: ContactRefused) -> Self {
        let code = match refusal {
            ContactRefused::NoSuchAccount => Code::NoSuchAccount,
            ContactRefused::Oneself => Code::Oneself,
        };
        Self::new(code).detail(refusal.to_string())
    }
}

impl From<ProfileRefused> for Problem {
    fn from(refusal: ProfileRefused) -> Self {
        let code = match refusal {
            ProfileRefused::NoAccount => Code::NoSuchAccount,
        };
        Self::new(code).detail(refusal.to_string())
    }
}

impl From<SettingRefused> for Problem {
    fn from(refusal: SettingRefused) -> Self {
        let code = match refusal {
            SettingRefused::NoAccount => Code::NoSuchAccount,
            SettingRefused::TooMany => Code::TooManySettings,
        };
        Self::new(code).detail(refusal.to_string())
    }
}

impl From<HandleRefused> for Problem {
    fn from(refusal: HandleRefused) -> Self {
        let code = match refusal {
            HandleRefused::Taken => Code::HandleTaken,
        };
        Self::new(code).detail(refusal.to_string())
    }
}

impl From<LinkRefused> for Problem {
    fn from(refusal: LinkRefused) -> Self {
        let code = match refusal {
            LinkRefused::Invalid => Code::LinkCodeInvalid,
        };
        Self::new(code).detail(refusal.to_string())
    }
}

impl From<MarkRefused> for Problem {
    fn from(refusal: MarkRefused) -> Self {
        let code = match refusal {
            MarkRefused::NotMember => Code::NotMember,
        };
        Self::new(code).detail(refusal.to_string())
    }
}

impl From<ChatRefused> for Problem {
    fn from(refusal: ChatRefused) -> Self {
        let problem = match refusal {
            ChatRefused::NotMember => Self::new(Code::NotMember),
            ChatRefused::NotGroup => Self::new(Code::NotGroup),
            ChatRefused::NotInvited => Self::new(Code::NotInvited),
            ChatRefused::NotOpen => Self::new(Code::NotOpen),
            ChatRefused::NoMessage => Self::new(Code::NoSuchMessage),
            ChatRefused::NotSender => Self::new(Code::NotSender),
            ChatRefused::Unsent => Self::new(Code::MessageUnsent),
            ChatRefused::NoAccount(account) => Self::new(Code::NoSuchAccount).with("account", account),
            ChatRefused::Oneself => Self::new(Code::Oneself),
            ChatRefused::MentionNotMember(account) => {
                Self::new(Code::MentionNotMember).with("account", account)
            }
            ChatRefused::NothingToAnswer(_) => {
                Self::new(Code::NoSuchMessage).with("field", "message.reply_to")
            }
            ChatRefused::TooMany => Self::new(Code::TooManyMembers),
            ChatRefused::Exists => Self::new(Code::ChatExists),
        };
        problem.detail(refusal.to_string())
    }
}
