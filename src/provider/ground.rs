//! Networks that machines of several providers join. One provider makes the network and is its ground: it says where the network
//! lies, the others build on that. So no provider knows another one; what they have to agree on travels as data.

use crate::model::Result;
use crate::model::id::Identity;
use crate::model::machine::Machine;
use std::net::Ipv4Addr;

/// Where a network lies that machines of several providers join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The provider that made it.
    pub provider: &'static str,
    /// Its bridge on this host.
    pub bridge: String,
    /// All its addresses: `10.5.0.0/24`.
    pub subnet: String,
    /// This host's own address in it.
    pub host: Ipv4Addr,
    /// The part of its addresses that machines of other providers get: `10.5.0.128/25`.
    pub guests: String,
}

/// The place of a machine in a network that another provider made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its address.
    pub address: Ipv4Addr,
    /// Who answers there for the names of the machines that are not of the machine's own provider.
    pub name_server: Ipv4Addr,
}

/// A provider whose networks machines of other providers can join.
pub trait Grounds: Send + Sync {
    /// Where a network of the stack lies.
    fn ground(&self, identity: &Identity, network: &str) -> Result<Ground>;

    /// Gives a machine of another provider a place in a network, the same each time, and has the network answer for its names.
    fn admit(&self, identity: &Identity, network: &str, machine: &Machine) -> Result<Place>;

    /// Forgets a machine of another provider in all networks of the stack.
    fn dismiss(&self, identity: &Identity, machine: &str) -> Result<()>;
}
