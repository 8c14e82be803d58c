//! The agent: carries out one request inside a machine and answers in lines of JSON.
//!
//! It is linked statically and must work in a machine without shell, without /tmp and with a read-only root file system.
//! So it reads /etc/passwd itself instead of asking the C library, and keeps nothing in memory that a kill may not lose.

use std::process::ExitCode;

mod work;

fn main() -> ExitCode {
    work::main()
}
