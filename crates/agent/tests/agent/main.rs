//! Runs the agent as `env` does, with state directories of its own.

#![allow(clippy::unwrap_used)] // a helper that fails fails the test

mod cache;
mod disk;
mod files;
mod fingerprint;
mod ledger;
mod own;
mod packaged;
mod probe;
mod recalled;
mod search;
mod step;
mod support;
mod together;
