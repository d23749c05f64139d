//! What clippy cannot hold. A rule is a function from the tree to its findings, in a file of its own.
//!
//! ```text
//! files, manifests ──► Tree ──► RULES ──► findings − exceptions of xtask/tidy.toml ──► verdict
//! ```

mod ambient;
mod backends;
mod budget;
mod circles;
mod code;
mod directions;
mod exceptions;
mod gate;
mod headers;
mod hosts;
mod leftovers;
mod names;
mod pages;
mod records;
mod tree;

pub(crate) use gate::run;
