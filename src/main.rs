//! The first instructions of `env`: ours, or the system's?
//!
//! This is C's `main`, not Rust's. Rust's runtime ignores SIGPIPE and reopens closed standard descriptors before its `main` runs, and
//! the system's `env` would inherit both: `env >&-` would report success, and `trap '' PIPE` would be lost.
#![no_main]

use envup::passthrough::CommandLine;
use envup::provider::Make;
use std::ffi::{c_char, c_int};
use std::io::{self, Write};
use std::{panic, process};

/// The providers that need nothing but this program.
static PROVIDERS: &[Make] = &[envup::provider::docker::make];

/// What a Rust program exits with when its main thread panics.
const PANICKED: u8 = 101;

/// Called by the C start-up code.
///
/// # Safety
/// `argv` must hold `argc` C strings and then a null pointer, as C promises.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: handed on as promised, and nothing here changes them.
    let command_line = unsafe { CommandLine::new(argc, argv) };
    if !command_line.is_ours() {
        return command_line.become_system_env().into();
    }
    make_up_for_the_runtime();
    take_memory_in_large_pieces();
    // Nothing may unwind into C.
    let code = panic::catch_unwind(|| envup::run(command_line.to_args(), PROVIDERS)).unwrap_or(PANICKED);
    // The runtime would do this too; a line that is not finished is still in the buffer.
    let _ = io::stdout().flush();
    code.into()
}

/// Does for our own verbs what Rust's runtime would have done before `main`.
#[allow(unsafe_code)]
fn make_up_for_the_runtime() {
    // SAFETY: one thread, no handler of ours, constants only. A closed standard descriptor is filled, lest the next file or socket
    // that is opened becomes somebody's stdout: open takes the lowest free number, and all below are taken.
    // SIGPIPE is ignored so that a reader that goes away is an error to handle and not our death between two engine calls; children
    // started by `Command` get the default again.
    unsafe {
        for descriptor in 0..=2 {
            if libc::fcntl(descriptor, libc::F_GETFD) == -1
                && libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) == -1
            {
                process::abort();
            }
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}

/// Has all threads take their memory from one store, which grows by some megabytes at a time. The C library's own way, a store for each
/// thread, asks the kernel for every further page of it: most of the time that a verb with a fingerprint to read needs for itself.
#[allow(unsafe_code)]
fn take_memory_in_large_pieces() {
    // SAFETY: takes plain numbers; there is one thread yet.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TOP_PAD, 4 << 20);
    }
}
