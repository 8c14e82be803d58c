//! What steps name elsewhere in the stack: machines, secrets. A part of `check`, and as pure.

use super::check::Check;
use crate::model::machine::Condition;
use crate::model::step::{Ansible, Members, Step, Tool, Vault};

impl Check<'_> {
    /// All steps, those of machines and those over several.
    pub(super) fn steps(&mut self) {
        let stack = self.stack;
        for machine in stack.machines.values() {
            // Those that no Envfile lists name nothing.
            for step in machine.provision.iter().filter(|step| step.index > 0) {
                let path = format!("machine.{}.provision[{}]", machine.name, step.index - 1);
                self.step(step, &path, &format!("step {} of machine {}", step.index, machine.name));
            }
        }
        for several in &stack.provision {
            let path = format!("provision[{}]", several.step.index - 1);
            let place = format!("step {} of the stack", several.step.index);
            let list = format!("{path}.machines");
            for name in &several.machines {
                self.exists(&list, "machine", name, &place, stack.machines.keys());
                let awaited = stack
                    .machines
                    .values()
                    .any(|one| one.depends_on.get(name) == Some(&Condition::Completed));
                if awaited {
                    let message = format!("{place} names {name}, which is done when its command ends");
                    let wrong = self.at(&format!("{list}.{name}"), message);
                    self.found.push(wrong.label("it cannot wait for other machines"));
                }
            }
            self.step(&several.step, &path, &place);
        }
    }

    fn step(&mut self, step: &Step, path: &str, place: &str) {
        if let Tool::Ansible(ansible) = &step.tool {
            self.ansible(ansible, path, place);
        }
    }

    fn ansible(&mut self, ansible: &Ansible, path: &str, place: &str) {
        let stack = self.stack;
        for machine in ansible.hosts.keys() {
            self.exists(&format!("{path}.hosts"), "machine", machine, place, stack.machines.keys());
        }
        for (group, members) in &ansible.groups {
            if let Members::Named(machines) = members {
                for machine in machines {
                    self.exists(
                        &format!("{path}.groups.{group}"),
                        "machine",
                        machine,
                        place,
                        stack.machines.keys(),
                    );
                }
            }
        }
        if let Some(Vault::Secret(name)) = &ansible.vault {
            self.exists(&format!("{path}.vault"), "secret", name, place, stack.secrets.keys());
        }
    }
}
