//! What to play, against which node.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

/// What to play, against which node.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// What people do.
    pub pattern: Pattern,
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub node: String,
    /// PEM file of the certificates to trust over TLS; those of the system if absent.
    pub certificates: Option<PathBuf>,
    /// How many people; at least two.
    pub people: NonZeroUsize,
    /// How long it goes on.
    pub extent: Extent,
    /// Messages and changes a second (open loop); as fast as it goes if absent (closed loop).
    pub rate: Option<f64>,
    /// What chance decides: who writes to whom, what happens in groups, who has two devices.
    pub seed: u64,
    /// Sends and changes that may wait for their answer at once.
    pub in_flight: usize,
    /// Where the recording is kept; nowhere if absent.
    pub record: Option<PathBuf>,
    /// Show a progress bar.
    pub progress: bool,
}

/// A pattern, with what can be set about it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Pattern {
    /// 1:1 chats.
    Direct,
    /// Groups.
    Groups {
        /// The largest group, creator included: 2 to 500.
        largest: usize,
    },
    /// Streams alone.
    Idle,
    /// Storms of reconnects over 1:1 chats.
    Storm {
        /// Between two storms.
        every: Duration,
    },
    /// Slow readers among the people of 1:1 chats.
    Slow {
        /// How many of a hundred people read slowly.
        percent: u32,
        /// Bytes a second that they read.
        bytes_per_second: NonZeroU32,
    },
}

/// When it ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Extent {
    /// After so many messages.
    Messages(usize),
    /// After this time; without a report if there was no node in it.
    Time(Duration),
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Groups { largest } => write!(f, "groups of up to {largest}"),
            Self::Idle => f.write_str("idle"),
            Self::Storm { every } => write!(f, "storm every {} s", every.as_secs_f64()),
            Self::Slow { percent, bytes_per_second } => {
                write!(f, "slow, {percent} of 100 people read {bytes_per_second} bytes/s")
            }
        }
    }
}
