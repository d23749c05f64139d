//! Decisions by table: what each command grants, what it refuses, and that asking twice changes nothing.
//!
//! `desk` decides commands one after the other on a map of rows, without a runtime.

#[cfg(test)]
mod decisions {
    pub(crate) mod desk;

    mod chats;
    mod contacts;
    mod devices;
    mod messages;
    mod names;
    mod settings;
}
