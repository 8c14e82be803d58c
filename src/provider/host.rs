//! Existing machines that are reached over ssh. They were there before us and stay: nothing here makes, stops or removes one.
//!
//! What is declared is taken to exist, without a connection: only [`reach`](Provider::reach) and who runs something there find
//! out. All who connect to a host share one connection; it ends with the provider.

use super::{LogLine, LogOptions, Operation, Provider, Scope};
use crate::event::Context;
use crate::model::capabilities::Capabilities;
use crate::model::digest::Digester;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::machine::{HostAccess, Machine, Source};
use crate::model::observed::{Contents, Observed, ObservedMachine, Owner, State};
use crate::model::stack::{Network, Stack, Volume};
use crate::model::{Error, Result};
use crate::transport::Transport;
use crate::transport::ssh::{SshTarget, SshTransport};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

static CAPABILITIES: Capabilities = Capabilities { existing: true, ..Capabilities::NONE };

/// The hosts of one stack.
pub struct HostProvider {
    environment: String,
    machines: BTreeMap<String, HostAccess>,
    runtime: PathBuf,
    /// By node.
    transports: Mutex<BTreeMap<String, SshTransport>>,
}

impl HostProvider {
    /// The hosts among the machines of a stack. Sockets go below `runtime`. Touches nothing yet.
    pub fn new(stack: &Stack, runtime: PathBuf) -> Self {
        let hosts = stack.machines.values().filter_map(|machine| match &machine.source {
            Source::Host(access) => Some((machine.name.clone(), access.clone())),
            _ => None,
        });
        Self {
            environment: stack.environment.clone(),
            machines: hosts.collect(),
            runtime,
            transports: Mutex::default(),
        }
    }

    /// Nodes of a machine, or the one node of this name, with their hosts.
    fn nodes(&self, name: &str) -> Result<Vec<(String, SshTarget)>> {
        let machine = name.split_once('@').map_or(name, |(machine, _)| machine);
        let access = self.machines.get(machine);
        let nodes = access.into_iter().flat_map(|access| {
            let nodes = access.nodes(machine).into_iter();
            nodes.map(|(node, host)| (node, SshTarget::of(access, host)))
        });
        let nodes: Vec<_> = nodes.filter(|(node, _)| name == machine || node == name).collect();
        if nodes.is_empty() {
            return Err(Error::usage(format!("no host is called `{name}`")));
        }
        Ok(nodes)
    }

    fn transport(&self, node: String, target: SshTarget) -> Result<SshTransport> {
        let mut transports = self.transports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = transports.get(&node) {
            return Ok(known.clone());
        }
        let new = SshTransport::new(target, &self.runtime)?;
        Ok(transports.entry(node).or_insert(new).clone())
    }

    fn observed(&self, name: &str, access: &HostAccess, identity: &Identity) -> ObservedMachine {
        let hosts = access.hosts.join(", ");
        ObservedMachine {
            name: name.to_owned(),
            owner: Owner {
                id: identity.id.clone(),
                name: identity.name.clone(),
                directory: identity.directory.clone(),
                environment: self.environment.clone(),
            },
            provider: self.name().to_owned(),
            engine_id: id(access),
            engine_name: hosts.clone(),
            created: None,
            state: State::Running,
            exit_code: None,
            started: None,
            is_box: false,
            source: hosts.clone(),
            construction: None,
            fields: Fields::default(),
            address: Some(hosts),
            direct: None,
            ports: Vec::new(),
        }
    }
}

impl Provider for HostProvider {
    fn name(&self) -> &'static str {
        "host"
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn describe(&self, stack: &Stack, machine: &Machine, _image: &str, _: &Contents) -> Result<Fields> {
        let several = self.machines.get(&machine.name).is_some_and(|access| access.hosts.len() > 1);
        if several && stack.steps_of(machine).next().is_some() {
            return Err(Error::usage(format!("the steps of {} cannot run on several hosts", machine.name))
                .hint(
                    "declare a machine for each host, or leave `changes` away: then they are only looked at",
                ));
        }
        Ok(Fields::default())
    }

    fn describe_network(&self, _: &Network, _: Option<&str>) -> Fields {
        Fields::default()
    }

    fn describe_volume(&self, _: &Volume) -> Fields {
        Fields::default()
    }

