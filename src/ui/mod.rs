//! How things look: the one printer, progress, views for people, documents for programs, exit codes.
//!
//! Nothing here decides or does anything; views are pure functions from data to text.

pub mod ask;
pub mod error;
pub mod exit;
pub mod paint;
pub mod printer;
pub mod screen;
