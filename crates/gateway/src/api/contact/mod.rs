//! Contacts: adding, marking as a favourite, removing, blocking.

pub(super) mod block;
pub(super) mod put;
pub(super) mod remove;
