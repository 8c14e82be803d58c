//! Notices that the caller is gone. Engines do not tell a command whose caller was killed, but they end its input.

use std::io;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};

use super::sys;

/// Ends the agent at the end of its standard input, of which nothing is left to read: for work that changes nothing and may
/// take long.
pub fn end_with_it() {
    let wait = || {
        let input = io::stdin();
        if poll(&mut [PollFd::new(&input, PollFlags::IN)], None).is_ok() {
            sys::exit_now();
        }
    };
    // Where there is no room for another thread the work goes on unwatched.
    let _ = thread::Builder::new().spawn(wait);
}
