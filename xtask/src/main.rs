//! The task runner of denrei: `cargo xtask verify|test|services|bench|tidy`.
//!
//! ```text
//! cli ──► verify ──► tidy        what clippy cannot hold
//!           │   └──► test ──► services    what the tests want to talk to
//!           └──► fmt, clippy, docs, deny  by cargo
//! cli ──► bench                  a name, and the command that measures it
//! ```

mod bench;
mod child;
mod cli;
mod services;
mod surroundings;
mod test;
mod tidy;
mod verify;
mod workspace;

fn main() -> std::process::ExitCode {
    cli::main()
}
