//! Figures beside what is aimed at: one line each.

use std::ops::{Bound, RangeBounds};

/// Prints a figure, its aim (`0.6..` is at least, `..=1.0` at most), and whether it is met.
pub(crate) fn verdict(what: &str, found: f64, aim: impl RangeBounds<f64>) {
    let met = if aim.contains(&found) { "met" } else { "MISSED" };
    let bounds = [("at least", aim.start_bound()), ("at most", aim.end_bound())];
    let said = bounds.into_iter().filter_map(|(side, bound)| match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(format!("{side} {value}")),
        Bound::Unbounded => None,
    });
    println!("{met:<6} {what}: {found:.2} (aim: {})", said.collect::<Vec<_>>().join(", "));
}
