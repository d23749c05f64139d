//! What came of the rounds, side by side.

use crate::cell::Cell;
use crate::drain::Drained;
use crate::rounds::Rounds;

/// The rounds of one way to run tasks, by one who runs them.
#[derive(Default)]
pub(crate) struct Side {
    /// Tasks a second.
    pub(crate) rate: Rounds,
    /// Processor seconds per million of them.
    pub(crate) cpu: Rounds,
}

/// The rounds of the bare loop.
pub(crate) type Bare = Side;

impl Side {
    /// One more round.
    pub(crate) fn push(&mut self, drained: &Drained) {
        self.rate.push(drained.per_second);
        self.cpu.push(drained.cpu_per_million);
    }

    /// Prints it.
    pub(crate) fn say(&self, what: &str) {
        println!("  {what:<38} {} a second, {} CPU-s per million", self.rate, self.cpu);
    }
}

/// The rounds of one way to run tasks, by all who run them.
#[derive(Default)]
pub(crate) struct Tally {
    /// The queue.
    pub(crate) ours: Side,
    /// Decaton, where it is there.
    pub(crate) decaton: Option<Side>,
    /// What a queue without any cost of its own would do, in tasks a second; where tasks take time.
    pub(crate) ideal: Rounds,
}

impl Tally {
    /// Prints it.
    pub(crate) fn say(&self, cell: &Cell) {
        self.ours.say(&cell.to_string());
        if let Some(decaton) = &self.decaton {
            decaton.say(&format!("{cell}, Decaton"));
        }
    }
}
