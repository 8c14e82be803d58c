//! `env inventory`.

use super::Run;
use super::options::{Output, Which};
use super::session::{Purpose, Session};
use super::ssh_config::way_to;
use crate::engine::{self, SshAccess, World};
use crate::model::machine::Source;
use crate::model::observed::State;
use crate::model::step::{Members, Tool};
use crate::model::{Error, Result};
use crate::provision::ansible_variables_of_host;
use crate::transport::ssh::SshTarget;
use crate::ui::exit;
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Print the stack as an Ansible inventory, with which ansible-playbook reaches its machines
#[derive(Debug, Args)]
#[command(after_help = "\
Machines made from a box are reached over ssh as `env ssh-config` has it; hosts as their
Envfile says. Groups are the environment, those of the steps' `groups`, and one for each
machine that is several hosts.

Examples:
  env inventory --list | jq 'keys'
  printf '#!/bin/sh\\nexec envup inventory \"$@\"\\n' > ops/stack && chmod +x ops/stack
  ansible-playbook -i ops/stack ops/site.yml")]
pub struct Inventory {
    /// The whole inventory; what happens without an option too
    #[arg(long, conflicts_with = "host")]
    list: bool,
    /// The variables of one host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Hosts with their variables, and groups with their hosts.
#[derive(Default)]
struct Listed {
    hosts: BTreeMap<String, Value>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl Run for Inventory {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Change)?;
        let listed = self.listed(session, &world)?;
        let document = match &self.host {
            None => listed.document(),
            Some(host) => match listed.hosts.get(host) {
                Some(variables) => variables.clone(),
                None => {
                    let known = listed.hosts.keys().cloned().collect::<Vec<_>>().join(", ");
                    return Err(Error::usage(format!("no host of the inventory is called `{host}`"))
                        .hint(format!("there are: {known}")));
                }
            },
        };
        session.printer.result(&format!("{document:#}"));
        Ok(exit::DONE)
    }
}

impl Inventory {
    fn listed(&self, session: &Session, world: &World) -> Result<Listed> {
        let observed = engine::observe(world)?.observed;
        let runs = |name: &str| {
            observed.machine(name).is_some_and(|machine| machine.is_box && machine.state == State::Running)
        };
        let boxes: Vec<String> = world.stack.machines.keys().filter(|name| runs(name)).cloned().collect();
        let access = match boxes.is_empty() {
            true => None,
            false => Some(engine::ssh_access(world, boxes, &session.context())?),
        };
        let mut listed = Listed::default();
        for machine in world.stack.machines.values() {
            if let Source::Host(host) = &machine.source {
                for (node, address) in host.nodes(&machine.name) {
                    let target = SshTarget::of(host, address);
                    listed.hosts.insert(node.clone(), ansible_variables_of_host(&target));
                    if machine.is_several() {
                        listed.groups.entry(machine.name.clone()).or_default().insert(node);
                    }
                }
            } else if let Some(access) =
                access.as_ref().filter(|access| access.machines.contains_key(&machine.name))
            {
                let variables = of_machine(&self.which, world, access, &machine.name);
                listed.hosts.insert(machine.name.clone(), variables);
            } else {
                let text = "which ansible could not reach: it does not run, or is not made from a box";
                session.printer.note(&format!("without {}, {text}", machine.name));
            }
        }
        let all = listed.hosts.keys().cloned().collect();
        listed.groups.insert(world.stack.environment.clone(), all);
        listed.join_groups(world);
        Ok(listed)
    }
}

impl Listed {
    /// The groups that steps give to machines.
    fn join_groups(&mut self, world: &World) {
        let stack = &world.stack;
        let own = stack.machines.values().flat_map(|machine| {
            machine.provision.iter().map(move |step| (vec![machine.name.clone()], &step.tool))
        });
        let of_stack = stack.provision.iter().map(|step| (step.machines.clone(), &step.step.tool));
        for (machines, tool) in own.chain(of_stack) {
            let Tool::Ansible(ansible) = tool else { continue };
            for (group, members) in &ansible.groups {
                let members: Vec<&String> = match members {
                    Members::All => machines.iter().collect(),
                    Members::Named(named) => named.iter().collect(),
                };
                let known = members.into_iter().filter(|member| self.hosts.contains_key(*member));
                self.groups.entry(group.clone()).or_default().extend(known.cloned());
            }
        }
    }

    fn document(&self) -> Value {
        let children: Vec<&String> = self.groups.keys().collect();
        let mut document = Map::new();
        document.insert("_meta".into(), json!({ "hostvars": self.hosts }));
        document.insert("all".into(), json!({ "children": children }));
        for (group, hosts) in &self.groups {
            document.insert(group.clone(), json!({ "hosts": hosts }));
        }
        document.into()
    }
}

fn of_machine(which: &Which, world: &World, access: &SshAccess, machine: &str) -> Value {
    let (host_name, proxy_command) = way_to(which, world, access, machine);
    let options = [
        "IdentitiesOnly=yes".to_owned(),
        format!("UserKnownHostsFile=\"{}\"", access.known_hosts.display()),
        format!("HostKeyAlias={}", world.identity.machine(machine)),
        "StrictHostKeyChecking=yes".to_owned(),
        format!("ProxyCommand={proxy_command}"),
    ];
    let words = options.into_iter().flat_map(|option| ["-o".to_owned(), option]);
    json!({
        "ansible_connection": "ssh",
        "ansible_host": host_name,
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": access.key,
        "ansible_ssh_common_args": shell_words::join(words),
    })
}
