//! The runtime on the memory store: what leaves and when, what survives, what happens under trouble.
//!
//! `stage` is a node in a box, `act` what people do in it, `client` a device that knows only operations, `judge` the
//! guarantees as questions to what is stored and what was pushed. `random` mixes all of it under a seed.

#[cfg(test)]
mod runtime {
    pub(crate) mod act;
    pub(crate) mod client;
    pub(crate) mod judge;
    pub(crate) mod stage;

    mod bounds;
    mod commits;
    mod crashes;
    mod facts;
    mod panics;
    mod random;
    mod stalls;
    mod sweeps;
}
