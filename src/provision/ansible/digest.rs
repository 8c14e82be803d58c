//! What an `ansible` step depends on: the playbook's directory as a whole, the inventories with what lies beside them, the roles
//! of `roles_path`, requirements, configuration, and the step's own keys. Never the vault password.

use crate::model::Result;
use crate::model::digest::Digester;
use crate::model::error::Attempt;
use crate::model::step::{Ansible, Members};
use crate::provision::inputs::digest_of_file;
use crate::state::STATE_DIRECTORY;
use std::fs;
use std::path::{Path, PathBuf};

/// What lies in such directories and says nothing of what a run does: Python's and Ansible's own leavings, and git's.
const LEAVINGS: [&str; 3] = [".git", "__pycache__", STATE_DIRECTORY];

/// Keys of an `ansible.cfg` that name directories with code.
const PATHS: [&str; 3] = ["roles_path", "collections_path", "collections_paths"];

/// Adds all of it.
pub fn add(digester: &mut Digester, ansible: &Ansible) -> Result<()> {
    let directory = directory(ansible);
    digester.part("playbook").part(ansible.playbook.file_name().unwrap_or_default().as_encoded_bytes());
    let password = ansible.password_file.as_deref();
    tree(digester, directory, password)?;
    for inventory in &ansible.inventory {
        digester.part("inventory");
        tree(digester, inventory, password)?;
        for beside in ["group_vars", "host_vars"].map(|name| inventory.with_file_name(name)) {
            if inventory.is_file() && beside.is_dir() {
                tree(digester, &beside, password)?;
            }
        }
    }
    for path in ansible.requirements.iter().chain(&config(ansible)) {
        digester.part("file");
        tree(digester, path, None)?;
    }
    for path in configured(ansible)?.iter().filter(|path| !path.starts_with(directory) && path.is_dir()) {
        digester.part("path");
        tree(digester, path, password)?;
    }
    keys(digester, ansible);
    Ok(())
}

/// The directory that a playbook lies and runs in.
pub fn directory(ansible: &Ansible) -> &Path {
    ansible.playbook.parent().unwrap_or(Path::new("/"))
}

/// The configuration that holds: the one named, else the one beside the playbook.
pub fn config(ansible: &Ansible) -> Option<PathBuf> {
    let beside = directory(ansible).join("ansible.cfg");
    ansible.config.clone().or_else(|| beside.is_file().then_some(beside))
}

/// Directories with code that the configuration names, relative to it; those below a home belong to somebody's own set-up.
fn configured(ansible: &Ansible) -> Result<Vec<PathBuf>> {
    let Some(file) = config(ansible) else { return Ok(Vec::new()) };
    let text = fs::read_to_string(&file).attempt(|| format!("reading {}", file.display()))?;
    let base = file.parent().unwrap_or(Path::new("/"));
    let lines = text.lines().filter_map(|line| line.split_once(['=', ':']));
    let named = lines.filter(|(key, _)| PATHS.contains(&key.trim()));
    let paths = named.flat_map(|(_, value)| value.trim().split(':').map(str::trim).collect::<Vec<_>>());
    Ok(paths.filter(|path| !path.is_empty() && !path.starts_with('~')).map(|path| base.join(path)).collect())
}

fn keys(digester: &mut Digester, ansible: &Ansible) {
    for (machine, host) in &ansible.hosts {
        digester.part("host").part(machine).part(host);
    }
    for (group, members) in &ansible.groups {
        digester.part("group").part(group);
        if let Members::Named(machines) = members {
            machines.iter().for_each(|machine| _ = digester.part("member").part(machine));
        }
    }
    for (key, values) in [
        ("limit", &ansible.limit),
        ("tag", &ansible.tags),
        ("skip_tag", &ansible.skip_tags),
        ("option", &ansible.options),
    ] {
        values.iter().for_each(|value| _ = digester.part(key).part(value));
    }
    for (name, value) in &ansible.variables {
        digester.part("variable").part(name).part(value.to_string());
    }
    if ansible.becomes {
        digester.part("become");
    }
}

/// A file, or all that is below a directory and is no leaving: paths, types, permissions and contents.
fn tree(digester: &mut Digester, path: &Path, without: Option<&Path>) -> Result<()> {
    let reading = || format!("reading {}", path.display());
    let walk = walkdir::WalkDir::new(path).sort_by_file_name().follow_root_links(true).into_iter();
    let counts = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let leaving = LEAVINGS.contains(&&*name) || name.ends_with(".retry") || name.ends_with(".pyc");
        entry.depth() == 0 || !leaving && Some(entry.path()) != without
    };
    for entry in walk.filter_entry(counts) {
        let entry = entry.attempt(reading)?;
        let relative = entry.path().strip_prefix(path).unwrap_or(entry.path());
        digest_of_file(digester, relative.as_os_str(), entry.path(), entry.file_type())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(ansible: &Ansible) -> String {
        let mut digester = Digester::new("test/1");
        add(&mut digester, ansible).unwrap();
        digester.finish()
    }

    #[test]
    fn everything_a_run_reads_counts_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), text).unwrap();
        };
        write("ops/site.yml", "- hosts: all\n");
        write("ops/password", "secret");
        write("inventory/hosts", "db1\n");
        write("inventory/group_vars/all.yml", "a: 1\n");
        write("ansible.cfg", "[defaults]\nroles_path = shared/roles:~/.ansible/roles\n");
        write("shared/roles/web/tasks/main.yml", "[]\n");
        let ansible = Ansible {
            playbook: at("ops/site.yml"),
            inventory: vec![at("inventory/hosts")],
            password_file: Some(at("ops/password")),
            config: Some(at("ansible.cfg")),
            ..Ansible::default()
        };
        let mut last = digest(&ansible);
        for same in ["ops/password", "ops/x.retry", "ops/filter_plugins/__pycache__/a.pyc", "README"] {
            write("ops/filter_plugins/a.py", "");
            last = digest(&ansible);
            write(same, "something else");
            assert_eq!(digest(&ansible), last, "{same}");
        }
        for other in
            ["ops/site.yml", "inventory/group_vars/all.yml", "shared/roles/web/tasks/main.yml", "ansible.cfg"]
        {
            let text = fs::read_to_string(at(other)).unwrap();
            write(other, &format!("{text}# changed\n"));
            assert_ne!(digest(&ansible), last, "{other}");
            last = digest(&ansible);
        }
        let limited = Ansible { limit: vec!["web".into()], ..ansible.clone() };
        assert_ne!(digest(&limited), last);
    }
}
