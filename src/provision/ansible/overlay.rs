//! The overlay of one run on disk: written beside inventories that stay as they are, and checked that nothing wins over it.

use super::digest;
use super::inventory::{self, Inventory};
use super::session::Session;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Stands for a host that no inventory has.
const STRANGER: &str = "a-host-of-no-inventory";

impl Session<'_> {
    /// Writes it, beside the inventories as they are.
    pub(super) fn write_overlay(&mut self, context: &Context) -> Result<()> {
        let inventory = match self.ansible.inventory.is_empty() {
            true => Inventory::default(),
            false => Inventory::read(&self.listed(false, context)?),
        };
        self.names = inventory.names(self.ansible, self.workshop.stack)?;
        let overlay = inventory.overlay(self.ansible, &self.names, self.members);
        self.place.write("overlay/hosts.json", overlay.to_string().as_bytes())?;
        let mut wanted: BTreeMap<String, Value> = inventory
            .hosts
            .iter()
            .filter(|host| *host != "localhost")
            .map(|host| (host.clone(), inventory::closed(host)))
            .collect();
        let control = self.place.at("c").to_string_lossy().into_owned();
        for (machine, name) in &self.names {
            let Some(machine) = self.workshop.stack.machines.get(machine) else { continue };
            wanted.insert(name.clone(), inventory::variables(machine, &control));
        }
        for (host, variables) in &wanted {
            self.place.write(&format!("overlay/host_vars/{host}.json"), variables.to_string().as_bytes())?;
        }
        // A host that no inventory has, such as one that a task is delegated to, has the variables of all.
        wanted.insert(STRANGER.to_owned(), json!({ "ansible_connection": inventory::PLUGIN }));
        self.place.write("overlay/group_vars/all.json", wanted[STRANGER].to_string().as_bytes())?;
        self.limit = inventory.limit(&self.names, self.members);
        if !self.ansible.limit.is_empty() {
            self.limit = self.limited(context)?;
        }
        self.check_overlay(&wanted, context)
    }

    /// Variables beside a playbook win over those of inventories: they must not say how our machines are reached.
    fn check_overlay(&self, wanted: &BTreeMap<String, Value>, context: &Context) -> Result<()> {
        let beside = ["host_vars", "group_vars"].map(|name| digest::directory(self.ansible).join(name));
        if !beside.iter().any(|directory| directory.is_dir()) {
            return Ok(());
        }
        match inventory::overridden(&self.listed(true, context)?, wanted) {
            None => Ok(()),
            Some((host, variable)) => Err(Error::usage(format!(
                "step {}: variables beside the playbook set `{variable}` of {host}, which says how envup reaches it",
                self.step.name
            ))
            .hint("move it into the inventory, where production finds it too")),
        }
    }

    fn listed(&self, overlay: bool, context: &Context) -> Result<Value> {
        let mut arguments = self.inventories(overlay);
        if overlay {
            arguments.extend(["--inventory".into(), format!("{STRANGER},").into()]);
        }
        arguments.extend(self.vault());
        arguments.extend(["--playbook-dir".into(), digest::directory(self.ansible).into(), "--list".into()]);
        let what = "its inventory cannot be read";
        let document = match overlay {
            true => self.ask("ansible-inventory", arguments, what, context)?,
            false => self.ask_once("ansible-inventory", arguments, what, context)?,
        };
        serde_json::from_str(&document).attempt(|| "reading what ansible-inventory says")
    }

    /// Those of the step's hosts that its `limit` means.
    fn limited(&self, context: &Context) -> Result<String> {
        let mut arguments = self.inventories(true);
        arguments.extend(self.vault());
        arguments.extend([self.ansible.limit.join(",").into(), "--list-hosts".into()]);
        let listed = self.ask("ansible", arguments, "its limit cannot be read", context)?;
        let meant: Vec<&str> = listed.lines().map(str::trim).collect();
        let ours: Vec<&str> = self.limit.split(',').filter(|host| meant.contains(host)).collect();
        if ours.is_empty() {
            return Err(Error::usage(format!(
                "step {}: its limit means none of its machines",
                self.step.name
            ))
            .hint(format!("they are {} there", self.limit)));
        }
        Ok(ours.join(","))
    }
}
