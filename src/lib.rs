//! envup
