//! The modules that a Puppetfile names, and those of them that are not there.
//!
//! A Puppetfile is a Ruby program; here it is only looked at for its `mod` lines. Running it is [`r10k`](super::r10k)'s work.

use super::layout::Layout;
use crate::model::error::Attempt;
use crate::model::step::{Puppet, Step};
use crate::model::{Error, Result};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A Puppetfile with modules that are not there.
#[derive(Debug)]
pub struct Lacking {
    /// The Puppetfile.
    pub file: PathBuf,
    /// What it says.
    pub text: String,
    /// The names of the modules.
    pub modules: Vec<String>,
    /// The directory that modules are put into.
    pub directory: String,
    /// That directory and others that modules are taken from, below the control repository.
    pub directories: Vec<String>,
}

/// What is lacking of the modules that the Puppetfile of a control repository names, if it has one.
pub fn lacking(step: &Step, puppet: &Puppet, layout: &Layout) -> Result<Option<Lacking>> {
    let file = puppet.source.join("Puppetfile");
    if !file.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file).attempt(|| format!("reading {}", file.display()))?;
    let named = parse(&text).map_err(|(line, what)| {
        Error::usage(format!("step {}: {}:{line}: {what}", step.name, file.display()))
            .hint("a module is written as `mod 'puppetlabs-stdlib', '9.4.1'`")
    })?;
    let directory = named.directory;
    let inside = layout.modules.iter().filter(|path| !path.starts_with(['/', '$']) && **path != directory);
    let directories: Vec<String> = [directory.clone()].into_iter().chain(inside.cloned()).collect();
    let own = directories.iter().map(|path| puppet.source.join(path));
    let places: Vec<PathBuf> = own.chain(puppet.modules.iter().cloned()).collect();
    let is_there = |name: &String| places.iter().any(|place| place.join(name).is_dir());
    let modules: Vec<String> = named.modules.into_iter().filter(|name| !is_there(name)).collect();
    let lacking = Lacking { file, text, modules, directory, directories };
    Ok(Some(lacking).filter(|lacking| !lacking.modules.is_empty()))
}

impl Lacking {
    /// Why these modules cannot be fetched on this host, where `has_r10k` says whether it has r10k.
    pub fn check(&self, step: &Step, has_r10k: bool) -> Result<()> {
        let is_below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        let below = Path::new(&self.directory).components().all(is_below);
        if has_r10k && below {
            return Ok(());
        }
        let (file, names) = (self.file.display(), self.modules.join(", "));
        let error = Error::usage(format!("step {}: modules of {file} are not there: {names}", step.name));
        let error = match below {
            true => error.hint(
                "`env up` fetches them where r10k is installed, as `r10k puppetfile install` does: sudo apt install r10k",
            ),
            false => error.hint(format!(
                "`r10k puppetfile install` puts them into {}, which is not below the control repository: `env` leaves that to you",
                self.directory
            )),
        };
        Err(error.hint("what they are put into may be named by `modules` in the step"))
    }
}

/// What a Puppetfile says, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// The directory that modules are put into.
    directory: String,
    /// The names of modules, without their authors.
    modules: Vec<String>,
}

/// Or the line that is wrong, and why.
fn parse(text: &str) -> std::result::Result<Named, (usize, String)> {
    let mut named = Named { directory: "modules".to_owned(), modules: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((word, rest)) = line.split_once(|c: char| c.is_whitespace() || c == '(') else { continue };
        if !["mod", "moduledir"].contains(&word) {
            continue;
        }
        let value = quoted(rest).ok_or_else(|| (index + 1, format!("`{word}` has no name in quotes")))?;
        if word == "moduledir" {
            named.directory = value.to_owned();
        } else {
            named.modules.push(value.rsplit(['-', '/']).next().unwrap_or(value).to_owned());
        }
    }
    Ok(named)
}

/// The text in the quotes that `rest` begins with.
fn quoted(rest: &str) -> Option<&str> {
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let (text, _) = rest[1..].split_once(quote)?;
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{puppet, step};
    use super::*;

    #[test]
    fn modules_are_named_without_their_authors() {
        let text = "forge 'https://forge.example.org'\nmoduledir 'vendor'\n# mod 'no-no'\nmod 'puppetlabs-stdlib', '9.4.1'\n\
                    mod \"puppet/nginx\"\nmod('shop',\n  git: 'https://example.org/shop.git')\n";
        let named = parse(text).unwrap();
        assert_eq!(
            (named.directory.as_str(), named.modules.join(" ").as_str()),
            ("vendor", "stdlib nginx shop")
        );
        assert_eq!(parse("\nmod stdlib\n").unwrap_err().0, 2);
    }

    #[test]
    fn what_nobody_fetched_is_told_with_the_way_to_get_it() {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("manifests/site.pp", ""),
            ("Puppetfile", "mod 'puppetlabs-stdlib'\nmod 'puppet-nginx'\n"),
            ("modules/stdlib/metadata.json", "{}"),
        ] {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let puppet = puppet(directory.path());
        let step = step(puppet.clone());
        let layout = Layout::of(&step, &puppet).unwrap();
        let lacking = || lacking(&step, &puppet, &layout).unwrap();
        let error = lacking().unwrap().check(&step, false).unwrap_err();
        assert!(error.message.ends_with("Puppetfile are not there: nginx"), "{error}");
        assert!(error.hints[0].contains("sudo apt install r10k"), "{error:?}");
        lacking().unwrap().check(&step, true).unwrap();
        fs::create_dir_all(directory.path().join("modules/nginx")).unwrap();
        assert!(lacking().is_none());
    }

    #[test]
    fn no_directory_outside_is_written_into() {
        for (directory, is_fine) in [("vendor/modules", true), ("/etc/modules", false), ("../modules", false)]
        {
            let lacking = Lacking {
                file: "/ops/Puppetfile".into(),
                text: String::new(),
                modules: vec!["x".into()],
                directory: directory.into(),
                directories: vec![directory.into()],
            };
            let checked = lacking.check(&step(puppet(Path::new("/ops"))), true);
            assert_eq!(checked.is_ok(), is_fine, "{directory}: {checked:?}");
        }
    }
}
