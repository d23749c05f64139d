//! The ways in which tasks are run, and what came of each.

use std::fmt;
use std::time::Duration;

use crate::Options;
use crate::drain::Drained;
use crate::ground::PARTITIONS;
use crate::rounds::Rounds;
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

    /// How many tasks are run.
    pub(crate) fn tasks(&self, options: &Options) -> u64 {
        if self.takes.is_zero() { options.tasks } else { options.slow_tasks.min(options.tasks) }
    }

    /// What a perfect queue would do, where tasks take time.
    fn ceiling(&self, options: &Options) -> f64 {
        let permits = if self.per_key() { options.keys } else { u64::from(PARTITIONS) * self.permits as u64 };
        permits as f64 / self.takes.as_secs_f64()
    }

    /// Says how it stands to its ceiling.
    pub(crate) fn judge(&self, tally: &Tally, bare: &Tally, options: &Options) {
        let rate = tally.rate.median();
        if !self.takes.is_zero() {
            println!("       over what its permits allow: {:.2}", rate / self.ceiling(options));
        } else if self.permits == 1 {
            verdict("1 permit, over the bare loop", rate / bare.rate.median(), 0.6..);
        } else {
            println!("       over the bare loop: {:.2}", rate / bare.rate.median());
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

/// The rounds of one way.
#[derive(Default)]
pub(crate) struct Tally {
    rate: Rounds,
    cpu: Rounds,
}

impl Tally {
    /// One more round.
    pub(crate) fn push(&mut self, drained: &Drained) {
        self.rate.push(drained.per_second);
        self.cpu.push(drained.cpu_per_million);
    }

    /// Prints it.
    pub(crate) fn say(&self, what: &str) {
        println!("  {what:<28} {} a second, {} CPU-s per million", self.rate, self.cpu);
    }
}
