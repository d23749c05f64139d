//! When a certificate ends.

use std::fs;
use std::path::Path;
use std::time::Duration;

use denrei_model::clock::Timestamp;
use x509_parser::pem::Pem;

/// Says that a certificate of this file has ended, and when. Nothing of what cannot be read: that is said elsewhere.
pub(super) fn expired(file: &Path, now: Timestamp) -> Option<String> {
    let text = fs::read(file).ok()?;
    let mut ends = Pem::iter_from_buffer(&text).filter_map(|pem| end(&pem.ok()?));
    let ended = ends.find(|end| *end < now)?;
    Some(format!("{}: a certificate ended at {ended}; devices will refuse it", file.display()))
}

fn end(pem: &Pem) -> Option<Timestamp> {
    let end = pem.parse_x509().ok()?.validity().not_after.timestamp();
    Some(Timestamp::default().plus(Duration::from_secs(u64::try_from(end).unwrap_or(0))))
}
