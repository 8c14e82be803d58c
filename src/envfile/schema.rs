//! The top of the Envfile: from the parsed TOML to a [`Stack`], findings noted in the reader.

use super::drift::drift;
use super::environment;
use super::keys;
use super::layers::layers;
use super::machine::machine;
use super::networks::subnet;
use super::paths::{Want, on_host};
use super::reader::Reader;
use super::steps::ansible::find_password;
use super::steps::{install, stack_steps};
use super::table::Table;
use super::value::Value;
use crate::model::id::why_bad_name;
use crate::model::stack::{Content, DEFAULT_NETWORK, Hidden, Network, Stack, Volume};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// What the caller says about the stack besides the Envfile.
pub(super) struct Given {
    /// The Envfile; absolute.
    pub file: PathBuf,
    /// Instead of the Envfile's `name`.
    pub project: Option<String>,
    /// The environment's name.
    pub environment: String,
}

/// Reads everything. The stack is only worth something when the reader has no findings.
pub(super) fn stack(reader: &Reader, document: &DeTable, given: Given) -> Stack {
    let written = reader.top(document, keys::TOP);
    let applied = environment::applied(&written, &given.environment);
    let top = Table { map: &applied, ..written };
    reader.scope.borrow_mut().ours.insert("environment", given.environment.clone());
    let declared = variables(&top);
    reader.scope.borrow_mut().declared = declared;
    let written = top.get("name").and_then(|value| value.parse(|text| checked(text).map(str::to_owned)));
    let name = given.project.or(written).unwrap_or_else(|| name_of_directory(&reader.directory));
    reader.scope.borrow_mut().ours.insert("project", name.clone());

    let mut machines = named(&top, "machine", machine);
    refuse_emptiness(&top);
    let mut networks = named(&top, "network", network);
    if machines.values().any(|machine| machine.networks.contains_key(DEFAULT_NETWORK)) {
        let default = || Network { name: DEFAULT_NETWORK.to_owned(), ..Network::default() };
        networks.entry(DEFAULT_NETWORK.to_owned()).or_insert_with(default);
    }
    let all: Vec<String> = machines.keys().cloned().collect();
    let mut provision = stack_steps(&top, &all);
    install::for_steps_of_stack(&mut machines, &provision);
    let (secrets, configs) = (named(&top, "secret", secret), named(&top, "config", config));
    let own = machines.values_mut().flat_map(|machine| &mut machine.provision);
    own.chain(provision.iter_mut().map(|several| &mut several.step))
        .for_each(|step| find_password(step, &secrets));
    Stack {
        name,
        environment: given.environment,
        environments: environment::declared(document),
        file: given.file,
        directory: reader.directory.clone(),
        volumes: named(&top, "volume", volume),
        provision,
        machines,
        networks,
        secrets,
        configs,
        drift: drift(&top),
        layers: layers(&top),
    }
}

fn refuse_emptiness(top: &Table) {
    let machines = top.get("machine").filter(|value| !value.is_table() || !value.entries().is_empty());
    // A slip in the word `machine` itself is told as such.
    if machines.is_none() && !top.has_unknown() {
        let wrong = top.reader.at(&top.span, "the Envfile declares no machine");
        top.reader.refuse(wrong.hint("`env new` writes an Envfile to begin with."));
    }
}

/// The values of `variables`, which may use the host's but not each other.
fn variables(top: &Table) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, _, value) in top.get("variables").map(|value| value.entries()).unwrap_or_default() {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if ["environment", "project", "machine"].contains(&name.as_str()) {
            value.refuse(format!("`{name}` is set by env itself"));
        } else if !plain || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            value.refuse(format!("`{name}` is not the name of a variable (letters, digits and `_`)"));
        } else if let Some(text) = value.text() {
            variables.insert(name, text);
        }
    }
    variables
}

fn checked(name: &str) -> Result<&str, String> {
    why_bad_name(name).map_or(Ok(name), |why| Err(format!("the name `{name}` {why}")))
}

