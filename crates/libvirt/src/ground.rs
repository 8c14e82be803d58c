//! Networks of ours that machines of other providers join: the bridge is on this host, and whoever puts a machine on it with an address
//! that we gave is in.

use crate::provider::{LibvirtProvider, NAME};
use crate::{address, names, network};
use envup::model::Result;
use envup::model::id::Identity;
use envup::model::machine::Machine;
use envup::provider::{Ground, Grounds, Place};

impl Grounds for LibvirtProvider {
    fn ground(&self, identity: &Identity, network: &str) -> Result<Ground> {
        let engine_name = identity.network(network);
        let (subnet, _) = network::facts(&self.connection()?, &engine_name)?;
        Ok(Ground {
            provider: NAME,
            bridge: address::bridge(&engine_name),
            subnet: subnet.to_string(),
            host: subnet.host(),
            guests: subnet.guests().to_string(),
        })
    }

    fn admit(&self, identity: &Identity, network: &str, machine: &Machine) -> Result<Place> {
        let connection = self.connection()?;
        let (subnet, _) = network::facts(&connection, &identity.network(network))?;
        let address = names::claim(&connection, identity, network, machine, true, &[])?;
        Ok(Place { address, name_server: subnet.host() })
    }

    fn dismiss(&self, identity: &Identity, machine: &str) -> Result<()> {
        names::dismiss(&self.connection()?, identity, machine)
    }
}
