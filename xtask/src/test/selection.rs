//! Which tests run.

use clap::{Args, ValueEnum};

/// Options of `cargo xtask test`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Only one kind of them
    #[arg(long)]
    pub(crate) only: Option<Kind>,
}

/// A kind of tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// All but the end-to-end tests; brings up no service
    Unit,
    /// End to end, over real sockets and real processes
    E2e,
    /// The crates whose tests talk to Kafka
    Kafka,
}

impl Selection {
    /// The packages, as arguments for cargo.
    pub(crate) const fn packages(&self) -> &'static [&'static str] {
        match self.only {
            None => &["--workspace"],
            Some(Kind::Unit) => &["--workspace", "--exclude", "denrei-tests"],
            Some(Kind::E2e) => &["-p", "denrei-tests"],
            Some(Kind::Kafka) => &["-p", "denrei-storage", "-p", "denrei-queue"],
        }
    }

    /// Whether the tests start the real binary.
    pub(crate) const fn wants_binaries(&self) -> bool {
        matches!(self.only, None | Some(Kind::E2e))
    }

    /// Whether the tests talk to services.
    pub(crate) const fn wants_services(&self) -> bool {
        !matches!(self.only, Some(Kind::Unit))
    }
}
