//! The binary `env`.
fn main() {}
