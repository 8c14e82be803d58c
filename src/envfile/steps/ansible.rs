//! `ansible` steps: a playbook of the host, with what `ansible-playbook` is to be told.

use super::{Named, ToolReader};
use crate::envfile::data;
use crate::envfile::keys::{Keys, key_table};
use crate::envfile::paths::{Want, on_host};
use crate::envfile::table::Table;
use crate::envfile::value::Value;
use crate::model::stack::Content;
use crate::model::step::{Ansible, Members, Step, Tool, Vault};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(in crate::envfile) static TOOL: ToolReader = ToolReader { name: "ansible", keys: KEYS, read };

static KEYS: Keys = key_table! { "machine.NAME.provision (ansible)"
    "ansible" "path" r#""ops/site.yml""# "" "a playbook, run by this host; asks for consent";
    "inventory" "path or list" r#""ops/inventories/production""# "" "inventories, with their group_vars and host_vars; never changed";
    "hosts" "table" r#"{ db = "db1.example.org" }"# "the host of the machine's name" "which host of the inventories a machine stands for";
    "groups" "list or table" r#"{ webservers = ["web"] }"# "" "groups to join beside the inventories': a list, or a table of group to machines";
    "limit" "string or list" r#""webservers""# "" "of its machines only those that a pattern means; hosts outside of the stack never";
    "tags" "list of strings" r#"["config"]"# "" "only tasks with one of these tags";
    "skip_tags" "list of strings" r#"["backup"]"# "" "no tasks with one of these tags";
    "variables" "table" r#"{ app_version = "1.4", debug = true }"# "" "extra variables, which win over all others";
    "vault_password_file" "path" r#""${HOME}/.vault_password""# "" "the file with the vault password, or a program that prints it";
    "vault" "string" r#""vault_password""# "" "the stack's secret that is the vault password";
    "requirements" "path" r#""ops/requirements.yml""# "" "roles and collections of a Galaxy, kept in the checkout's .envup";
    "become" "boolean" "true" "false" "all tasks run as root";
    "install" "boolean" "false" "true for boxes" "whether Python, with apt's bindings, is installed in the machines";
    "options" "list of strings" r#"["--diff"]"# "" "further arguments of ansible-playbook";
    "config" "path" r#""ops/ansible.cfg""# "ansible.cfg beside the playbook" "the configuration";
};

/// Options that we give ourselves, or that ask somebody.
static OURS: [(&str, &str); 14] = [
    ("-i", "`inventory`"),
    ("--inventory", "`inventory`"),
    ("-l", "`limit`"),
    ("--limit", "`limit`"),
    ("-e", "`variables`"),
    ("--extra-vars", "`variables`"),
    ("--vault-password-file", "`vault_password_file`"),
    ("--vault-pass-file", "`vault_password_file`"),
    ("-c", "nothing: envup knows how its machines are reached"),
    ("--connection", "nothing: envup knows how its machines are reached"),
    ("-k", "nothing: nobody could answer"),
    ("--ask-pass", "nothing: nobody could answer"),
    ("-K", "nothing: nobody could answer"),
    ("--ask-become-pass", "nothing: nobody could answer"),
];

fn read(table: &Table) -> Option<Named> {
    let path = |key, want| table.get(key).and_then(|value: Value| on_host(&value, want));
    let name = table.string("ansible");
    let ansible = Ansible {
        playbook: path("ansible", Want::File).unwrap_or_default(),
        inventory: paths(table, "inventory"),
        hosts: table.texts("hosts"),
        groups: groups(table),
        limit: table.get("limit").map(|value| texts(&value)).unwrap_or_default(),
        tags: table.strings("tags"),
        skip_tags: table.strings("skip_tags"),
        variables: data::of_key(table, "variables"),
        vault: vault(table),
        password_file: None,
        requirements: path("requirements", Want::File),
        becomes: table.flag("become"),
        install: table.get("install").and_then(|value| value.boolean()),
        options: options(table),
        config: path("config", Want::File),
    };
    // A stack with findings is never handed out, so what is missing here is of no account.
    Some((Tool::Ansible(Box::new(ansible)), name?))
}

/// Tells playbooks which file their vault password lies in.
pub(in crate::envfile) fn find_password(step: &mut Step, secrets: &BTreeMap<String, Content>) {
    let Tool::Ansible(ansible) = &mut step.tool else { return };
    ansible.password_file = match &ansible.vault {
        Some(Vault::File(path)) => Some(path.clone()),
        Some(Vault::Secret(name)) => match secrets.get(name) {
            Some(Content::File(path)) => Some(path.clone()),
            _ => None,
        },
        None => None,
    };
}

fn texts(value: &Value) -> Vec<String> {
    if value.is_string() { value.string().into_iter().collect() } else { value.strings() }
}

fn paths(table: &Table, key: &str) -> Vec<PathBuf> {
    let Some(value) = table.get(key) else { return Vec::new() };
    let values = if value.is_string() { vec![value] } else { value.items() };
    values.iter().filter_map(|value| on_host(value, Want::Any)).collect()
}

fn groups(table: &Table) -> BTreeMap<String, Members> {
    let Some(value) = table.get("groups") else { return BTreeMap::new() };
    if value.is_list() {
        return value.strings().into_iter().map(|name| (name, Members::All)).collect();
    }
    if !value.is_table() {
        value.wrong_type::<()>("a list or a table");
        return BTreeMap::new();
    }
    let named = |value: Value| Members::Named(value.names().into_iter().collect());
    value.entries().into_iter().map(|(name, _, value)| (name, named(value))).collect()
}

fn vault(table: &Table) -> Option<Vault> {
    let file = table.get("vault_password_file").map(|value| on_host(&value, Want::File));
    let secret = table.get("vault");
    if let (Some(_), Some(secret)) = (&file, &secret) {
        secret.refuse_with("there is one vault password", "either `vault` or `vault_password_file`");
    }
    match secret {
        // Remembers where it stands, for whoever looks whether there is such a secret.
        Some(secret) => secret.string().map(Vault::Secret),
        None => file?.map(Vault::File),
    }
}

fn options(table: &Table) -> Vec<String> {
    let items = table.get("options").map(|value| value.items()).unwrap_or_default();
    let mut options = Vec::new();
    for item in &items {
        let Some(option) = item.string() else { continue };
        let word = option.split('=').next().unwrap_or_default();
        if let Some((_, instead)) = OURS.iter().find(|(ours, _)| *ours == word) {
            item.refuse_with(format!("`{word}` is given by envup itself"), format!("use {instead}"));
        }
        options.push(option);
    }
    options
}
