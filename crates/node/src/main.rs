//! The `denrei` binary.
fn main() {}
