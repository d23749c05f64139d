//! The ways in which tasks are run, and what is aimed at.

use std::fmt;
use std::time::Duration;

use crate::tally::{Bare, Tally};
use crate::verdict::verdict;

/// One way to run tasks.
pub(crate) struct Cell {
    /// Tasks of a partition that run at once; 0 means as many as there are keys.
    pub(crate) permits: usize,
    /// How long a task takes.
    pub(crate) takes: Duration,
}

const NOTHING: Duration = Duration::ZERO;
const TEN_MS: Duration = Duration::from_millis(10);

/// All that are measured.
pub(crate) const CELLS: [Cell; 4] = [
    Cell { permits: 1, takes: NOTHING },
    Cell { permits: 20, takes: NOTHING },
    Cell { permits: 20, takes: TEN_MS },
    Cell { permits: 0, takes: TEN_MS },
];

impl Cell {
    /// Whether it makes sense with keys only.
    pub(crate) const fn per_key(&self) -> bool {
        self.permits == 0
    }

    /// Whether a task takes time.
    pub(crate) const fn is_slow(&self) -> bool {
        !self.takes.is_zero()
    }

    /// Says how it stands to what is aimed at.
    pub(crate) fn judge(&self, tally: &Tally, bare: &Bare) {
        let rate = tally.ours.rate.median();
        if self.is_slow() {
            verdict(&format!("{self}, over the ideal"), rate / tally.ideal.median(), 0.95..);
        } else if self.permits == 1 {
            verdict(&format!("{self}, over the bare loop"), rate / bare.rate.median(), 0.6..);
        } else {
            println!("       {self}, over the bare loop: {:.2}", rate / bare.rate.median());
        }
        let Some(decaton) = &tally.decaton else { return };
        let (faster, cpu) = (rate / decaton.rate.median(), tally.ours.cpu.median() / decaton.cpu.median());
        if self.is_slow() || self.permits == 1 {
            println!("       {self}, over Decaton: {faster:.2}, processor time {cpu:.2}");
        } else {
            verdict(&format!("{self}, over Decaton"), faster, 3.0..);
            verdict(&format!("{self}, processor time over Decaton's"), cpu, ..=1.0 / 3.0);
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.permits {
            0 => f.write_str("a permit a key")?,
            1 => f.write_str("1 permit")?,
            many => write!(f, "{many} permits")?,
        }
        write!(f, ", {} ms a task", self.takes.as_millis())
    }
}
