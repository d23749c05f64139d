//! Messages: sending, taking back, reacting, reading back.

pub(super) mod history;
pub(super) mod react;
pub(super) mod send;
pub(super) mod unsend;
