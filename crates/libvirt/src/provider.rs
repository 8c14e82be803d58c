//! The provider itself: each call of the trait goes to the module that does it. Nothing is connected before the first that needs it.

use crate::labels::{Kind, Labels};
use crate::transport::VmTransport;
use crate::trouble::Explain;
use crate::{
    boxes, connection, fields, layers, machine, network, observe, pool, power, snapshots, unsupported,
    update, volumes,
};
use envup::event::{Context, Event};
use envup::model::capabilities::Capabilities;
use envup::model::fields::Fields;
use envup::model::id::{Identity, ProjectId};
use envup::model::layer::Layer;
use envup::model::machine::Machine;
use envup::model::observed::{Contents, Observed, State};
use envup::model::snapshot::{KeptPart, Part};
use envup::model::stack::{Network, Stack, Volume};
use envup::model::{Error, Result};
use envup::provider::{
    BoxFiles, Grounds, Layers, LogLine, LogOptions, NewMachine, Operation, Provider, Scope, Snapshots,
    Surroundings,
};
use envup::state::{Access, Directories, SshKey, create_directory, write_bytes};
use envup::transport::Transport;
use envup::transport::agent::LASTING_PATH;
use envup::transport::ssh::{Near, SshTarget};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use virt::connect::Connect;

/// As the Envfile names it.
pub const NAME: &str = "libvirt";

static CAPABILITIES: Capabilities = Capabilities {
    update: &["port."],
    update_off: &["memory", "cpus"],
    update_box: &["env."],
    disks: true,
    copies_folders: true,
    hands_on_authorities: true,
    optional: true,
    sshd: true,
    ..Capabilities::NONE
};

/// How often a machine that somebody waits for is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs machines as VMs of libvirt.
pub struct LibvirtProvider {
    uri: String,
    directories: Directories,
    connection: Mutex<Option<Connect>>,
    /// By instance.
    transports: Mutex<BTreeMap<String, VmTransport>>,
}

/// The provider for the libvirt that virsh would ask; see [`Make`](envup::provider::Make).
pub fn make(surroundings: &Surroundings, directories: &Directories) -> Box<dyn Provider> {
    let uri = surroundings.variable(connection::URI_VARIABLE).unwrap_or(connection::URI);
    Box::new(LibvirtProvider {
        uri: uri.to_owned(),
        directories: directories.clone(),
        connection: Mutex::default(),
        transports: Mutex::default(),
    })
}

impl LibvirtProvider {
    /// The connection, made when it is needed first.
    pub(crate) fn connection(&self) -> Result<Connect> {
        let mut known = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // A daemon that was started anew knows nothing of the connection to the old one, and keeps all machines.
        if let Some(alive) = known.as_ref().filter(|one| one.is_alive().unwrap_or(false)) {
            return Ok(alive.clone());
        }
        let new = connection::open(&self.uri)?;
        *known = Some(new.clone());
        Ok(new)
    }

    /// The labels of a machine that exists.
    fn labels(&self, identity: &Identity, name: &str) -> Result<Labels> {
        let found = machine::lookup(&self.connection()?, identity, name)?;
        found
            .map(|(_, labels)| labels)
            .ok_or_else(|| Error::failed(format!("machine {name} does not exist")).hint("`env up` makes it"))
    }

    fn transport(&self, identity: &Identity, name: &str) -> Result<VmTransport> {
        let labels = self.labels(identity, name)?;
        let instance = &labels.machine.instance;
        let mut transports = self.transports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = transports.get(instance) {
            return Ok(known.clone());
        }
        let address = address(&labels).ok_or_else(|| {
            Error::failed(format!("machine {name} is on no network: there is no way into it"))
        })?;
        let private = self.directories.data.join("projects").join(&identity.id.0);
        // What libvirt notes is the truth; ssh wants a file.
        let known_hosts = private.join("known_hosts.vms").join(identity.machine(name));
        create_directory(known_hosts.parent().unwrap_or(&private), Access::Private)?;
        write_bytes(
            &known_hosts,
            Access::Private,
            format!("{address} {}\n", labels.machine.host_key).as_bytes(),
        )?;
        let target = SshTarget {
            host: address.to_string(),
            user: Some("root".to_owned()),
            port: Some(22),
            identity: Some(SshKey::of(&private)?.private),
            // Nothing of the user's own ssh is about machines of ours.
            config_file: Some("/dev/null".into()),
            known_hosts: Some(known_hosts),
            sudo: false,
            near: Some(Near { agent: LASTING_PATH.clone() }),
        };
        let (engine_name, machine, connection) =
            (identity.machine(name), name.to_owned(), self.connection()?);
        let look = move || observe::can_answer(&connection, &engine_name, &machine);
        let new = VmTransport::new(name, address, target, &self.directories.runtime, Arc::new(look))?;
        Ok(transports.entry(instance.clone()).or_insert(new).clone())
    }
}

fn address(labels: &Labels) -> Option<Ipv4Addr> {
    labels.machine.addresses.values().next()?.parse().ok()
}

impl Provider for LibvirtProvider {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        self.connection().map(drop)
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn describe(&self, stack: &Stack, machine: &Machine, image: &str, contents: &Contents) -> Result<Fields> {
        unsupported::check(machine)?;
        volumes::check(stack, machine)?;
        // Whose machine it is shows in no field.
        let nobody = Identity {
            id: ProjectId("000000000000".to_owned()),
            name: String::new(),
            directory: String::new(),
        };
        let mut labels = Labels::new(&nobody, &stack.environment, Kind::Machine, &machine.name);
        fields::notes(&mut labels, machine, image, contents);
        Ok(fields::fields(&labels, &fields::declared(&nobody, machine)))
    }

    fn describe_network(&self, network: &Network, _: Option<&str>) -> Fields {
        network::describe(network)
    }

