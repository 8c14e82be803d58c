//! Networks of a fake engine that machines of others join.

use super::FakeProvider;
use crate::model::id::Identity;
use crate::model::machine::Machine;
use crate::model::{Error, Result};
use crate::provider::{Ground, Grounds, Place};
use std::net::Ipv4Addr;

/// The host's own address in all networks.
const HOST: Ipv4Addr = Ipv4Addr::new(10, 5, 0, 1);

impl Grounds for FakeProvider {
    fn ground(&self, _: &Identity, network: &str) -> Result<Ground> {
        let world = self.world();
        if !world.observed.networks.iter().any(|known| known.name == network) {
            return Err(Error::failed(format!("no such network: {network}")));
        }
        Ok(Ground {
            provider: world.provider,
            bridge: format!("fake-{network}"),
            subnet: "10.5.0.0/24".to_owned(),
            host: HOST,
            guests: "10.5.0.128/25".to_owned(),
        })
    }

    fn admit(&self, identity: &Identity, network: &str, machine: &Machine) -> Result<Place> {
        self.ground(identity, network)?;
        let mut world = self.world();
        world.operations.push(format!("admit {} to {network}", machine.name));
        Ok(Place { address: Ipv4Addr::new(10, 5, 0, 130), name_server: HOST })
    }

    fn dismiss(&self, _: &Identity, machine: &str) -> Result<()> {
        self.world().operations.push(format!("dismiss {machine}"));
        Ok(())
    }
}
