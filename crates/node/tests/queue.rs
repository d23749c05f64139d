//! The queue's job in a real node: what is old is swept, and what goes wrong can be put right from the command line.
//!
//! `node` is the binary in a process of its own, `plant` what earlier days have left in its store and log.

#[cfg(test)]
#[path = "queue"]
mod queue {
    pub(crate) mod node;
    pub(crate) mod plant;

    mod letters;
    mod sweeping;
}
