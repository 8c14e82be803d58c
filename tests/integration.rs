//! The one integration binary.

mod system_env;
