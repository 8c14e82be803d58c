//! The one integration binary.

#![allow(clippy::unwrap_used)] // in a test's helpers a panic is the right answer

mod architecture;
mod docker_provider;
mod system_env;
