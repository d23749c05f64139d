//! Promises broken on purpose: a guarantee that cannot be seen to fail says nothing.

/// A promise to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A task that failed completes. Breaks *at least once*.
    CompleteFailed,
    /// Keys are not looked at. Breaks *serial per key*.
    ForgetKeys,
    /// Every third task steps back. Breaks *order per key*.
    Shuffle,
    /// Timers fire ten seconds before their time. Breaks *no early delivery*.
    FireEarly,
    /// Tasks that are done are buried too. Breaks *dead letter or done*.
    BuryDone,
}
