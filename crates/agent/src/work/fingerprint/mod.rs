//! Takes the fingerprint: each section by a collector of its own, beside each other, then one canonical answer.
//!
//! Reads only, and never asks the C library for names: everything comes from files. A collector that cannot read something
//! says so instead of leaving it out. The host's part, comparing, is not done here.

mod certificates;
mod der;
mod environment;
mod explained;
mod files;
mod groups;
mod hash;
mod libraries;
mod limits;
mod links;
mod locale;
mod mounts;
mod os;
mod owners;
mod packages;
mod ports;
mod process;
mod read_at;
mod resolution;
mod runtimes;
mod schedules;
mod send;
mod services;
mod sysctls;
mod systemd;
#[cfg(test)]
mod tree;
mod unit_file;
mod users;
mod view;
mod whole;

use std::io::Read;
use std::mem::ManuallyDrop;
use std::thread::ScopedJoinHandle;

use envup_agent::{Fingerprint, FingerprintRequest, Level, Reply, Section};

use self::view::{Found, View};
use super::answers::Answers;
use super::failure::Failure;
use super::memory;
use super::record;

/// What finds the items of one section.
type Collector = fn(&View<'_>, &mut Found);

/// The collectors; first those that do not ask which package a file came with, because that takes a while to find out.
const COLLECTORS: &[(Section, Collector)] = &[
    (Section::Certificates, certificates::collect),
    (Section::Users, users::collect),
    (Section::Groups, groups::collect),
    (Section::Ports, ports::collect),
    (Section::Environment, environment::collect),
    (Section::Locale, locale::collect),
    (Section::Sysctls, sysctls::collect),
    (Section::Limits, limits::collect),
    (Section::Mounts, mounts::collect),
    (Section::Resolution, resolution::collect),
    (Section::Os, os::collect),
    (Section::Runtimes, runtimes::collect),
    (Section::Libraries, libraries::collect),
    (Section::Services, services::collect),
    (Section::Schedules, schedules::collect),
];

/// Takes the fingerprint and sends it; the cache of the last time is read from `input`, and then `is_read` is told.
pub fn take(
    state_dir: Option<&str>,
    request: &FingerprintRequest,
    input: &mut dyn Read,
    is_read: &dyn Fn(),
    answers: &mut Answers,
) -> Result<Reply, Failure> {
    // The process is about to end: to give back, one by one, all that was found would only keep the caller waiting.
    memory::keep_all();
    let view = ManuallyDrop::new(View::new(request)?);
    let mut fingerprint = ManuallyDrop::new(Fingerprint {
        level: request.level,
        key_id: view.key_id(),
        ..Fingerprint::default()
    });
    let (files, sections) = std::thread::scope(|scope| {
        scope.spawn(|| view.owners());
        let sections = scope.spawn(|| sections(&view));
        let files = read_cache(request.cache_bytes, input).map(|cache| {
            is_read();
            (request.level != Level::Facts).then(|| files::collect(&view, request.level, &cache))
        });
        (files, joined(sections))
    });
    let files = files?.transpose()?;
    let mut packages = Found::default();
    packages::collect(&view, files.as_ref().map(|files| &files.digests), &mut packages);
    packages.hand_in(Section::Packages, &mut fingerprint);
    for (section, found) in sections {
        found.hand_in(section, &mut fingerprint);
    }
    let kept = files.and_then(|files| {
        files.found.hand_in(Section::Files, &mut fingerprint);
        files.cache
    });
    fingerprint.unread.sort();
    let ledger = record::read(state_dir)?;
    send::send(&fingerprint, kept.as_deref(), ledger, answers)
}

/// All sections but files and packages.
fn sections(view: &View<'_>) -> Vec<(Section, Found)> {
    let sections = COLLECTORS.iter().map(|(section, collect)| {
        let mut found = Found::default();
        collect(view, &mut found);
        (*section, found)
    });
    sections.collect()
}

/// The cache that follows the request. What was not sent takes no memory, whatever length is claimed.
fn read_cache(length: usize, input: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let mut cache = Vec::new();
    let read = input.take(length as u64).read_to_end(&mut cache);
    let read = read.map_err(|error| Failure::io("cannot read the cache of files", error))?;
    match read == length {
        true => Ok(cache),
        false => Err(Failure::new(format!("the cache of files ends after {read} of {length} bytes"))),
    }
}

/// What a thread brought; its panic goes on in this one.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
