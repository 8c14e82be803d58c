//! `puppet` steps: a control repository, or one manifest, applied by `puppet apply` inside the machine.
//!
//! The repository is laid out there as an environment of its own, so that environment.conf, hiera.yaml, custom facts and
//! functions work as they do under a Puppet server. Facts travel as a file; nothing of them is in an argument.

mod layout;
mod puppetfile;
mod r10k;
mod report;

use super::install::{MISSING, MORE_PATHS, explained};
use super::running::{REPORT_MARK, request};
use super::staging::{SCRIPT_HEAD, Staging};
use super::{Applied, HostTool, Provisioner, Target, Workshop, inputs};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::step::{GuestTool, Puppet, Step, Tool};
use crate::model::{Error, Result};
use envup_agent::{ExitCodes, StepRequest};
use layout::Layout;
use puppetfile::{Lacking, lacking};
use std::path::PathBuf;

/// Applies catalogs.
pub struct PuppetProvisioner;

impl Provisioner for PuppetProvisioner {
    fn validate(&self, step: &Step) -> Result<()> {
        let puppet = puppet(step)?;
        puppet.sources().try_for_each(|path| inputs::exist(step, path))?;
        lacks(step, puppet).map(drop)
    }

    fn inputs(&self, step: &Step) -> Result<String> {
        let puppet = puppet(step)?;
        let mut digester = inputs::begin(step)?;
        inputs::digest_of_sources(digester.part("source"), &puppet.source)?;
        for path in &puppet.modules {
            inputs::digest_of_sources(digester.part("modules"), path)?;
        }
        for (label, path) in [("manifest", &puppet.manifest), ("hiera", &puppet.hiera)] {
            let Some(path) = path else { continue };
            digester.part(label);
            match path.strip_prefix(&puppet.source) {
                Ok(inside) => {
                    digester.part(inside.as_os_str().as_encoded_bytes());
                }
                Err(_) => inputs::digest_of_sources(&mut digester, path)?,
            }
        }
        digester.part("environment").part(&puppet.environment);
        for (name, value) in &puppet.facts {
            digester.part("fact").part(name).part(value.to_string());
        }
        if let Some(name) = &puppet.node_name {
            digester.part("node").part(name);
        }
        for option in &puppet.options {
            digester.part("option").part(option);
        }
        Ok(digester.finish())
    }

    fn prepare(&self, step: &Step, _: &[&str], workshop: &Workshop<'_>, context: &Context) -> Result<()> {
        fetched_modules(step, puppet(step)?, workshop, context).map(drop)
    }

    fn on_host(&self, step: &Step) -> Result<Option<HostTool>> {
        lacks(step, puppet(step)?)?.as_ref().map(r10k::host_tool).transpose()
    }

    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let puppet = puppet(step)?;
        let mut staging = Staging::new(step)?;
        let fetched = fetched_modules(step, puppet, target.workshop, context)?;
        let arguments = furnish(step, puppet, &fetched, &mut staging)?;
        let request = StepRequest {
            codes: ExitCodes { changed: vec![2], unchanged: vec![0] },
            ..request(step, digest, target, script(), arguments)
        };
        let applied = staging.run(request, target, context)?;
        Ok(explained(applied, GuestTool::Puppet, target, |applied| {
            Some(report::errors(&applied.report)).filter(|says| !says.is_empty())
        }))
    }
}

fn puppet(step: &Step) -> Result<&Puppet> {
    match &step.tool {
        Tool::Puppet(puppet) => Ok(puppet),
        _ => Err(Error::failed(format!("step {} is not a puppet step", step.name))),
    }
}

/// What r10k has to fetch; an error where it cannot.
fn lacks(step: &Step, puppet: &Puppet) -> Result<Option<Lacking>> {
    let lacking = lacking(step, puppet, &Layout::of(step, puppet)?)?;
    lacking.iter().try_for_each(|lacking| lacking.check(step, r10k::is_here()))?;
    Ok(lacking)
}

/// Directories with the modules of the Puppetfile that the control repository lacks.
fn fetched_modules(
    step: &Step,
    puppet: &Puppet,
    workshop: &Workshop<'_>,
    context: &Context,
) -> Result<Vec<PathBuf>> {
    match lacks(step, puppet)? {
        Some(lacking) => r10k::fetch(step, &lacking, workshop, context),
        None => Ok(Vec::new()),
    }
}

/// `$1` staging, then the arguments of `puppet apply`. The errors of the JSON log come last, for us.
fn script() -> String {
    format!(
        r#"{SCRIPT_HEAD}
shift
PATH=$PATH:{MORE_PATHS}
export LANG=C.UTF-8
if ! command -v puppet >/dev/null; then exit {MISSING}; fi
code=0
puppet apply --detailed-exitcodes --color=false --logdest console --logdest "$staging/log.json" "$@" || code=$?
echo '{REPORT_MARK}'
grep -s -e '"level":"err"' -e '"level":"alert"' -e '"level":"crit"' "$staging/log.json" || true
exit $code
"#
    )
}

