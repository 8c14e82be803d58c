//! The few system calls that have no safe wrapper.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::time::Duration;

use rustix::process::Pid;

/// Splits the process in two: the child gets `None`, the parent the child's id.
///
/// Only for a process with one thread; the agent has no other one while it runs a step.
#[allow(unsafe_code)]
pub fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: there is no other thread, so no lock can be left held in the child.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        id => Ok(Pid::from_raw(id)),
    }
}

/// A socket to a part of the kernel. Not connected: what is written goes to the kernel, what is read comes from it.
#[allow(unsafe_code)]
pub fn netlink(protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes plain numbers; a descriptor that comes back is new and nobody else's.
    unsafe {
        match libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) {
            -1 => Err(io::Error::last_os_error()),
            socket => Ok(OwnedFd::from_raw_fd(socket)),
        }
    }
}

/// Whether some bytes hold others. The C library's search is many times faster than a plain loop.
#[allow(unsafe_code)]
pub fn contains(bytes: &[u8], value: &[u8]) -> bool {
    // SAFETY: both pointers are good for the lengths that are passed with them, and are only read.
    let found =
        unsafe { libc::memmem(bytes.as_ptr().cast(), bytes.len(), value.as_ptr().cast(), value.len()) };
    !found.is_null()
}

/// Ends this process at once, without running what the parent registered for its own end.
#[allow(unsafe_code)]
pub fn exit_now() -> ! {
    // SAFETY: always sound; nothing of this process is used afterwards.
    unsafe { libc::_exit(0) }
}

/// Takes on another identity for good. Safe to call between fork and exec.
#[allow(unsafe_code)]
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    let done = |result: libc::c_int| if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: `groups` outlives the call and its length is the one that is passed; the others take plain numbers.
    unsafe {
        done(libc::setgroups(groups.len(), groups.as_ptr()))?;
        done(libc::setgid(gid))?;
        done(libc::setuid(uid))
    }
}

/// While it lives, this thread opens files as another user does; dropped, as it did before.
///
/// Root of a container has no power over processes of other users: the kernel shows their environment and their open files
/// to themselves alone.
pub struct FilesAs {
    user: libc::c_int,
    group: libc::c_int,
}

impl FilesAs {
    /// Changes nothing where that is not allowed; what is opened then fails as it did before.
    #[allow(unsafe_code)]
    pub fn new(user: libc::uid_t, group: libc::gid_t) -> FilesAs {
        // SAFETY: takes plain numbers. The kernel keeps both for each thread, and both C libraries call it directly.
        unsafe { FilesAs { group: libc::setfsgid(group), user: libc::setfsuid(user) } }
    }
}

impl Drop for FilesAs {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: as above; what comes back is what the kernel gave, by the same conversion.
        unsafe {
            libc::setfsuid(self.user.cast_unsigned());
            libc::setfsgid(self.group.cast_unsigned());
        }
    }
}

/// Takes back what a caller or a supervisor blocked or ignored, so that a program begins as if started by a fresh login.
/// Safe to call between fork and exec.
#[allow(unsafe_code)]
pub fn reset_signals() {
    // SAFETY: sigemptyset initialises the set before it is used; the default action needs no handler.
    unsafe {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGPIPE, libc::SIGCHLD]
        {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// A set of signals that are no longer delivered, but waited for.
pub struct Signals(libc::sigset_t);

impl Signals {
    /// Blocks these signals in this process.
    #[allow(unsafe_code)]
    pub fn block(signals: &[i32]) -> Signals {
        // SAFETY: sigemptyset initialises the set before it is used; all pointers are to locals.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            for signal in signals {
                libc::sigaddset(&mut set, *signal);
            }
            libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            Signals(set)
        }
    }

    /// Waits until one of them comes; `None` if none came in time.
    #[allow(unsafe_code)]
    pub fn wait(&self, timeout: Duration) -> Option<i32> {
        let timeout = libc::timespec {
            tv_sec: timeout.as_secs() as libc::time_t,
            tv_nsec: timeout.subsec_nanos() as libc::c_long,
        };
        // SAFETY: both pointers are valid for the call, and the kernel needs no room to tell details.
        let signal = unsafe { libc::sigtimedwait(&self.0, std::ptr::null_mut(), &timeout) };
        (signal > 0).then_some(signal)
    }
}
