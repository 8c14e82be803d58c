//! Plain data that every room speaks: what the Envfile asks for, what exists, what differs.
//!
//! Nothing here reads a file, talks to an engine or prints.

pub mod access;
pub mod action;
pub mod capabilities;
pub mod digest;
pub mod drift;
pub mod duration;
pub mod error;
pub mod fields;
pub mod id;
pub mod layer;
pub mod machine;
pub mod observed;
pub mod ready;
pub mod size;
pub mod snapshot;
pub mod stack;
pub mod status;
pub mod step;

pub use error::{Error, Kind, Result};
