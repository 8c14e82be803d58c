//! The one integration binary.

#![allow(clippy::unwrap_used)] // in a test's helpers a panic is the right answer

mod architecture;
mod cli;
mod docker;
mod docker_provider;
mod drift;
mod engine;
mod engine_calls;
mod examples;
mod fuzz;
mod golden;
mod plan;
mod shared;
mod snapshots;
mod ssh;
mod support;
mod system_env;
