//! Points where the real binary can be made to break a guarantee on purpose, to prove that a check would see it.
//!
//! Built only with the feature `faults`; armed through the environment variable that the `fail` crate reads.

/// Whether this fault is to happen now.
#[cfg(feature = "faults")]
pub(crate) fn armed(point: &str) -> bool {
    fail::eval(point, |_| true).unwrap_or(false)
}

/// Whether this fault is to happen now: never, in a build without faults.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub(crate) const fn armed(_point: &str) -> bool {
    false
}