/// The things of a table of named tables; each name is checked.
fn named<T>(top: &Table, key: &str, read: impl Fn(&str, &Value) -> Option<T>) -> BTreeMap<String, T> {
    let entries = top.get(key).map(|value| value.entries()).unwrap_or_default();
    let one = |(name, span, value): (String, _, Value)| {
        if let Err(why) = checked(&name) {
            top.reader.refuse(top.reader.at(&span, format!("{key}: {why}")));
        }
        let thing = read(&name, &value)?;
        Some((name, thing))
    };
    entries.into_iter().filter_map(one).collect()
}

fn network(name: &str, value: &Value) -> Option<Network> {
    let table = value.table(&[keys::NETWORK], format!("network {name}"), None)?;
    let network = Network {
        name: name.to_owned(),
        driver: table.string("driver"),
        subnet: table.get("subnet").and_then(|value| value.parse(subnet)),
        internal: table.flag("internal"),
        external: table.string("external"),
        labels: labels(&table),
    };
    refuse_beside_external(&table, &["driver", "subnet", "internal", "labels"]);
    Some(network)
}

fn volume(name: &str, value: &Value) -> Option<Volume> {
    let table = value.table(&[keys::VOLUME], format!("volume {name}"), None)?;
    let volume = Volume {
        name: name.to_owned(),
        driver: table.string("driver"),
        options: table.texts("options"),
        external: table.string("external"),
        labels: labels(&table),
    };
    refuse_beside_external(&table, &["driver", "options", "labels"]);
    Some(volume)
}

/// The user's labels; ours say what belongs to whom and must not be forged.
pub(super) fn labels(table: &Table) -> BTreeMap<String, String> {
    let entries = table.get("labels").map(|value| value.entries()).unwrap_or_default();
    let label = |(name, span, value): (String, _, Value)| {
        if name.is_empty() || name.starts_with("envup.") {
            value
                .pointing_at(span)
                .refuse(format!("`{name}` is not possible, names that begin with `envup.` are ours"));
            return None;
        }
        Some((name, value.text()?))
    };
    entries.into_iter().filter_map(label).collect()
}

/// What is not ours is taken as it is.
fn refuse_beside_external(table: &Table, others: &[&str]) {
    if let Some(external) = table.get("external") {
        if external.string().is_some_and(|name| name.is_empty()) {
            external.refuse("the name is empty");
        }
        for other in others.iter().filter_map(|key| table.get(key)) {
            other.refuse("has no effect beside `external`, which exists already");
        }
    }
}

fn secret(name: &str, value: &Value) -> Option<Content> {
    let table = value.table(&[keys::SECRET], format!("secret {name}"), None)?;
    match (table.get("env"), table.get("file")) {
        (Some(variable), None) => {
            let variable = variable.string()?;
            let value = table.reader.scope.borrow().host.get(&variable).cloned();
            if value.is_none() {
                let warning = format!("secret {name}: the environment variable {variable} is not set");
                table.reader.warnings.borrow_mut().push(warning);
            }
            Some(Content::Environment { variable, value: value.map(Hidden) })
        }
        (None, Some(file)) => on_host(&file, Want::File).map(Content::File),
        _ => one_of_two(&table, "env", "file"),
    }
}

fn config(name: &str, value: &Value) -> Option<Content> {
    let table = value.table(&[keys::CONFIG], format!("config {name}"), None)?;
    match (table.get("content"), table.get("file")) {
        (Some(content), None) => content.string().map(Content::Inline),
        (None, Some(file)) => on_host(&file, Want::File).map(Content::File),
        _ => one_of_two(&table, "content", "file"),
    }
}

fn one_of_two<T>(table: &Table, first: &str, second: &str) -> Option<T> {
    if !table.has_unknown() {
        table.refuse(format!("{} needs either `{first}` or `{second}`", table.place), "exactly one of them");
    }
    None
}

/// A valid name made from the directory's.
fn name_of_directory(directory: &Path) -> String {
    let name = directory.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let valid = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' };
    let name: String = name.chars().map(valid).take(40).collect();
    let name = name.trim_matches(['-', '_']);
    if name.is_empty() { "stack".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::name_of_directory;
    use std::path::Path;

    #[test]
    fn a_directory_gives_a_valid_name() {
        for (path, name) in
            [("/srv/Shop", "shop"), ("/srv/my shop.d", "my-shop-d"), ("/", "stack"), ("/ü", "stack")]
        {
            assert_eq!(name_of_directory(Path::new(path)), name);
        }
    }
}
