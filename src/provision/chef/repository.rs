//! Where a Chef repository keeps what a run list is made of, and whether all that it names is there.

use crate::model::step::{Chef, Step};
use crate::model::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Directories of the host; those that are there.
pub struct Repository {
    /// Each has a directory for every cookbook.
    pub cookbooks: Vec<PathBuf>,
    pub roles: Option<PathBuf>,
    pub data_bags: Option<PathBuf>,
    pub environments: Option<PathBuf>,
}

impl Repository {
    /// What a step declares, else what is custom in such a repository.
    pub fn of(chef: &Chef) -> Self {
        let inside = |name: &str| Some(chef.source.join(name)).filter(|path| path.is_dir());
        let own = ["cookbooks", "site-cookbooks"].into_iter().filter_map(inside);
        Self {
            cookbooks: own.chain(chef.cookbooks.iter().cloned()).collect(),
            roles: chef.roles.clone().or_else(|| inside("roles")),
            data_bags: chef.data_bags.clone().or_else(|| inside("data_bags")),
            environments: inside("environments"),
        }
    }

    /// Refuses a run list or environment that names what the repository does not have.
    pub fn check(&self, step: &Step, chef: &Chef) -> Result<()> {
        let refused =
            |what: String, hint: &str| Err(Error::usage(format!("step {}: {what}", step.name)).hint(hint));
        for item in &chef.run_list {
            if let Some(role) = bracketed(item, "role") {
                if !has_definition(self.roles.as_deref(), role) {
                    let roles = self.roles.clone().unwrap_or_else(|| chef.source.join("roles"));
                    let what = format!("there is no role {role} in {}", roles.display());
                    return refused(what, "roles are files such as roles/web.json or roles/web.rb");
                }
                continue;
            }
            let recipe = bracketed(item, "recipe").unwrap_or(item);
            let cookbook = recipe.split(['@', ':']).next().unwrap_or_default();
            if !self.cookbooks.iter().any(|directory| has_cookbook(directory, cookbook)) {
                return refused(
                    format!("there is no cookbook {cookbook} for {item}"),
                    "cookbooks are looked for in cookbooks and site-cookbooks of the repository, and in \
                     `cookbooks` of the step; `berks vendor` brings those of others there",
                );
            }
        }
        match chef.environment.as_deref().filter(|name| *name != "_default") {
            Some(name) if !has_definition(self.environments.as_deref(), name) => refused(
                format!("there is no environment {name} in {}/environments", chef.source.display()),
                "environments are files such as environments/production.json",
            ),
            _ => Ok(()),
        }
    }
}

/// `web` of `role[web]`.
fn bracketed<'a>(item: &'a str, word: &str) -> Option<&'a str> {
    item.strip_prefix(word)?.strip_prefix('[')?.strip_suffix(']')
}

fn has_definition(directory: Option<&Path>, name: &str) -> bool {
    let is_there = |extension: &str| {
        directory.is_some_and(|directory| directory.join(format!("{name}.{extension}")).is_file())
    };
    ["json", "rb"].iter().any(|extension| is_there(extension))
}

/// By its directory's name, or by what its metadata calls it.
fn has_cookbook(directory: &Path, name: &str) -> bool {
    if directory.join(name).is_dir() {
        return true;
    }
    let names = [format!("name '{name}'"), format!("name \"{name}\""), format!("\"name\": \"{name}\"")];
    let is_called = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        // However many blanks are between the two.
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.into_iter().any(|line| names.iter().any(|name| line.starts_with(name)))
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files =
        entries.flat_map(|entry| ["metadata.rb", "metadata.json"].map(|file| entry.path().join(file)));
    files.any(is_called)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookbooks_are_found_by_directory_and_metadata() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("web")).unwrap();
        fs::create_dir_all(directory.path().join("chef-shop")).unwrap();
        fs::write(directory.path().join("chef-shop/metadata.rb"), "name    'shop'\nversion '1.0'\n").unwrap();
        assert!(has_cookbook(directory.path(), "web") && has_cookbook(directory.path(), "shop"));
        assert!(!has_cookbook(directory.path(), "other"));
    }
}
