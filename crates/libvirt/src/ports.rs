//! Published ports of a VM, and changing them while it runs: QEMU is told at once, and libvirt for the next start. They are QEMU's own
//! business: there exactly as long as the VM runs, also while libvirt is away, and they need no process and no rule besides.

use crate::domain::{FORWARDS, host_side, rule};
use crate::edit::with_ports;
use crate::labels::{Labels, NAMESPACE, PREFIX};
use crate::observe::{read, state};
use crate::trouble::Explain;
use crate::{fields, machine};
use envup::model::error::Attempt;
use envup::model::id::Identity;
use envup::model::machine::{Machine, Port};
use envup::model::{Error, Result};
use std::net::TcpListener;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

/// A port that is free now, where none was named.
pub fn pick(port: &mut Port) -> Result<()> {
    if port.host.is_none() {
        let listener = TcpListener::bind((port.host_ip.as_str(), 0))
            .attempt(|| format!("no port of {} is free", port.host_ip))?;
        port.host = Some(listener.local_addr().attempt(|| "cannot tell a port")?.port());
    }
    Ok(())
}

/// Publishes what is declared and nothing else. When one cannot be published, all is as before.
pub fn update(connection: &Connect, identity: &Identity, machine: &Machine) -> Result<()> {
    let name = &machine.name;
    let cannot = || format!("cannot change the ports of machine {name}");
    let Some((found, _)) = machine::lookup(connection, identity, name)? else {
        return Err(Error::failed(cannot()).hint("it does not exist: `env up` makes it"));
    };
    let Some((mut labels, shape)) = read(&found)? else { return Ok(()) };
    let wanted = wanted(&machine.ports, &shape.ports)?;
    let is_running = state(&found).is_on();
    if is_running {
        change(&found, &shape.ports, &wanted).map_err(|error| error.context(cannot()))?;
    }
    fields::ask_ports(&mut labels, machine);
    labels.machine.published = Some(wanted.iter().map(rule).collect());
    let for_next_start = found.xml_desc(sys::VIR_DOMAIN_XML_INACTIVE).explain(cannot)?;
    let changed = with_ports(&for_next_start, &labels, &wanted).ok_or_else(|| {
        Error::failed(cannot()).hint("it was made by an older version: `env rebuild` makes it anew")
    })?;
    connection.define_domain_xml(&changed).map(drop).explain(cannot)?;
    if is_running { note(&found, &labels).explain(cannot) } else { Ok(()) }
}

/// The ports to publish: where any will do, the one that is there stays.
fn wanted(declared: &[Port], published: &[Port]) -> Result<Vec<Port>> {
    let mut wanted = declared.to_vec();
    for place in 0..wanted.len() {
        let is_same = |other: &&Port| {
            let port = &wanted[place];
            (other.guest, &other.protocol, &other.host_ip) == (port.guest, &port.protocol, &port.host_ip)
        };
        let is_free = |other: &&Port| !wanted.iter().any(|one| one.host == other.host);
        if wanted[place].host.is_none()
            && let Some(there) = published.iter().find(|other| is_same(other) && is_free(other))
        {
            wanted[place].host = there.host;
        }
        pick(&mut wanted[place])?;
    }
    Ok(wanted)
}

/// Has QEMU listen where it should and nowhere else.
fn change(found: &Domain, published: &[Port], wanted: &[Port]) -> Result<()> {
    let gone: Vec<&Port> = published.iter().filter(|port| !wanted.contains(port)).collect();
    let new: Vec<&Port> = wanted.iter().filter(|port| !published.contains(port)).collect();
    gone.iter().try_for_each(|port| unpublish(found, port))?;
    for (place, port) in new.iter().enumerate() {
        if let Err(error) = publish(found, port) {
            for done in &new[..place] {
                unpublish(found, done)?;
            }
            gone.iter().try_for_each(|port| publish(found, port))?;
            return Err(error);
        }
    }
    Ok(())
}

fn publish(found: &Domain, port: &Port) -> Result<()> {
    // A run that was killed may have published it before it could be noted.
    unpublish(found, port)?;
    let said = ask(found, &format!("hostfwd_add {FORWARDS} {}", rule(port)))?;
    if said.trim().is_empty() {
        return Ok(());
    }
    let mut error = Error::failed(format!("port {} cannot be published", port.host_side()));
    error.causes.push(said.trim().to_owned());
    Err(error.hint("`ss -ltnp` shows who has it; \"auto:80\" in `ports` picks a free one"))
}

/// What is not published is no error.
fn unpublish(found: &Domain, port: &Port) -> Result<()> {
    ask(found, &format!("hostfwd_remove {FORWARDS} {}", host_side(port))).map(drop)
}

/// Asks QEMU itself, which answers nothing when it did what was asked for.
fn ask(found: &Domain, command: &str) -> Result<String> {
    found
        .qemu_monitor_command(command, sys::VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)
        .explain(|| format!("QEMU was asked to {command}"))
}

/// Notes labels with a machine that runs.
fn note(found: &Domain, labels: &Labels) -> crate::trouble::Answer<()> {
    let kind = sys::VIR_DOMAIN_METADATA_ELEMENT as i32;
    let flags = sys::VIR_DOMAIN_AFFECT_LIVE;
    found.set_metadata(kind, Some(&labels.to_plain_xml()), Some(PREFIX), Some(NAMESPACE), flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_any_port_will_do_the_one_that_is_there_stays() {
        let port = |guest, host| Port { guest, host, host_ip: "127.0.0.1".into(), protocol: "tcp".into() };
        let published = [port(80, Some(40080)), port(443, Some(40443))];
        let hosts = |declared: &[Port]| {
            wanted(declared, &published).unwrap().iter().map(|port| port.host.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(hosts(&[port(80, None), port(443, Some(8443))]), [40080, 8443]);
        let two = hosts(&[port(80, None), port(80, None)]);
        assert!(two[0] == 40080 && two[1] != 40080, "{two:?}");
    }
}
