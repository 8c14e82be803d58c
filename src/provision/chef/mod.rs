//! `chef` steps: a run list that `chef-solo` (or Cinc's) converges inside the machine, without a server.
//!
//! solo.rb and the node's attributes are written by us and travel as files; nothing of them is in an argument.

mod report;
mod repository;

use super::install::{MISSING, MORE_PATHS, explained};
use super::running::request;
use super::staging::{SCRIPT_HEAD, Staging};
use super::{Applied, Provisioner, Target, inputs};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::step::{Chef, GuestTool, Step, Tool};
use crate::model::{Error, Result};
use envup_agent::{ExitCodes, StepRequest};
use repository::Repository;
use std::path::PathBuf;

/// Converges run lists.
pub struct ChefProvisioner;

/// Exit code of the script where nothing had to be updated: Chef itself has none for that, and none near it.
const UNCHANGED: i32 = 100;

impl Provisioner for ChefProvisioner {
    fn validate(&self, step: &Step) -> Result<()> {
        let chef = chef(step)?;
        chef.sources().try_for_each(|path| inputs::exist(step, path))?;
        Repository::of(chef).check(step, chef)
    }

    fn inputs(&self, step: &Step) -> Result<String> {
        let chef = chef(step)?;
        let mut digester = inputs::begin(step)?;
        inputs::digest_of_sources(digester.part("source"), &chef.source)?;
        for path in &chef.cookbooks {
            inputs::digest_of_sources(digester.part("cookbooks"), path)?;
        }
        for (label, path) in [("roles", &chef.roles), ("data_bags", &chef.data_bags)] {
            if let Some(path) = path {
                inputs::digest_of_sources(digester.part(label), path)?;
            }
        }
        for item in &chef.run_list {
            digester.part("run").part(item);
        }
        for (name, value) in &chef.node {
            digester.part("attribute").part(name).part(value.to_string());
        }
        for (label, value) in
            [("environment", &chef.environment), ("node", &chef.node_name), ("secret", &chef.data_bag_secret)]
        {
            if let Some(value) = value {
                digester.part(label).part(value);
            }
        }
        for option in &chef.options {
            digester.part("option").part(option);
        }
        Ok(digester.finish())
    }

    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let chef = chef(step)?;
        let mut staging = Staging::new(step)?;
        let arguments = furnish(chef, &mut staging)?;
        let request = StepRequest {
            codes: ExitCodes { changed: vec![0], unchanged: vec![UNCHANGED] },
            ..request(step, digest, target, script(), arguments)
        };
        let applied = staging.run(request, target, context)?;
        Ok(explained(applied, GuestTool::Chef, target, |applied| report::errors(&applied.output)))
    }
}

fn chef(step: &Step) -> Result<&Chef> {
    match &step.tool {
        Tool::Chef(chef) => Ok(chef),
        _ => Err(Error::failed(format!("step {} is not a chef step", step.name))),
    }
}

/// `$1` staging, then the arguments of `chef-solo`, whose last line says how many resources it updated.
fn script() -> String {
    format!(
        r#"{SCRIPT_HEAD}
shift
PATH=$PATH:{MORE_PATHS}
export LANG=C.UTF-8
solo=$(command -v chef-solo || command -v cinc-solo) || exit {MISSING}
{{ code=0; "$solo" "$@" || code=$?; echo $code >"$staging/code"; }} 2>&1 | tee "$staging/output"
code=$(cat "$staging/code")
if [ "$code" = 0 ] && grep -q ' finished, 0/[0-9]* resources updated' "$staging/output"; then exit {UNCHANGED}; fi
exit "$code"
"#
    )
}

