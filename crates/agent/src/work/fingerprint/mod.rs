//! Takes the fingerprint: each section by a collector of its own, beside each other, then one canonical answer.
//!
//! Reads only, and never asks the C library for names: everything comes from files. A collector that cannot read something
//! says so instead of leaving it out. The host's part, comparing, is not done here.

mod certificates;
mod der;
mod environment;
mod explained;
mod groups;
mod limits;
mod links;
mod locale;
mod mounts;
mod os;
mod owners;
mod packages;
mod ports;
mod resolution;
mod schedules;
mod secret;
mod send;
mod services;
mod sysctls;
mod systemd;
#[cfg(test)]
mod tree;
mod unit_file;
mod users;
mod view;

use std::io::Read;

use envup_agent::{Fingerprint, FingerprintRequest, Reply, Section};

use self::owners::Owners;
use self::view::{Found, View};
use super::answers::Answers;
use super::failure::Failure;
use super::record;

/// What finds the items of one section.
type Collector = fn(&View<'_>, &mut Found);

/// The collectors.
const COLLECTORS: &[(Section, Collector)] = &[
    (Section::Os, os::collect),
    (Section::Users, users::collect),
    (Section::Groups, groups::collect),
    (Section::Services, services::collect),
    (Section::Ports, ports::collect),
    (Section::Environment, environment::collect),
    (Section::Locale, locale::collect),
    (Section::Sysctls, sysctls::collect),
    (Section::Limits, limits::collect),
    (Section::Certificates, certificates::collect),
    (Section::Mounts, mounts::collect),
    (Section::Schedules, schedules::collect),
    (Section::Resolution, resolution::collect),
];

/// Takes the fingerprint and sends it; the cache of the last time is read from `input`.
pub fn take(
    state_dir: Option<&str>,
    request: &FingerprintRequest,
    input: &mut dyn Read,
    answers: &mut Answers,
) -> Result<Reply, Failure> {
    let mut cache = vec![0; request.cache_bytes];
    input.read_exact(&mut cache).map_err(|error| Failure::io("cannot read the cache of files", error))?;
    let owners = Owners::read(&request.root);
    let view = View::new(request, &owners)?;
    let mut fingerprint =
        Fingerprint { level: request.level, key_id: view.key_id(), ..Fingerprint::default() };
    let mut packages = Found::default();
    packages::collect(&view, &mut packages);
    packages.hand_in(Section::Packages, &mut fingerprint);
    for (section, collect) in COLLECTORS {
        let mut found = Found::default();
        collect(&view, &mut found);
        found.hand_in(*section, &mut fingerprint);
    }
    fingerprint.unread.sort();
    let ledger = record::read(state_dir)?;
    send::send(&fingerprint, None, ledger, answers)
}
