//! Ansible's programs, run for one step: with our plugins beside those of the team, the inventories and our overlay beside them,
//! and nothing secret among their arguments.

use super::digest;
use super::inventory;
use super::place::Place;
use crate::event::{Context, Event};
use crate::model::error::Attempt;
use crate::model::step::{Ansible, Step, Vault};
use crate::model::{Error, Kind, Result};
use crate::provision::Workshop;
use crate::provision::host_run::{Ended, HostRun};
use crate::state::find_program;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// What runs playbooks.
pub const PLAYBOOK: &str = "ansible-playbook";

/// Where Ansible looks for things: its variable, its name of the setting, and our directory that comes first.
const PATHS: [(&str, &str, &str); 3] = [
    ("ANSIBLE_CONNECTION_PLUGINS", "DEFAULT_CONNECTION_PLUGIN_PATH", "connection"),
    ("ANSIBLE_BECOME_PLUGINS", "BECOME_PLUGIN_PATH", "become"),
    ("ANSIBLE_CALLBACK_PLUGINS", "DEFAULT_CALLBACK_PLUGIN_PATH", "callback"),
];

/// The same for what came from a Galaxy.
const GALAXY_PATHS: [(&str, &str, &str); 2] = [
    ("ANSIBLE_ROLES_PATH", "DEFAULT_ROLES_PATH", "roles"),
    ("ANSIBLE_COLLECTIONS_PATH", "COLLECTIONS_PATHS", "collections"),
];

/// Everything that runs of one step's programs share.
pub struct Session<'a> {
    pub step: &'a Step,
    pub ansible: &'a Ansible,
    pub workshop: &'a Workshop<'a>,
    pub place: Place,
    /// Names of the step's machines.
    pub members: &'a [&'a str],
    /// The inventories' name of every machine of the stack.
    pub names: BTreeMap<String, String>,
    environment: Vec<(&'static str, OsString)>,
    pub(super) limit: String,
}

