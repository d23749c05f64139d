//! Randomness, as it comes in from outside.

use crate::problem::{Code, Problem};

/// Where random bytes come from.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer with bytes that nobody can guess.
    ///
    /// # Errors
    /// A text that says why there are none.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), String>;
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), String> {
        rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, buffer).map_err(|error| error.to_string())
    }
}

/// So many random bytes.
///
/// # Errors
/// `unavailable` if there are none.
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N], Problem> {
    let mut buffer = [0; N];
    match random.fill(&mut buffer) {
        Ok(()) => Ok(buffer),
        Err(why) => {
            tracing::error!(%why, "there is no randomness");
            Err(Problem::new(Code::Unavailable))
        }
    }
}
