//! `cargo xtask test`: what the tests need is built and brought up, they run, and the end says what really ran.
//!
//! ```text
//! Selection ──► binaries (release; release with faults) ──► services ──► cargo test ──► Reading ──► Tally
//!                                                                          │
//!                                            $DENREI_SKIPS ◄── tests ──────┘
//! ```

mod binaries;
mod needs;
mod reading;
mod run;
mod selection;
mod tally;
mod watch;

pub(crate) use run::{Phase, Session, run};
pub(crate) use selection::Selection;
pub(crate) use tally::Tally;
