//! Changing a machine that stays what it is: its ports at once, its size while it is off.

use crate::domain::Shape;
use crate::trouble::Explain;
use crate::{edit, fields, machine, ports};
use envup::model::id::Identity;
use envup::model::machine::Machine;
use envup::model::{Error, Result};
use virt::connect::Connect;
use virt::sys;

/// Gives a machine what is declared for these fields.
pub fn update(connection: &Connect, identity: &Identity, machine: &Machine, fields: &[&str]) -> Result<()> {
    if fields.iter().any(|field| field.starts_with("port.")) {
        ports::update(connection, identity, machine)?;
    }
    if fields.iter().any(|field| ["memory", "cpus"].contains(field)) {
        resize(connection, identity, &machine.name, &fields::declared(identity, machine))?;
    }
    Ok(())
}

/// From its next start on it has the memory and the processors of this shape.
fn resize(connection: &Connect, identity: &Identity, name: &str, shape: &Shape) -> Result<()> {
    let cannot = || format!("cannot change the size of machine {name}");
    let Some((found, _)) = machine::lookup(connection, identity, name)? else {
        return Err(Error::failed(cannot()).hint("it does not exist: `env up` makes it"));
    };
    let is = found.xml_desc(sys::VIR_DOMAIN_XML_INACTIVE).explain(cannot)?;
    let changed = edit::with_size(&is, shape)
        .ok_or_else(|| Error::failed(cannot()).hint("`env rebuild` makes it anew, of any size"))?;
    connection.define_domain_xml(&changed).map(drop).explain(cannot)
}
