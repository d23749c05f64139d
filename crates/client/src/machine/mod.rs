//! The sync machine of a device, sans-IO: frames, pages and troubles go in; the copy changes; wishes come out.
//!
//! ```text
//! Following ──operations──► Following           each at local revision + 1, else a hole: opened anew
//!    ▲   │ full_sync
//!    │   ▼
//!    └─ Fetching {R, token}                     pages of all categories, each from R or later, then one transaction:
//!    ▲                                          the copy is replaced, its position is R; opened again with the token
//!    ├─ Fetching {some categories}              an operation of an unknown kind: its category, read at it or later
//!    └─ Asking {reason}                         the copy is damaged: a FullSync is asked for
//! ```
//! `replaced` and `revoked` end it.

mod fetch;
mod operation;
mod sync;
mod wish;

pub use operation::{OperationError, RawOperation, apply_raw};
pub use sync::Machine;
pub use wish::{MachineError, Seen, Wish};
