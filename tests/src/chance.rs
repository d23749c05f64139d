//! Chance that can be repeated: each test has a seed, says it, and takes it from `DENREI_SEED` if that is set.

use std::time::Duration;

use denrei_model::clock::Clock as _;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use crate::surroundings;

/// What a test leaves to chance.
pub struct Chance {
    seed: u64,
    source: SmallRng,
}

impl Chance {
    /// The chance of this test; prints its seed.
    #[must_use]
    pub fn of(test: &str) -> Self {
        let given = surroundings::variable("DENREI_SEED").and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| surroundings::clock().now().as_millis() % 1_000_000);
        println!("{test}: seed {seed} (DENREI_SEED={seed} repeats it)");
        Self { seed, source: SmallRng::seed_from_u64(seed) }
    }

    /// What it was seeded with.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// A time between these two, in milliseconds.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.source.random_range(from..=to))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.source.random_range(0..end.max(1))
    }
}
