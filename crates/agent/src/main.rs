//! The static agent.
fn main() {}