impl<'a> Session<'a> {
    /// Reads configuration and inventories, and writes all that runs need.
    pub fn open(
        step: &'a Step,
        ansible: &'a Ansible,
        members: &'a [&'a str],
        workshop: &'a Workshop<'a>,
        context: &Context,
    ) -> Result<Self> {
        if find_program(Path::new(PLAYBOOK)).is_none() {
            return Err(Error::new(
                Kind::Unavailable,
                format!("step {} needs {PLAYBOOK} on this host", step.name),
            )
            .hint("sudo apt install ansible-core   (or: pipx install ansible-core)"));
        }
        let place = Place::new(workshop.runtime)?;
        let (environment, names, limit) = (Vec::new(), BTreeMap::new(), String::new());
        let mut session = Self { step, ansible, workshop, place, members, names, environment, limit };
        session.set_environment(context)?;
        session.write_secrets()?;
        session.write_overlay(context)?;
        Ok(session)
    }

    /// Runs one of Ansible's programs and gives its output; fails when it does. `what` is what people see.
    pub fn ask(
        &self,
        program: &'static str,
        arguments: Vec<OsString>,
        what: &str,
        context: &Context,
    ) -> Result<String> {
        let output = self.place.at("output");
        let ended = self.run(program, arguments, Some(output.clone()), &|_| {}, context)?;
        let output = fs::read_to_string(&output).attempt(|| format!("reading the output of {program}"))?;
        match ended.code {
            0 => Ok(output),
            _ => {
                Err(Error::failed(format!("step {}: {what}", self.step.name))
                    .detail(self.complaint(&ended.said)))
            }
        }
    }

    /// The same for what stays as it is while we run: the first session of a step asks.
    pub(super) fn ask_once(
        &self,
        program: &'static str,
        arguments: Vec<OsString>,
        what: &str,
        context: &Context,
    ) -> Result<String> {
        let ansible = self.ansible;
        let key = format!("{program} of {:?} {:?} {:?}", ansible.playbook, ansible.inventory, ansible.config);
        let known = || self.workshop.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known().get(&key) {
            return Ok(answer.clone());
        }
        let answer = self.ask(program, arguments, what, context)?;
        known().insert(key, answer.clone());
        Ok(answer)
    }

    /// Runs one of Ansible's programs to its end.
    pub fn run(
        &self,
        program: &'static str,
        arguments: Vec<OsString>,
        output: Option<PathBuf>,
        emit: &(dyn Fn(String) + Sync),
        context: &Context,
    ) -> Result<Ended> {
        let working_dir = digest::directory(self.ansible);
        let environment = self.environment.clone();
        let directory = self.place.path();
        let run = HostRun { program, arguments, environment, working_dir, directory, output };
        run.heard(emit, &format!("running {program} for step {}", self.step.name), context)
    }

    /// The arguments that name inventories, hosts, variables and the vault password.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = self.inventories(true);
        arguments.extend(self.vault());
        arguments.extend(["--limit".into(), self.limit.clone().into()]);
        if !self.ansible.variables.is_empty() {
            let mut file = OsString::from("@");
            file.push(self.place.at("variables.json"));
            arguments.extend(["--extra-vars".into(), file]);
        }
        arguments
    }

    /// The arguments that name inventories, with our overlay or without.
    pub fn inventories(&self, overlay: bool) -> Vec<OsString> {
        let own = overlay.then(|| self.place.at("overlay"));
        let all = self.ansible.inventory.iter().cloned().chain(own);
        all.flat_map(|path| ["--inventory".into(), path.into_os_string()]).collect()
    }

    /// The arguments that name the vault password.
    pub fn vault(&self) -> Vec<OsString> {
        let file = match &self.ansible.vault {
            None => return Vec::new(),
            Some(Vault::File(path)) => path.clone(),
            Some(Vault::Secret(_)) => self.place.at("password"),
        };
        vec!["--vault-password-file".into(), file.into_os_string()]
    }

    /// What is wrong, in Ansible's words, of all that it said.
    pub fn complaint(&self, said: &str) -> String {
        let from = said.find("ERROR!").unwrap_or(0);
        let directory = format!("{}/", self.workshop.stack.directory.display());
        said[from..].trim().replace(&directory, "")
    }

    fn set_environment(&mut self, context: &Context) -> Result<()> {
        let exec = serde_json::to_string(&self.workshop.exec()).attempt(|| "writing our own command")?;
        let set =
            |environment: &mut Vec<_>, name, value: &str| environment.push((name, OsString::from(value)));
        let environment = &mut self.environment;
        // Nothing of a run may change what the next one depends on.
        set(environment, "PYTHONDONTWRITEBYTECODE", "1");
        set(environment, "ANSIBLE_RETRY_FILES_ENABLED", "0");
        set(environment, "ANSIBLE_NOCOLOR", "1");
        // Otherwise an inventory that cannot be read is an empty one.
        set(environment, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "1");
        set(environment, "ANSIBLE_HOST_KEY_CHECKING", "1");
        set(environment, "ENVUP_EXEC", &exec);
        environment.push(("ENVUP_RESULTS", self.place.at("results").into_os_string()));
        environment.push(("ANSIBLE_LOCAL_TEMP", self.place.at("tmp").into_os_string()));
        // Of hosts that a play adds we know nothing, so our plugin is to refuse them.
        set(environment, "ANSIBLE_TRANSPORT", inventory::PLUGIN);
        if let Some(config) = digest::config(self.ansible) {
            environment.push(("ANSIBLE_CONFIG", config.into_os_string()));
        }
        let what = "its configuration cannot be read";
        let arguments = vec!["dump".into(), "--format".into(), "json".into()];
        let document = self.ask_once("ansible-config", arguments, what, context)?;
        let settings: Vec<Value> =
            serde_json::from_str(&document).attempt(|| "reading what ansible-config says")?;
        let setting = |name: &str| {
            let is_it = |setting: &&Value| setting.get("name").and_then(Value::as_str) == Some(name);
            settings.iter().find(is_it).and_then(|setting| setting.get("value")).cloned().unwrap_or_default()
        };
        let texts = |value: &Value| match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(text) => text.split(':').map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let joined = |ours: PathBuf, name: &str| {
            [ours.to_string_lossy().into_owned()]
                .into_iter()
                .chain(texts(&setting(name)))
                .collect::<Vec<_>>()
                .join(":")
        };
        for (variable, name, ours) in PATHS {
            self.environment.push((variable, joined(self.place.at(ours), name).into()));
        }
        let enabled: Vec<String> = texts(&setting("INVENTORY_ENABLED"));
        if !enabled.iter().any(|name| ["yaml", "ansible.builtin.yaml"].contains(&name.as_str())) {
            let enabled = enabled.into_iter().chain(["yaml".to_owned()]).collect::<Vec<_>>().join(",");
            self.environment.push(("ANSIBLE_INVENTORY_ENABLED", enabled.into()));
        }
        if self.ansible.requirements.is_some() {
            let fetched = super::galaxy::fetch(self, context)?;
            for (variable, name, ours) in GALAXY_PATHS {
                self.environment.push((variable, joined(fetched.join(ours), name).into()));
            }
        }
        Ok(())
    }

    fn write_secrets(&self) -> Result<()> {
        if let Some(Vault::Secret(name)) = &self.ansible.vault {
            self.place.write("password", &(self.workshop.secret)(name)?)?;
        }
        if !self.ansible.variables.is_empty() {
            let text = serde_json::to_vec(&self.ansible.variables).attempt(|| "writing variables")?;
            self.place.write("variables.json", &text)?;
        }
        Ok(())
    }
}

impl Drop for Session<'_> {
    /// Connections that ssh keeps open for a while end with the run.
    fn drop(&mut self) {
        for socket in fs::read_dir(self.place.at("c")).into_iter().flatten().flatten() {
            let mut option = OsString::from("ControlPath=");
            option.push(socket.path());
            let mut ssh = std::process::Command::new("ssh");
            // One that has ended by itself needs no end.
            let _ = ssh.arg("-o").arg(option).args(["-O", "exit", "-"]).output();
        }
    }
}

/// Tells a line of the step's output.
pub fn tell(context: &Context, step: &Step, members: &[&str], text: String) {
    let machine = match members {
        [only] => Some((*only).to_owned()),
        _ => None,
    };
    context.emit(Event::Output { machine, source: step.name.clone(), text });
}
