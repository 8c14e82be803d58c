//! What exists: the domains and networks that are ours.

use crate::domain::{self, Shape};
use crate::fields::fields;
use crate::labels::Labels;
use crate::network;
use crate::trouble::{Explain, is_missing};
use crate::volumes;
use envup::model::observed::{Observed, ObservedMachine, Owner, PublishedPort, State};
use envup::model::{Error, Kind, Result};
use envup::provider::Scope;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

/// What exists in a scope.
pub fn observe(connection: &Connect, scope: Scope<'_>) -> Result<Observed> {
    let is_wanted = |owner: &Owner| match scope {
        Scope::Host => true,
        Scope::Directory(directory) => owner.directory == directory,
        Scope::Stack(identity) => owner.id == identity.id && owner.name == identity.name,
    };
    let mut machines = Vec::new();
    for found in connection.list_all_domains(0).explain(|| "cannot list libvirt's machines")? {
        if let Some(machine) = look(&found)?
            && is_wanted(&machine.owner)
        {
            machines.push(machine);
        }
    }
    machines.sort_by(|a, b| (&a.owner, &a.name).cmp(&(&b.owner, &b.name)));
    let mut networks = network::observe(connection)?;
    networks.retain(|network| is_wanted(&network.owner));
    networks.sort_by(|a, b| (&a.owner, &a.name).cmp(&(&b.owner, &b.name)));
    let mut volumes = volumes::observe(connection)?;
    volumes.retain(|volume| is_wanted(&volume.owner));
    volumes.sort_by(|a, b| (&a.owner, &a.name).cmp(&(&b.owner, &b.name)));
    Ok(Observed { machines, networks, volumes })
}

/// Labels and shape of a domain; `None` when it is not ours or went away meanwhile.
pub fn read(found: &Domain) -> Result<Option<(Labels, Shape)>> {
    let name = match found.name() {
        Err(error) if is_missing(&error) => return Ok(None),
        name => name.explain(|| "cannot tell a machine's name")?,
    };
    match found.xml_desc(0) {
        Err(error) if is_missing(&error) => Ok(None),
        xml => Ok(domain::read(&xml.explain(|| format!("cannot look at the machine {name}"))?, &name)),
    }
}

fn look(found: &Domain) -> Result<Option<ObservedMachine>> {
    let Some((labels, shape)) = read(found)? else { return Ok(None) };
    let state = state(found);
    let running = state == State::Running;
    let address = labels.machine.addresses.values().next().cloned();
    let ports = shape.ports.iter().filter(|_| running).filter_map(|port| {
        Some(PublishedPort {
            guest: format!("{}/{}", port.guest, port.protocol),
            host: port.host?,
            host_ip: port.host_ip.clone(),
        })
    });
    Ok(Some(ObservedMachine {
        name: labels.name.clone(),
        owner: labels.owner(),
        provider: crate::provider::NAME.to_owned(),
        engine_id: labels.machine.instance.clone(),
        engine_name: found.name().unwrap_or_default(),
        created: Some(labels.machine.created),
        state,
        exit_code: None,
        started: found.id().map(|id| id.to_string()),
        is_box: true,
        source: labels.machine.source.clone(),
        construction: labels.machine.construction.clone(),
        fields: fields(&labels, &shape),
        direct: address.as_ref().filter(|_| running).and_then(|address| address.parse().ok()),
        address: address.filter(|_| running),
        ports: ports.collect(),
    }))
}

/// What a domain does now.
pub fn state(found: &Domain) -> State {
    let (state, reason) = raw_state(found);
    match state {
        sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED | sys::VIR_DOMAIN_SHUTDOWN => State::Running,
        sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED => State::Paused,
        sys::VIR_DOMAIN_CRASHED => State::Failed,
        sys::VIR_DOMAIN_SHUTOFF if has_crashed(reason) => State::Failed,
        _ => State::Stopped,
    }
}

/// Whether QEMU itself ended, without anybody's asking.
pub fn is_crashed(found: &Domain) -> bool {
    let (state, reason) = raw_state(found);
    state == sys::VIR_DOMAIN_CRASHED || state == sys::VIR_DOMAIN_SHUTOFF && has_crashed(reason)
}

/// Fails when a machine cannot answer as it is now, and says why. While libvirt itself does not answer nobody knows: its daemon
/// keeps all machines when it is started anew.
pub fn can_answer(connection: &Connect, engine_name: &str, name: &str) -> Result<()> {
    let no = |what: &str| Error::new(Kind::Incomplete, format!("{name} {what}"));
    let found = match connection.lookup_domain_by_name(engine_name) {
        Ok(found) => found,
        Err(error) if is_missing(&error) => return Err(no("does not exist").hint("`env up` makes it")),
        Err(_) => return Ok(()),
    };
    match raw_state(&found) {
        (sys::VIR_DOMAIN_NOSTATE | sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED, _) => Ok(()),
        (sys::VIR_DOMAIN_PAUSED, reason) if is_for_room(reason) => {
            Err(no("is paused, because this host could not write its disk")
                .hint("make room where libvirt keeps its disks (`virsh pool-info envup`); then `env up` lets it go on where it was"))
        }
        (sys::VIR_DOMAIN_PAUSED, _) => Err(no("is paused").hint("`env up` lets it go on where it was")),
        _ if is_crashed(&found) => Err(no("does not run: QEMU ended without being asked to")
            .hint("`env up` starts it")
            .hint(format!("`sudo tail /var/log/libvirt/qemu/{engine_name}.log` shows what QEMU said"))),
        _ => Err(no("does not run").hint("`env up` starts it")),
    }
}

/// Whether a machine stands still because this host could not write its disk.
pub fn lacks_room(found: &Domain) -> bool {
    let (state, reason) = raw_state(found);
    state == sys::VIR_DOMAIN_PAUSED && is_for_room(reason)
}

/// For a moment libvirt knows only that it stopped.
fn is_for_room(reason: i32) -> bool {
    [sys::VIR_DOMAIN_PAUSED_IOERROR, sys::VIR_DOMAIN_PAUSED_UNKNOWN]
        .iter()
        .any(|known| *known as i32 == reason)
}

fn has_crashed(reason: i32) -> bool {
    [sys::VIR_DOMAIN_SHUTOFF_CRASHED, sys::VIR_DOMAIN_SHUTOFF_FAILED]
        .iter()
        .any(|known| *known as i32 == reason)
}

/// State and reason as libvirt numbers them; the wrapper has a type for each state's reasons.
#[allow(unsafe_code)]
fn raw_state(found: &Domain) -> (sys::virDomainState, i32) {
    let (mut state, mut reason) = (0, 0);
    // SAFETY: the domain is alive as long as `found` is, and the two numbers are ours.
    let answer = unsafe { sys::virDomainGetState(found.as_ptr(), &raw mut state, &raw mut reason, 0) };
    if answer < 0 { (sys::VIR_DOMAIN_NOSTATE, 0) } else { (state as sys::virDomainState, reason) }
}

/// The boxes that machines of ours were made from, by their names in an engine.
pub fn images(connection: &Connect) -> Result<std::collections::BTreeSet<String>> {
    let mut images = std::collections::BTreeSet::new();
    for found in connection.list_all_domains(0).explain(|| "cannot list libvirt's machines")? {
        images.extend(read(&found)?.map(|(labels, _)| labels.machine.image));
    }
    Ok(images)
}
