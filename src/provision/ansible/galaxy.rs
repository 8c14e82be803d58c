//! Roles and collections that a step requires, fetched from a Galaxy.

use super::session::Session;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use crate::provision::fetched::fetched;
use std::fs;
use std::path::{Path, PathBuf};

/// Fetches what is not there yet; gives the directory with `roles` and `collections`.
pub fn fetch(session: &Session<'_>, context: &Context) -> Result<PathBuf> {
    let file = session.ansible.requirements.as_deref().unwrap_or(Path::new(""));
    let reading = || format!("reading {}", file.display());
    let text = fs::read_to_string(file).attempt(reading)?;
    fetched(session.step, "ansible", text.as_bytes(), session.workshop, context, |directory| {
        for kind in kinds(&text) {
            let target = directory.join(format!("{kind}s"));
            fs::create_dir_all(&target).attempt(|| format!("cannot make {}", target.display()))?;
            let arguments = [
                kind.into(),
                "install".into(),
                "-r".into(),
                file.into(),
                "-p".into(),
                target.into_os_string(),
            ];
            let ended = session.run("ansible-galaxy", arguments.into(), None, &|_| {}, context)?;
            if ended.code != 0 {
                return Err(Error::failed(format!("step {}: cannot fetch its {kind}s", session.step.name))
                    .detail(session.complaint(&ended.said))
                    .hint(format!("{} says where they come from", file.display())));
            }
        }
        Ok(())
    })
}

/// What a requirements file lists; one that is a mere list has roles.
fn kinds(text: &str) -> Vec<&'static str> {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    let mut kinds = Vec::new();
    if has("roles:") || has("- ") {
        kinds.push("role");
    }
    if has("collections:") {
        kinds.push("collection");
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::kinds;

    #[test]
    fn old_and_new_requirements_are_understood() {
        assert_eq!(kinds("---\n- src: geerlingguy.nginx\n"), ["role"]);
        assert_eq!(kinds("collections:\n  - name: ansible.posix\n"), ["collection"]);
        assert_eq!(kinds("roles:\n  - name: a\ncollections:\n  - b.c\n"), ["role", "collection"]);
    }
}
