//! How things look: the one printer, progress, views for people, documents for programs, exit codes.
//!
//! Nothing here decides or does anything; views are pure functions from data to text.

mod activity;
pub mod ask;
pub mod board;
pub mod error;
pub mod exit;
pub mod human;
pub mod json;
pub mod paint;
mod plain;
pub mod printer;
pub mod progress;
pub mod screen;