    fn observe(&self, scope: Scope<'_>) -> Result<Observed> {
        let Scope::Stack(identity) = scope else { return Ok(Observed::default()) };
        let machines = self.machines.iter();
        let machines = machines.map(|(name, access)| self.observed(name, access, identity)).collect();
        Ok(Observed { machines, ..Observed::default() })
    }

    fn apply(&self, identity: &Identity, operation: Operation<'_>, context: &Context) -> Result<()> {
        match operation {
            // Nothing of ours to let go of.
            Operation::Prune => Ok(()),
            // All that can be done about a host that was not reached is to try again.
            Operation::StartMachine(name) => self.reach(identity, name, context),
            _ => Err(Error::failed("a host exists already: nothing is made, changed or removed there")),
        }
    }

    fn connect(&self, _: &Identity, name: &str) -> Result<Box<dyn Transport>> {
        let mut nodes = self.nodes(name)?;
        match (nodes.pop(), nodes.is_empty()) {
            (Some((node, target)), true) => Ok(Box::new(self.transport(node, target)?)),
            _ => Err(Error::usage(format!("{name} is several hosts")).hint(format!(
                "name one: {}",
                self.nodes(name)?.into_iter().map(|(node, _)| node).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    fn reach(&self, _: &Identity, name: &str, context: &Context) -> Result<()> {
        let nodes = self.nodes(name)?;
        std::thread::scope(|scope| {
            let reach = |(node, target)| self.transport(node, target)?.reach(context);
            let threads: Vec<_> = nodes.into_iter().map(|node| scope.spawn(move || reach(node))).collect();
            let crashed = |_| Err(Error::failed("a thread of ours crashed"));
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(crashed))
        })
    }

    fn wait(&self, _: &Identity, name: &str, _: &Context) -> Result<i64> {
        Err(Error::usage(format!("{name} is a host, which never completes"))
            .hint("`depends_on` can wait for it to be `ready`"))
    }

    fn logs(
        &self,
        identity: &Identity,
        name: &str,
        _: &LogOptions,
        _: &mut dyn FnMut(LogLine) -> Result<()>,
        context: &Context,
    ) -> Result<()> {
        self.reach(identity, name, context)?;
        Err(Error::failed(format!("{name} has no journal that could be read"))
            .hint(format!("`env exec {name} -- tail /var/log/…` shows a file of it")))
    }
}

/// The same for as long as a machine is the same hosts, however one gets in.
fn id(access: &HostAccess) -> String {
    let mut digester = Digester::new("host/1");
    for host in &access.hosts {
        digester.part(host).part(access.port.unwrap_or(22).to_string());
    }
    digester.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::model::id::ProjectId;
    use std::path::Path;

    fn provider(hosts: &[&str]) -> (HostProvider, Identity) {
        let access = HostAccess {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..HostAccess::default()
        };
        let mut stack = Stack::undeclared("shop", "production", Path::new("/shop"));
        stack.machines.insert("web".into(), Machine::new("web", Source::Host(access)));
        let identity =
            Identity { id: ProjectId("a1".into()), name: "shop".into(), directory: "/shop".into() };
        (HostProvider::new(&stack, "/nowhere".into()), identity)
    }

    #[test]
    fn hosts_are_taken_to_exist_without_a_connection() {
        let (provider, identity) = provider(&["web1", "web2"]);
        let observed = provider.observe(Scope::Stack(&identity)).unwrap();
        let web = observed.machine("web").unwrap();
        assert_eq!((web.state, web.engine_name.as_str()), (State::Running, "web1, web2"));
        assert_eq!(provider.observe(Scope::Host).unwrap(), Observed::default());
        assert!(provider.connect(&identity, "web@web2").is_ok());
        assert_eq!(provider.connect(&identity, "web").err().unwrap().hints, ["name one: web@web1, web@web2"]);
        assert!(provider.connect(&identity, "web@web3").is_err());
    }

    #[test]
    fn nothing_is_done_to_them() {
        let (provider, identity) = provider(&["web1"]);
        let context = Context::silent();
        for operation in [
            Operation::StopMachine { name: "web", grace: None },
            Operation::RemoveMachine("web"),
            Operation::RemoveNetwork("default"),
        ] {
            assert_eq!(provider.apply(&identity, operation, &context).unwrap_err().kind, Kind::Failed);
        }
        provider.apply(&identity, Operation::Prune, &context).unwrap();
    }
}
