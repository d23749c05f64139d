//! Values of several rounds, and what they say together: the median, and the spread that is the machine's noise.

use std::fmt;

/// One value a round.
#[derive(Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    /// One more round.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The value in the middle; of two in the middle the upper one. Zero before the first round.
    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (self.0.first().copied(), self.0.last().copied());
        let places = match self.median().abs() {
            median if median >= 1_000.0 => 0,
            median if median >= 10.0 => 1,
            _ => 2,
        };
        let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
        write!(f, "{:.places$} ({least:.places$} to {most:.places$})", self.median())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_before_the_least_and_the_most() {
        let mut rounds = Rounds::default();
        [3.0, 1.0, 2.0].into_iter().for_each(|value| rounds.push(value));
        assert_eq!(rounds.median(), 2.0);
        assert_eq!(rounds.to_string(), "2.00 (1.00 to 3.00)");
    }
}
