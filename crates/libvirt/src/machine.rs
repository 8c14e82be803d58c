//! Making a machine and removing it. Each can be done again and changes nothing then.

use crate::address::{mac, uuid};
use crate::boxes::{self, BoxVolumes};
use crate::domain::Definition;
use crate::labels::{Kind, Labels};
use crate::observe::read;
use crate::power::switch_off;
use crate::seed::{self, HostKey, Interface};
use crate::trouble::{Answer, Explain, optional};
use crate::{disks, fields, kvm, mounts, names, network, pool, ports, volumes};
use envup::event::Context;
use envup::model::digest::hex;
use envup::model::error::Attempt;
use envup::model::id::Identity;
use envup::model::{Error, Result};
use envup::provider::NewMachine;
use envup::state::{Directories, SshKey};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};
use virt::connect::Connect;
use virt::domain::Domain;

/// The name that QEMU's own network has beside the stack's.
const PORTS: &str = "(ports)";

/// A machine's domain, if there is one; fails when somebody else's has its name.
pub fn lookup(connection: &Connect, identity: &Identity, name: &str) -> Result<Option<(Domain, Labels)>> {
    let engine_name = identity.machine(name);
    let found = find(connection, &engine_name).explain(|| format!("cannot look for machine {name}"))?;
    let Some(found) = found else { return Ok(None) };
    match read(&found)?.filter(|(labels, _)| labels.is_of(identity)) {
        Some((labels, _)) => Ok(Some((found, labels))),
        None => Err(Error::failed(format!("libvirt has a machine {engine_name} that is not of this stack"))
            .hint("rename it or remove it with virsh, or use another `name` for the stack")),
    }
}

fn find(connection: &Connect, engine_name: &str) -> Answer<Option<Domain>> {
    optional(connection.lookup_domain_by_name(engine_name))
}

/// What a machine is made from that was one before.
pub struct From<'a> {
    /// The disk that its own is a copy of.
    pub disk: &'a str,
    /// The public half of the key that is on it.
    pub host_key: &'a str,
}

/// Makes a machine, not yet started. What a killed run left of it is made anew; once its domain is there, all of it is.
pub fn create(
    connection: &Connect,
    directories: &Directories,
    identity: &Identity,
    new: &NewMachine<'_>,
    from: Option<&From<'_>>,
    context: &Context,
) -> Result<()> {
    let machine = new.machine;
    let engine_name = identity.machine(&machine.name);
    if lookup(connection, identity, &machine.name)?.is_some() {
        return Ok(());
    }
    let kvm = kvm::chosen(machine.accel, &directories.cache)?;
    let mut labels = Labels::new(identity, new.environment, Kind::Machine, &machine.name);
    fields::notes(&mut labels, machine, new.image, &new.contents);
    labels.machine.instance = random()?;
    labels.machine.created = now();
    labels.machine.construction = new.construction.map(str::to_owned);
    let mut shape = fields::declared(identity, machine);
    for (network, mac_address) in &mut shape.networks {
        *mac_address = mac(&engine_name, network);
    }
    for port in &mut shape.ports {
        ports::pick(port)?;
    }
    let interfaces = interfaces(connection, identity, new, &engine_name)?;
    labels.machine.addresses =
        interfaces.iter().map(|one| (one.network.clone(), one.address.to_string())).collect();

    let pool = pool::open(connection)?;
    let of_box = BoxVolumes::of(new.image);
    let disk = match from {
        Some(from) => pool::copy(&pool, from.disk, &disks::disk(&engine_name))?,
        None => disks::make(connection, &pool, &engine_name, &labels.machine.instance, new)?,
    };
    let mut volumes = Vec::new();
    for name in fields::volumes_of(machine) {
        let declared = new.volumes.iter().find(|volume| volume.name == name);
        let missing = || Error::failed(format!("the volume {name} of {} is not declared", machine.name));
        let made = volumes::create(connection, identity, declared.copied().ok_or_else(missing)?, context)?;
        volumes.push(pool::path(&made)?);
    }
    let host_key = HostKey::make()?;
    // Where it was given one before it is not given another: see the initrd's mark.
    labels.machine.host_key = from.map_or(&*host_key.public, |from| from.host_key).to_owned();
    let login = SshKey::of(&directories.data.join("projects").join(&identity.id.0))?;
    let port_mac = mac(&engine_name, PORTS);
    let content = seed::initrd(
        &boxes::initrd(connection, &pool, &of_box)?,
        machine,
        &interfaces,
        &port_mac,
        &host_key,
        &login.public,
        &[new.files.clone(), mounts::files(identity, machine)].concat(),
    );
    let what = format!("preparing {}", machine.name);
    let initrd = pool::write(
        connection,
        &pool,
        &disks::initrd(&engine_name),
        &mut content.as_slice(),
        content.len() as u64,
        &what,
        context,
    )?;
    let kernel = pool::volume(&pool, &of_box.kernel())?
        .ok_or_else(|| Error::failed("the box's kernel is gone from libvirt's pool"))?;
    let definition = Definition {
        name: &engine_name,
        uuid: uuid("domain", &engine_name),
        labels: &labels,
        shape,
        kvm,
        files: [pool::path(&disk)?, pool::path(&kernel)?, pool::path(&initrd)?],
        volumes,
        port_mac,
    };
    connection
        .define_domain_xml(&definition.to_xml())
        .map(drop)
        .explain(|| format!("cannot make machine {}", machine.name))
}

