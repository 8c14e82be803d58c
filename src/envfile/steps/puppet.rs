//! `puppet` steps: a control repository, or one manifest, applied inside the machine.

use super::{Named, ToolReader};
use crate::envfile::data;
use crate::envfile::keys::{Keys, key_table};
use crate::envfile::paths::{Want, on_host};
use crate::envfile::table::Table;
use crate::model::step::{Puppet, Tool};

pub(in crate::envfile) static TOOL: ToolReader = ToolReader { name: "puppet", keys: KEYS, read };

static KEYS: Keys = key_table! { "machine.NAME.provision (puppet)"
    "puppet" "path" r#""ops/control-repo""# "" "a control repository, or one manifest; all of its directory is an input. Modules of its Puppetfile that are not there are fetched by this host's r10k, which asks for consent";
    "manifest" "path" r#""ops/control-repo/manifests/site.pp""# "as environment.conf says, else its manifests" "a manifest or a directory of them in the control repository";
    "environment" "string" r#""production""# "production" "Puppet's own environment";
    "facts" "table" r#"{ app_env = "${environment}" }"# "" "external facts; they travel as a file that only root may read";
    "modules" "list of paths" r#"["ops/modules"]"# "" "directories of modules, after those of environment.conf or else modules, site-modules, site";
    "hiera" "path" r#""ops/hiera""# "the control repository's hiera.yaml" "global layer: a file of the control repository, or a directory with a hiera.yaml";
    "node_name" "string" r#""web1.example.org""# "the machine's" "the name that `node` definitions are chosen by";
    "options" "list of strings" r#"["--show_diff"]"# "" "further arguments of puppet apply";
    "install" "boolean" "false" "true for a box" "whether Puppet is installed where it is missing, as a step of its own";
};

fn read(table: &Table) -> Option<Named> {
    let source = table.get("puppet").and_then(|value| on_host(&value, Want::Any));
    let written = table.string("puppet");
    let inside = |key: &str, want| {
        let value = table.get(key)?;
        let path = on_host(&value, want)?;
        match &source {
            Some(source) if !path.starts_with(source) || !source.is_dir() => {
                value.refuse_with(
                    "lies outside the control repository",
                    "relative to the Envfile's directory",
                );
                None
            }
            _ => Some(path),
        }
    };
    let manifest = inside("manifest", Want::Any);
    let hiera = table.get("hiera").and_then(|value| {
        let path = on_host(&value, Want::Any)?;
        if path.is_dir() {
            if !path.join("hiera.yaml").is_file() {
                value.refuse("the directory has no hiera.yaml");
            }
            return Some(path);
        }
        inside("hiera", Want::File)
    });
    let environment = table.get("environment").map_or(Some("production".to_owned()), |value| {
        value.parse(|text| {
            match text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.is_empty() {
                true => Ok(text.to_owned()),
                false => Err(format!("`{text}` is no name of an environment: letters, digits and `_`")),
            }
        })
    });
    let modules = table.get("modules").map(|value| value.items()).unwrap_or_default();
    let modules = modules.iter().filter_map(|item| on_host(item, Want::Directory)).collect();
    let facts = data::of_key(table, "facts");
    let node_name = table.string("node_name").filter(|name| !name.is_empty());
    let options = table.strings("options");
    let install = table.get("install").and_then(|value| value.boolean());
    let tool = Puppet {
        source: source?,
        manifest,
        environment: environment?,
        facts,
        modules,
        hiera,
        node_name,
        options,
        install,
    };
    Some((Tool::Puppet(tool), written?))
}