/// Puts everything into the staging directory, and says what to call `puppet apply` with; `fetched` are directories of modules.
fn furnish(step: &Step, puppet: &Puppet, fetched: &[PathBuf], staging: &mut Staging) -> Result<Vec<String>> {
    let layout = Layout::of(step, puppet)?;
    let environment = format!("environments/{}", puppet.environment);
    let root = staging.at(&environment);
    if puppet.source.is_file() {
        staging.sources(&puppet.source, &format!("{environment}/{}", layout.manifest))?;
    } else {
        staging.sources(&puppet.source, &environment)?;
    }
    let mut more = Vec::new();
    for (index, modules) in puppet.modules.iter().chain(fetched).enumerate() {
        let name = format!("modules/{index}");
        staging.sources(modules, &name)?;
        more.push(staging.at(&name));
    }
    let facts = serde_json::to_vec(&puppet.facts).attempt(|| "writing facts")?;
    staging.pack.file(&staging.at("facts.d/envup.json"), 0o600, &facts)?;
    let mut arguments = vec![staging.path.clone()];
    let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    option("--environmentpath", staging.at("environments"));
    option("--environment", puppet.environment.clone());
    option("--modulepath", layout.module_path(&root, &more));
    option("--pluginfactdest", staging.at("facts.d"));
    if let Some(path) = &puppet.hiera {
        let config = match path.strip_prefix(&puppet.source) {
            Ok(inside) => format!("{root}/{}", inside.display()),
            Err(_) => {
                staging.sources(path, "hiera")?;
                staging.at("hiera")
            }
        };
        option("--hiera_config", if path.is_dir() { format!("{config}/hiera.yaml") } else { config });
    }
    if let Some(name) = &puppet.node_name {
        option("--certname", name.clone());
    }
    arguments.extend(puppet.options.iter().cloned());
    arguments.push(format!("{root}/{}", layout.manifest));
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::RunPolicy;
    use std::path::Path;

    pub fn puppet(source: &Path) -> Puppet {
        Puppet {
            source: source.to_owned(),
            manifest: None,
            environment: "production".into(),
            facts: Default::default(),
            modules: Vec::new(),
            hiera: None,
            node_name: None,
            options: Vec::new(),
            install: None,
        }
    }

    pub fn step(puppet: Puppet) -> Step {
        let (name, tool, run) = ("site".to_owned(), Tool::Puppet(puppet), RunPolicy::Changed);
        Step { index: 1, name, tool, run, layer: true, inputs: Vec::new() }
    }

    /// A stored digest must stay the same from version to version: else an upgrade of the tool runs every step again.
    #[test]
    fn the_digest_is_golden_and_everything_declared_counts() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        write("manifests/site.pp", "include role");
        let one = puppet(directory.path());
        let digest = |puppet: &Puppet| PuppetProvisioner.inputs(&step(puppet.clone())).unwrap();
        let golden = digest(&one);
        assert_eq!(golden, "63c61d56e1613da384130c7e1a94844505b7dd7f1092c575800f32745218fb24");
        let mut other = one.clone();
        other.facts.insert("app_env".into(), "production".into());
        let others = [
            other,
            Puppet { node_name: Some("web1".into()), ..one.clone() },
            Puppet { environment: "test".into(), ..one.clone() },
            Puppet { options: vec!["--noop".into()], ..one.clone() },
        ];
        others.iter().for_each(|other| assert_ne!(digest(other), golden, "{other:?}"));
        // Neither how it is installed nor what git keeps beside it is an input.
        assert_eq!(digest(&Puppet { install: Some(false), ..one.clone() }), golden);
        write(".git/index", "changes with every command");
        assert_eq!(digest(&one), golden);
        write("data/common.yaml", "---");
        assert_ne!(digest(&one), golden);
    }

    #[test]
    fn facts_travel_as_a_file_and_not_as_an_argument() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("web.pp"), "").unwrap();
        let mut one = puppet(&directory.path().join("web.pp"));
        one.facts.insert("token".into(), "kanarie".into());
        one.node_name = Some("web1".into());
        let step = step(one.clone());
        let mut staging = Staging::new(&step).unwrap();
        let arguments = furnish(&step, &one, &[], &mut staging).unwrap();
        let place = staging.path.clone();
        let shown: Vec<String> = arguments.iter().map(|argument| argument.replace(&place, "@")).collect();
        assert_eq!(
            shown.join(" "),
            "@ --environmentpath @/environments --environment production --modulepath $basemodulepath \
             --pluginfactdest @/facts.d --certname web1 @/environments/production/manifests/web.pp"
        );
        let archive = staging.pack.finish().unwrap();
        assert!(String::from_utf8_lossy(&archive).contains(r#"{"token":"kanarie"}"#));
    }
}
