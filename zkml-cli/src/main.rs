//! The `zkml` command.
fn main() {}