/// Puts everything into the staging directory, and says what to call `chef-solo` with.
fn furnish(chef: &Chef, staging: &mut Staging) -> Result<Vec<String>> {
    let repository = Repository::of(chef);
    let mut solo = String::new();
    let places: [(&str, &[PathBuf]); 4] = [
        ("cookbook_path", &repository.cookbooks),
        ("role_path", repository.roles.as_slice()),
        ("data_bag_path", repository.data_bags.as_slice()),
        ("environment_path", repository.environments.as_slice()),
    ];
    for (setting, directories) in places.into_iter().filter(|(_, directories)| !directories.is_empty()) {
        let mut written = Vec::new();
        for (index, directory) in directories.iter().enumerate() {
            let name = format!("{setting}/{index}");
            staging.sources(directory, &name)?;
            written.push(quoted(&staging.at(&name)));
        }
        solo.push_str(&format!("{setting} [{}]\n", written.join(", ")));
    }
    for (setting, value) in
        [("node_name", &chef.node_name), ("encrypted_data_bag_secret", &chef.data_bag_secret)]
    {
        if let Some(value) = value {
            solo.push_str(&format!("{setting} {}\n", quoted(value)));
        }
    }
    let mut node: serde_json::Map<_, _> = chef.node.clone().into_iter().collect();
    node.insert("run_list".to_owned(), chef.run_list.clone().into());
    let node = serde_json::to_vec(&node).attempt(|| "writing the node's attributes")?;
    let (solo_path, node_path) = (staging.at("solo.rb"), staging.at("node.json"));
    staging.pack.file(&solo_path, 0o600, solo.as_bytes())?;
    staging.pack.file(&node_path, 0o600, &node)?;
    let mut arguments: Vec<String> =
        [&staging.path, "--no-color", "-c", &solo_path, "-j", &node_path].map(str::to_owned).to_vec();
    if let Some(environment) = &chef.environment {
        arguments.extend(["-E".to_owned(), environment.clone()]);
    }
    arguments.extend(chef.options.iter().cloned());
    Ok(arguments)
}

/// A string as Ruby reads it, without anything replaced in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::RunPolicy;
    use std::path::Path;

    fn chef_at(source: &Path) -> Chef {
        Chef {
            source: source.to_owned(),
            run_list: vec!["role[web]".into()],
            cookbooks: Vec::new(),
            roles: None,
            data_bags: None,
            data_bag_secret: Some("/run/secrets/bags".into()),
            environment: Some("production".into()),
            node: [("shop".to_owned(), serde_json::json!({"token": "kanarie"}))].into(),
            node_name: Some("web'1".into()),
            options: vec!["--chef-license".into(), "accept-silent".into()],
            install: None,
        }
    }

    fn step(chef: Chef) -> Step {
        let (name, tool, run) = ("chef".to_owned(), Tool::Chef(chef), RunPolicy::Changed);
        Step { index: 1, name, tool, run, layer: true, inputs: Vec::new() }
    }

    fn repository() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("cookbooks/shop/recipes/default.rb", "package 'nginx'"),
            ("roles/web.json", "{}"),
            ("environments/production.json", "{}"),
        ] {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        directory
    }

    #[test]
    fn solo_rb_and_attributes_travel_as_files() {
        let directory = repository();
        let chef = chef_at(directory.path());
        let mut staging = Staging::new(&step(chef.clone())).unwrap();
        let place = staging.path.clone();
        let arguments = furnish(&chef, &mut staging).unwrap().join(" ").replace(&place, "@");
        assert_eq!(
            arguments,
            "@ --no-color -c @/solo.rb -j @/node.json -E production --chef-license accept-silent"
        );
        let archive = String::from_utf8_lossy(&staging.pack.finish().unwrap()).replace(&place, "@");
        let solo = "cookbook_path ['@/cookbook_path/0']\nrole_path ['@/role_path/0']\n\
                    environment_path ['@/environment_path/0']\nnode_name 'web\\'1'\n\
                    encrypted_data_bag_secret '/run/secrets/bags'\n";
        assert!(archive.contains(solo), "{archive}");
        assert!(archive.contains(r#"{"run_list":["role[web]"],"shop":{"token":"kanarie"}}"#), "{archive}");
    }

    /// A stored digest must stay the same from version to version: else an upgrade of the tool runs every step again.
    #[test]
    fn the_digest_is_golden() {
        let directory = repository();
        let chef = chef_at(directory.path());
        let digest = ChefProvisioner.inputs(&step(chef.clone())).unwrap();
        assert_eq!(digest, "555a43f43cf211019e1b4ba48303a5be210e3677964f0df830c26f941a61ca14");
        let other = Chef { environment: None, ..chef };
        assert_ne!(ChefProvisioner.inputs(&step(other)).unwrap(), digest);
    }
}
