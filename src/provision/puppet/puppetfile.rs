//! The modules that a Puppetfile names, and those of them that are not there.
//!
//! A Puppetfile is a Ruby program; it is only looked at for its `mod` lines and never run.

use super::layout::Layout;
use crate::model::error::Attempt;
use crate::model::step::{Puppet, Step};
use crate::model::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Refuses a control repository whose Puppetfile names modules that nobody has fetched.
pub fn check(step: &Step, puppet: &Puppet, layout: &Layout) -> Result<()> {
    let file = puppet.source.join("Puppetfile");
    if !file.is_file() {
        return Ok(());
    }
    let text = fs::read_to_string(&file).attempt(|| format!("reading {}", file.display()))?;
    let named = parse(&text).map_err(|(line, what)| {
        Error::usage(format!("step {}: {}:{line}: {what}", step.name, file.display()))
            .hint("a module is written as `mod 'puppetlabs-stdlib', '9.4.1'`")
    })?;
    let inside = layout.modules.iter().filter(|path| !path.starts_with(['/', '$']));
    let own = inside.map(String::as_str).chain([named.directory.as_str()]);
    let directories: Vec<PathBuf> =
        own.map(|path| puppet.source.join(path)).chain(puppet.modules.iter().cloned()).collect();
    let is_there = |name: &String| directories.iter().any(|directory| directory.join(name).is_dir());
    let missing: Vec<String> = named.modules.into_iter().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(refused(step, &puppet.source, &missing))
}

fn refused(step: &Step, source: &Path, missing: &[String]) -> Error {
    let (source, names) = (source.display(), missing.join(", "));
    Error::usage(format!("step {}: modules of {source}/Puppetfile are not there: {names}", step.name))
        .hint(format!("`cd {source} && r10k puppetfile install` fetches them; Debian has it as r10k"))
        .hint("what they are put into may be named by `modules` in the step")
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
        let error = check(&step, &puppet, &layout).unwrap_err();
        assert!(error.message.ends_with("Puppetfile are not there: nginx"), "{error}");
        assert!(error.hints[0].contains("r10k puppetfile install"), "{error:?}");
        fs::create_dir_all(directory.path().join("modules/nginx")).unwrap();
        check(&step, &puppet, &layout).unwrap();
    }
}
