//! Where a control repository keeps its manifests and modules: what its `environment.conf` says, else Puppet's custom.

use crate::model::error::Attempt;
use crate::model::step::{Puppet, Step};
use crate::model::{Error, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Directories of modules where no `environment.conf` names them; those that are there count.
const MODULE_DIRECTORIES: [&str; 3] = ["modules", "site-modules", "site"];

/// Puppet's own modules, and those of the machine's packages.
const BASE_MODULES: &str = "$basemodulepath";

/// Paths are relative to the control repository, or absolute in the machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// The manifest, or the directory of manifests.
    pub manifest: String,
    /// Directories of modules, the first that has a module wins.
    pub modules: Vec<String>,
}

impl Layout {
    /// Looks at the sources of a step.
    pub fn of(step: &Step, puppet: &Puppet) -> Result<Self> {
        if puppet.source.is_file() {
            let name = puppet.source.file_name().map(|name| name.to_string_lossy().into_owned());
            let manifest = format!("manifests/{}", name.unwrap_or_default());
            return Ok(Self { manifest, modules: vec![BASE_MODULES.to_owned()] });
        }
        let settings = environment_conf(&puppet.source)?;
        let inside =
            |path: &Path| path.strip_prefix(&puppet.source).unwrap_or(path).to_string_lossy().into_owned();
        let manifest = match (&puppet.manifest, settings.get("manifest")) {
            (Some(path), _) => inside(path),
            (None, Some(path)) => path.trim_start_matches("./").to_owned(),
            (None, None) => "manifests".to_owned(),
        };
        if !has_manifest(&puppet.source.join(&manifest)) {
            let shown = puppet.source.join(&manifest);
            return Err(Error::usage(format!(
                "step {}: there is no manifest at {}",
                step.name,
                shown.display()
            ))
            .hint("`manifest` in the step, or in the control repository's environment.conf, names another"));
        }
        let modules = match settings.get("modulepath") {
            Some(path) => path.split(':').map(|one| one.trim().trim_start_matches("./").to_owned()).collect(),
            None => {
                let there = MODULE_DIRECTORIES.iter().filter(|name| puppet.source.join(name).is_dir());
                there.copied().chain([BASE_MODULES]).map(str::to_owned).collect()
            }
        };
        Ok(Self { manifest, modules })
    }

    /// The module path in a machine where the control repository lies at `root`, with further directories: before Puppet's own.
    pub fn module_path(&self, root: &str, more: &[String]) -> String {
        let is_base = |one: &String| one == BASE_MODULES;
        let absolute = |one: &String| match one.starts_with(['/', '$']) {
            true => one.clone(),
            false => format!("{root}/{one}"),
        };
        let (base, own): (Vec<&String>, Vec<&String>) = self.modules.iter().partition(|one| is_base(one));
        let all = own.into_iter().map(absolute).chain(more.iter().cloned()).chain(base.into_iter().cloned());
        all.collect::<Vec<_>>().join(":")
    }
}

fn has_manifest(path: &Path) -> bool {
    let is_manifest = |path: &Path| path.extension().is_some_and(|extension| extension == "pp");
    if path.is_file() {
        return true;
    }
    walkdir::WalkDir::new(path).into_iter().flatten().any(|entry| is_manifest(entry.path()))
}

/// The settings of `environment.conf`: none when there is none.
fn environment_conf(directory: &Path) -> Result<BTreeMap<String, String>> {
    let path = directory.join("environment.conf");
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let text = fs::read_to_string(&path).attempt(|| format!("reading {}", path.display()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let settings = lines.filter_map(|line| line.split_once('='));
    Ok(settings.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::puppet::tests::{puppet, step};

    fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        directory
    }

    fn layout(files: &[(&str, &str)]) -> Result<Layout> {
        let directory = repository(files);
        let puppet = puppet(directory.path());
        Layout::of(&step(puppet.clone()), &puppet)
    }

    #[test]
    fn a_repository_without_a_word_is_laid_out_as_usual() {
        let found = layout(&[("manifests/nodes/web.pp", ""), ("site/role/x", ""), ("modules/y/x", "")]);
        let found = found.unwrap();
        assert_eq!(found.manifest, "manifests");
        assert_eq!(found.modules, ["modules", "site", "$basemodulepath"]);
        let path = found.module_path("/s/e", &["/s/more".to_owned()]);
        assert_eq!(path, "/s/e/modules:/s/e/site:/s/more:$basemodulepath");
    }

    #[test]
    fn environment_conf_is_honoured() {
        let conf =
            "# ours\nmanifest = ./site.pp # one\nmodulepath = site:modules:$basemodulepath:/opt/modules\n";
        let found = layout(&[("environment.conf", conf), ("site.pp", "")]).unwrap();
        assert_eq!(found.manifest, "site.pp");
        assert_eq!(found.module_path("/e", &[]), "/e/site:/e/modules:/opt/modules:$basemodulepath");
    }

    #[test]
    fn a_missing_manifest_is_told() {
        let error = layout(&[("manifests/README", "")]).unwrap_err();
        assert!(error.message.contains("there is no manifest at"), "{error}");
    }
}
