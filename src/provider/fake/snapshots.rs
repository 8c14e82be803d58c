//! Snapshots of the fake engine: ledgers of machines, and a text for what is on a volume.

use super::FakeProvider;
use crate::event::Context;
use crate::model::id::Identity;
use crate::model::observed::State;
use crate::model::snapshot::{KeptPart, Part, PartKind};
use crate::model::stack::Volume;
use crate::model::{Error, Result};
use crate::provider::{NewMachine, Operation, Snapshots};
use envup_agent::Ledger;

/// What is kept of one part.
pub struct KeptState {
    part: Part,
    ledger: Ledger,
    image: String,
    data: String,
}

impl Snapshots for FakeProvider {
    fn save(&self, _: &Identity, part: &Part, context: &Context) -> Result<()> {
        self.begin(&format!("keep {} {}", part.kind.as_str(), part.name), context)?;
        let mut world = self.world();
        let (mut ledger, mut image, mut data) = (Ledger::default(), String::new(), String::new());
        match part.kind {
            PartKind::Machine => {
                let machine = world.existing(&part.name)?;
                if machine.state == State::Running {
                    return Err(Error::failed(format!("{} runs", part.name)));
                }
                image = machine.fields.get("image").unwrap_or_default().to_owned();
                ledger = world.disk(&part.name)?.ledger.clone();
            }
            PartKind::Volume => data = world.data.get(&part.name).cloned().unwrap_or_default(),
        }
        world.kept.push(KeptState { part: part.clone(), ledger, image, data });
        Ok(())
    }

    fn list(&self, _: &Identity) -> Result<Vec<KeptPart>> {
        let world = self.world();
        let kept = world.kept.iter().map(|kept| kept.part.clone());
        Ok(kept.map(|part| KeptPart { part, provider: world.provider, size: 1 }).collect())
    }

    fn verify(&self, _: &Identity, part: &Part, context: &Context) -> Result<()> {
        self.begin(&format!("verify {} {}", part.kind.as_str(), part.name), context)
    }

    fn restore_machine(
        &self,
        identity: &Identity,
        part: &Part,
        new: &NewMachine<'_>,
        context: &Context,
    ) -> Result<()> {
        self.begin(&format!("restore machine {}", part.name), context)?;
        let mut world = self.world();
        let kept = world.kept.iter().find(|kept| kept.part == *part);
        let kept = kept.ok_or_else(|| Error::failed("nothing is kept of it"))?;
        let (ledger, image) = (kept.ledger.clone(), kept.image.clone());
        world.apply(identity, Operation::CreateMachine(new))?;
        world.existing(&part.name)?.fields.set("image", image);
        world.disk(&part.name)?.ledger = ledger;
        Ok(())
    }

    fn restore_volume(&self, _: &Identity, part: &Part, _: &Volume, context: &Context) -> Result<()> {
        self.begin(&format!("restore volume {}", part.name), context)?;
        let mut world = self.world();
        let kept = world.kept.iter().find(|kept| kept.part == *part);
        let data = kept.ok_or_else(|| Error::failed("nothing is kept of it"))?.data.clone();
        world.data.insert(part.name.clone(), data);
        Ok(())
    }

    fn remove(&self, _: &Identity, part: &Part) -> Result<()> {
        self.world().kept.retain(|kept| kept.part != *part);
        Ok(())
    }
}
