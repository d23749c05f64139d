//! What the rounds say.

use crate::load::Round;
use crate::rounds::Rounds;
use crate::verdict::verdict;

/// Above the lines of the rounds.
pub(crate) const HEAD: &str = "round   who      messages/s   send→push p50   p99 ms   \
     durable→push p50   p99 ms   deliveries per core-second";

/// One side's rounds.
#[derive(Default)]
pub(crate) struct Side {
    p50: Rounds,
    p99: Rounds,
    beyond_p99: Rounds,
    per_core_second: Rounds,
}

impl Side {
    /// Takes a round in and prints it.
    pub(crate) fn round(&mut self, number: usize, who: &str, round: &Round) {
        println!(
            "{number:>5}   {who:<6} {:>12.0} {:>15.2} {:>8.2} {:>18.2} {:>8.2} {:>28.0}",
            round.rate,
            round.in_all.p50,
            round.in_all.p99,
            round.beyond.p50,
            round.beyond.p99,
            round.per_core_second,
        );
        self.p50.push(round.in_all.p50);
        self.p99.push(round.in_all.p99);
        self.beyond_p99.push(round.beyond.p99);
        self.per_core_second.push(round.per_core_second);
    }

    fn say(&self, who: &str) {
        println!("{who}, median (least to most): send→push p50 {} ms, p99 {} ms;", self.p50, self.p99);
        println!("  durable→push p99 {} ms; {} per core-second", self.beyond_p99, self.per_core_second);
    }
}

/// Prints the medians and whether the aims are met.
pub(crate) fn conclude(ours: &Side, redis: Option<&Side>, bare: &Side) {
    ours.say("denrei");
    bare.say("bare loop");
    let share = ours.per_core_second.median() / bare.per_core_second.median();
    println!("denrei's deliveries per core-second over the bare loop's: {share:.2}");
    println!("Centrifugo 6.9 with Redis, durable, measured elsewhere on a like machine:");
    println!("  send→push p50 1.1 ms, p99 3.9 ms; 5.1 to 5.8 k per core-second");
    verdict("durable→push p99, ms", ours.beyond_p99.median(), ..=1.0);
    verdict("deliveries per core-second", ours.per_core_second.median(), 12_000.0..);
    let Some(redis) = redis else { return };
    redis.say("redis");
    verdict("send→push p50 over that of Redis", ours.p50.median() / redis.p50.median(), ..=1.0);
    verdict("send→push p99 over that of Redis", ours.p99.median() / redis.p99.median(), ..=1.0);
}
