//! What /proc tells about processes. Everything here answers "nothing known" in a machine without /proc.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// One particular process: its number and when it began, since numbers are used again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: i32,
    began: Option<u64>,
}

impl Identity {
    pub fn of(pid: Pid) -> Identity {
        let pid = pid.as_raw_nonzero().get();
        Identity { pid, began: Stat::read(pid).map(|stat| stat.began) }
    }

    pub fn alive(&self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| !stat.dead && Some(stat.began) == self.began)
    }

    /// Signals exactly this process. In a machine without /proc the number alone has to do.
    pub fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
        match Pid::from_raw(self.pid) {
            Some(pid) if self.began.is_none() || self.alive() => kill_process(pid, signal),
            _ => Err(rustix::io::Errno::SRCH),
        }
    }
}

/// All living descendants of a process.
pub fn descendants(of: Pid) -> Vec<Pid> {
    let all = all();
    let mut family = vec![of.as_raw_nonzero().get()];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(all.iter().filter(|stat| stat.parent == parent).map(|stat| stat.pid));
        next += 1;
    }
    living(all.iter().filter(|stat| family[1..].contains(&stat.pid)))
}

/// All living processes of a session.
pub fn session(leader: i32) -> Vec<Pid> {
    living(all().iter().filter(|stat| stat.session == leader))
}

fn living<'a>(stats: impl Iterator<Item = &'a Stat>) -> Vec<Pid> {
    stats.filter(|stat| !stat.dead).filter_map(|stat| Pid::from_raw(stat.pid)).collect()
}

fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| Stat::read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

#[derive(Debug, PartialEq)]
struct Stat {
    pid: i32,
    parent: i32,
    session: i32,
    began: u64,
    dead: bool,
}

impl Stat {
    fn read(pid: i32) -> Option<Stat> {
        Stat::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The fields are counted after the name, which may hold spaces and parentheses itself.
    fn parse(pid: i32, text: &str) -> Option<Stat> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Stat {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            began: fields.get(19)?.parse().ok()?,
            dead: matches!(*fields.first()?, "Z" | "X"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        let text = "7 (a) S (b) S 1 7 6 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4242 0";
        let expected = Stat { pid: 7, parent: 1, session: 6, began: 4242, dead: false };
        assert_eq!(Stat::parse(7, text), Some(expected));
    }

    #[test]
    fn we_are_alive_and_our_parent_has_us() {
        let own = rustix::process::getpid();
        assert!(Identity::of(own).alive());
        assert!(!Identity { began: Some(1), ..Identity::of(own) }.alive());
        let parent = rustix::process::getppid().unwrap();
        assert!(descendants(parent).contains(&own));
    }
}
