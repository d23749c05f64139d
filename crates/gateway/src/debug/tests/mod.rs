//! The debug API over a runtime on a memory store.

mod access;
mod figures;
mod pages;
mod shards;
mod stage;
mod streams;