/// The interfaces of a new machine, with the addresses and names that it has from now on.
fn interfaces(
    connection: &Connect,
    identity: &Identity,
    new: &NewMachine<'_>,
    engine_name: &str,
) -> Result<Vec<Interface>> {
    let taken = addresses(connection)?;
    let mut interfaces = Vec::new();
    for declared in &new.networks {
        if let Some(external) = &declared.external {
            return Err(Error::usage(format!(
                "{} is a VM, which cannot join the external network {external}",
                new.machine.name
            ))
            .hint("VMs join networks of their stack"));
        }
        let network = identity.network(&declared.name);
        let (subnet, leads_out) = network::facts(connection, &network)?;
        let taken = taken.get(&network).map_or(&[][..], Vec::as_slice);
        let address = names::claim(connection, identity, &declared.name, new.machine, false, taken)?;
        interfaces.push(Interface {
            network: declared.name.clone(),
            mac: mac(engine_name, &network),
            address,
            subnet,
            leads_out,
        });
    }
    Ok(interfaces)
}

/// Addresses that machines of ours have, by network.
fn addresses(connection: &Connect) -> Result<BTreeMap<String, Vec<Ipv4Addr>>> {
    let mut taken: BTreeMap<String, Vec<Ipv4Addr>> = BTreeMap::new();
    for found in connection.list_all_domains(0).explain(|| "cannot list libvirt's machines")? {
        let Some((labels, _)) = read(&found)? else { continue };
        let Some(identity) = labels.identity() else { continue };
        for (network, address) in &labels.machine.addresses {
            taken.entry(identity.network(network)).or_default().extend(address.parse::<Ipv4Addr>());
        }
    }
    Ok(taken)
}

/// Removes a machine, however it stands: its domain, its names, its disks, and what a killed run left of it.
pub fn remove(connection: &Connect, identity: &Identity, name: &str) -> Result<()> {
    let cannot = || format!("cannot remove machine {name}");
    let engine_name = identity.machine(name);
    let found = find(connection, &engine_name).explain(cannot)?;
    if let Some(found) = found {
        if !read(&found)?.is_some_and(|(labels, _)| labels.is_of(identity)) {
            // Somebody else's, and so are the disks of that name.
            return Ok(());
        }
        switch_off(&found).explain(cannot)?;
        undefine(connection, identity, &found, name)?;
    }
    // Also what a killed run left of one.
    names::dismiss(connection, identity, name)?;
    match pool::find(connection)? {
        Some(pool) => disks::remove(&pool, &engine_name),
        None => Ok(()),
    }
}

/// Takes a stopped machine out of libvirt, with its names; its files stay.
pub fn undefine(connection: &Connect, identity: &Identity, found: &Domain, name: &str) -> Result<()> {
    names::dismiss(connection, identity, name)?;
    optional(found.undefine()).map(drop).explain(|| format!("cannot remove machine {name}"))
}

fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).attempt(|| "cannot get random bytes")?;
    Ok(hex(&bytes))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
