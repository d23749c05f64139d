//! The task runner of denrei: `cargo xtask verify|test|services|bench|tidy`.
//!
//! ```text
//! cli ──► verify ──► tidy        what clippy cannot hold
//!           │   └──► test ──► services    what the tests want to talk to
//!           └──► fmt, clippy, docs, deny  by cargo
//! cli ──► bench ──► decaton      a name, and the command that measures it; what stands beside the queue
//! ```

mod bench;
mod child;
mod cli;
mod decaton;
mod services;
mod surroundings;
mod test;
mod tidy;
mod verify;
mod workspace;

fn main() -> std::process::ExitCode {
    cli::main()
}
