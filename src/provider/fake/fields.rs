//! What the fake engine reports of its things, and how its operations are called.

use crate::model::fields::Fields;
use crate::model::machine::{Machine, Restart};
use crate::model::observed::Contents;
use crate::model::stack::{Network, Volume};
use crate::provider::Operation;

/// The fields of a machine. The environment of a box is not among them: the agent puts it in, where it can be changed.
pub fn of_machine(machine: &Machine, image: &str, contents: &Contents) -> Fields {
    let mut fields = Fields::default();
    fields.set("image", image);
    fields.set_some("memory", machine.memory);
    fields.set_some("cpus", machine.cpus);
    fields.set_some("disk", machine.disk);
    fields.set_some("pids", machine.pids);
    fields.set_some("restart", Some(machine.restart).filter(|restart| *restart != Restart::No));
    fields.set_some("command", machine.command.as_ref().map(|command| command.join(" ")));
    if !machine.is_box() {
        for (name, value) in &machine.env {
            fields.set(format!("env.{name}"), value);
        }
    }
    for mount in &machine.volumes {
        fields.set(format!("volume {}", mount.path), mount.volume.as_deref().unwrap_or("its own"));
    }
    for name in machine.networks.keys() {
        fields.set(network_field(name), "joined");
    }
    for (name, digest) in contents {
        fields.set(name.clone(), digest);
    }
    fields
}

/// The field that says whether a machine has joined a network.
pub fn network_field(network: &str) -> String {
    format!("network.{network}")
}

/// The fields of a network.
pub fn of_network(network: &Network, ground: Option<&str>) -> Fields {
    let mut fields = Fields::default();
    fields.set_some("ground", ground);
    fields.set_some("driver", network.driver.as_ref());
    fields.set_some("subnet", network.subnet.as_ref());
    fields
}

/// The fields of a volume.
pub fn of_volume(volume: &Volume) -> Fields {
    let mut fields = Fields::default();
    fields.set_some("driver", volume.driver.as_ref());
    fields
}

/// An operation in words: what tests compare.
pub fn description(operation: &Operation<'_>) -> String {
    match operation {
        Operation::PullImage { reference, .. } => format!("pull image {reference}"),
        Operation::BuildImage { reference, .. } => format!("build image {reference}"),
        Operation::ImportBox { reference, .. } => format!("import box {reference}"),
        Operation::CreateNetwork { network, ground: None } => format!("create network {}", network.name),
        Operation::CreateNetwork { network, ground: Some(ground) } => {
            format!("create network {} on that of {}", network.name, ground.provider)
        }
        Operation::RemoveNetwork(name) => format!("remove network {name}"),
        Operation::CreateVolume(volume) => format!("create volume {}", volume.name),
        Operation::RemoveVolume(name) => format!("remove volume {name}"),
        Operation::CreateMachine(new) => format!("create machine {}", new.machine.name),
        Operation::StartMachine(name) => format!("start machine {name}"),
        Operation::StopMachine { name, .. } => format!("stop machine {name}"),
        Operation::UpdateMachine { machine, fields } => {
            format!("update machine {}: {}", machine.machine.name, fields.join(", "))
        }
        Operation::RemoveMachine(name) => format!("remove machine {name}"),
        Operation::Prune => "prune".to_owned(),
    }
}
