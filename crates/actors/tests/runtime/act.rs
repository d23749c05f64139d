//! What people do: every command that changes what devices see, as values that can be repeated.

use denrei_actors::account::contact::block::SetBlock;
use denrei_actors::account::contact::put::PutContact;
use denrei_actors::account::contact::remove::RemoveContact;
use denrei_actors::account::mark_read::MarkRead;
use denrei_actors::account::profile::{ReleaseHandle, UpdateProfile};
use denrei_actors::account::setting::SetSetting;
use denrei_actors::chatroom::answer::Answer;
use denrei_actors::chatroom::invite::Invite;
use denrei_actors::chatroom::join::Join;
use denrei_actors::chatroom::leave::Leave;
use denrei_actors::chatroom::react::React;
use denrei_actors::chatroom::remove::Remove;
use denrei_actors::chatroom::send::Send;
use denrei_actors::chatroom::unsend::Unsend;
use denrei_actors::chatroom::update::Update;
use denrei_actors::name::handle::ClaimHandle;
use denrei_actors::{Command, CommandError, Handle, Origin};
use denrei_model::id::ChatId;
use denrei_model::message::{Content, Text};
use prost::Message as _;

use super::stage::{account, device};

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Send),
    Unsend(Unsend),
    React(React),
    Invite(Invite),
    Answer(Answer),
    Join(Join),
    Leave(Leave),
    Remove(Remove),
    Update(Update),
    MarkRead(MarkRead),
    PutContact(PutContact),
    RemoveContact(RemoveContact),
    SetBlock(SetBlock),
    SetSetting(SetSetting),
    UpdateProfile(UpdateProfile),
    ClaimHandle(ClaimHandle),
    ReleaseHandle(ReleaseHandle),
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    /// The stored answer.
    Granted(Vec<u8>),
    Refused(String),
    /// Nothing was done.
    Shed,
    /// Perhaps it was done, perhaps not.
    Unknown,
}

async fn told<C: Command>(handle: &Handle, command: C, origin: Origin) -> Told {
    match handle.ask(command, origin).await {
        Ok(answer) => Told::Granted(answer.encode_to_vec()),
        Err(CommandError::Overloaded(_)) => Told::Shed,
        Err(CommandError::Unavailable(_)) => Told::Unknown,
        Err(error) => Told::Refused(error.to_string()),
    }
}

impl Act {
    pub(crate) async fn ask(self, handle: &Handle, origin: Origin) -> Told {
        match self {
            Self::Send(command) => told(handle, command, origin).await,
            Self::Unsend(command) => told(handle, command, origin).await,
            Self::React(command) => told(handle, command, origin).await,
            Self::Invite(command) => told(handle, command, origin).await,
            Self::Answer(command) => told(handle, command, origin).await,
            Self::Join(command) => told(handle, command, origin).await,
            Self::Leave(command) => told(handle, command, origin).await,
            Self::Remove(command) => told(handle, command, origin).await,
            Self::Update(command) => told(handle, command, origin).await,
            Self::MarkRead(command) => told(handle, command, origin).await,
            Self::PutContact(command) => told(handle, command, origin).await,
            Self::RemoveContact(command) => told(handle, command, origin).await,
            Self::SetBlock(command) => told(handle, command, origin).await,
            Self::SetSetting(command) => told(handle, command, origin).await,
            Self::UpdateProfile(command) => told(handle, command, origin).await,
            Self::ClaimHandle(command) => told(handle, command, origin).await,
            Self::ReleaseHandle(command) => told(handle, command, origin).await,
        }
    }
}

pub(crate) fn text(text: &str) -> Content {
    Content::Text(Text { text: text.to_owned() })
}

pub(crate) fn direct(a: u8, b: u8) -> ChatId {
    ChatId::direct(account(a), account(b))
}

/// A message from one person to another.
pub(crate) fn message(from: u8, to: u8, key: Option<&str>, says: &str) -> Send {
    Send {
        chat: direct(from, to),
        peer: Some(account(to)),
        sender: account(from),
        device: device(from),
        key: key.map(str::to_owned),
        content: text(says),
        reply_to: None,
        mentions: Vec::new(),
    }
}

/// A message to a chat.
pub(crate) fn to_chat(from: u8, chat: ChatId, key: Option<&str>, says: &str) -> Send {
    Send { chat, peer: None, ..message(from, from, key, says) }
}