    fn describe_volume(&self, volume: &Volume) -> Fields {
        volumes::describe(volume)
    }

    fn observe(&self, scope: Scope<'_>) -> Result<Observed> {
        observe::observe(&self.connection()?, scope)
    }

    fn apply(&self, identity: &Identity, operation: Operation<'_>, context: &Context) -> Result<()> {
        let connection = &self.connection()?;
        match operation {
            Operation::ImportBox { reference, files: BoxFiles::Disk { disk, kernel, initrd } } => {
                boxes::import(connection, reference, (disk, kernel, initrd), context)
            }
            Operation::PullImage { .. } | Operation::BuildImage { .. } | Operation::ImportBox { .. } => {
                Err(Error::failed("VMs are made from the disks of boxes"))
            }
            Operation::CreateNetwork { network, .. } => network::create(connection, identity, network),
            Operation::RemoveNetwork(name) => network::remove(connection, identity, name),
            Operation::CreateVolume(volume) => {
                volumes::create(connection, identity, volume, context).map(drop)
            }
            Operation::RemoveVolume(name) => volumes::remove(connection, identity, name),
            Operation::CreateMachine(new) => {
                machine::create(connection, &self.directories, identity, new, None, context)
            }
            Operation::StartMachine(name) => {
                let answers = || match address(&self.labels(identity, name)?) {
                    Some(_) => self.transport(identity, name)?.boots(context),
                    None => Ok(()),
                };
                power::start(connection, identity, name, &answers, context)
            }
            Operation::StopMachine { name, grace } => power::stop(connection, identity, name, grace, context),
            Operation::UpdateMachine { machine, fields } => {
                update::update(connection, identity, machine.machine, fields)
            }
            Operation::RemoveMachine(name) => machine::remove(connection, identity, name),
            Operation::Prune => {
                if let Some(pool) = pool::find(connection)? {
                    let layers = layers::sweep(&pool)?;
                    if layers > 0 {
                        let text = format!("removed layers that nothing needs any more: {layers}");
                        context.emit(Event::Note { text });
                    }
                }
                let used: BTreeSet<String> = observe::images(connection)?;
                boxes::prune(connection, &used, context)
            }
        }
    }

    fn layers(&self) -> Option<&dyn Layers> {
        Some(self)
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }

    fn grounds(&self) -> Option<&dyn Grounds> {
        Some(self)
    }

    fn connect(&self, identity: &Identity, name: &str) -> Result<Box<dyn Transport>> {
        Ok(Box::new(self.transport(identity, name)?))
    }

    fn reach(&self, identity: &Identity, name: &str, context: &Context) -> Result<()> {
        match address(&self.labels(identity, name)?) {
            Some(_) => self.transport(identity, name)?.ready(context),
            None => Ok(()),
        }
    }

    fn direct_address(&self, identity: &Identity, name: &str) -> Result<Option<IpAddr>> {
        Ok(address(&self.labels(identity, name)?).map(IpAddr::V4))
    }

    fn way_out(&self, identity: &Identity, name: &str) -> Result<Option<String>> {
        let connection = self.connection()?;
        let Some((found, labels)) = machine::lookup(&connection, identity, name)? else { return Ok(None) };
        if observe::state(&found) != State::Running {
            return Ok(None);
        }
        network::way_out(&connection, identity, labels.machine.addresses.keys().map(String::as_str))
    }

    fn wait(&self, identity: &Identity, name: &str, context: &Context) -> Result<i64> {
        let what = format!("waiting for the end of {name}");
        loop {
            let Some((found, _)) = machine::lookup(&self.connection()?, identity, name)? else {
                return Ok(1);
            };
            if !found.is_active().explain(|| what.clone())? {
                // A machine that switches itself off has done its work; QEMU's own death is a failure.
                return Ok(i64::from(observe::is_crashed(&found)));
            }
            context.sleep(GLANCE, &what)?;
        }
    }

    fn logs(
        &self,
        _: &Identity,
        name: &str,
        _: &LogOptions,
        _: &mut dyn FnMut(LogLine) -> Result<()>,
        _: &Context,
    ) -> Result<()> {
        Err(Error::failed(format!("the log of {name} is its journal, and it does not run or has none"))
            .hint("`env up` starts it; `virsh console` shows what it says while it boots"))
    }
}

impl Layers for LibvirtProvider {
    fn save(&self, identity: &Identity, machine: &str, key: &str, _: &Context) -> Result<()> {
        layers::save(&self.connection()?, identity, machine, key)
    }

    fn list(&self) -> Result<Vec<Layer>> {
        layers::list(&self.connection()?)
    }

    fn remove(&self, key: &str) -> Result<bool> {
        layers::remove(&self.connection()?, key)
    }
}

impl Snapshots for LibvirtProvider {
    fn save(&self, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
        snapshots::save(&self.connection()?, identity, part, context)
    }

    fn list(&self, identity: &Identity) -> Result<Vec<KeptPart>> {
        snapshots::list(&self.connection()?, identity)
    }

    fn verify(&self, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
        snapshots::verify(&self.connection()?, identity, part, context)
    }

    fn restore_machine(
        &self,
        identity: &Identity,
        part: &Part,
        new: &NewMachine<'_>,
        context: &Context,
    ) -> Result<()> {
        snapshots::restore_machine(&self.connection()?, &self.directories, identity, part, new, context)
    }

    fn restore_volume(&self, identity: &Identity, part: &Part, volume: &Volume, _: &Context) -> Result<()> {
        snapshots::restore_volume(&self.connection()?, identity, part, volume)
    }

    fn remove(&self, identity: &Identity, part: &Part) -> Result<()> {
        snapshots::remove(&self.connection()?, identity, part)
    }
}
