//! The agent: carries out one request inside a machine.
fn main() {}
