//! A recipe: the folder that says how a box is made. Its digest is the box's identity: a changed recipe gives another box.
//!
//! The whole folder is read at once, so what is built is what was digested. Nothing is run here.

use crate::model::digest::{Digester, short};
use crate::model::error::Attempt;
use crate::model::machine::Build;
use crate::model::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The newest form of box.toml we read.
const FORMAT: u32 = 1;

/// Name of the file that makes a folder a recipe.
pub(super) const BOX_TOML: &str = "box.toml";

/// Where a recipe was found; building one runs its script as root of the box, so it matters whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Beside the Envfile: whoever wrote the checkout wrote it.
    Project(PathBuf),
    /// In a directory that the user named, or that was installed with the program.
    Installed(PathBuf),
    /// In the program itself.
    Embedded,
}

/// How a box is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// What box.toml says.
    pub definition: Definition,
    /// Digest of the folder.
    pub digest: String,
    /// Where it was found.
    pub origin: Origin,
    /// Contents of the folder by file name.
    files: BTreeMap<String, Vec<u8>>,
}

/// What box.toml says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    format: u32,
    /// Name of the box: `debian/12`.
    pub name: String,
    /// Version of the box, raised by whoever changes what is in it.
    pub version: String,
    /// One line for `env box list`.
    #[serde(default)]
    pub summary: String,
    /// Files newer than this get this date, in seconds since 1970.
    pub epoch: Option<u64>,
    /// POSIX shell script of the folder that finishes the box; its argument is the root directory.
    pub customize: Option<String>,
    /// How to install it from a package archive.
    pub bootstrap: Bootstrap,
    /// How an engine builds it from an image.
    pub image: Option<ImageRecipe>,
    /// How the disk of a VM is made from it.
    pub vm: Option<VmRecipe>,
}

/// How to install a box from a package archive.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    /// Suite of the archive: `bookworm`.
    pub suite: String,
    /// Which packages come in by themselves: `minbase`.
    pub variant: String,
    /// Components of the archive: `main`.
    pub components: Vec<String>,
    /// Further packages.
    #[serde(default)]
    pub include: Vec<String>,
    /// Hooks that come with mmdebstrap: `merged-usr`.
    #[serde(default)]
    pub hooks: Vec<String>,
    /// Paths that dpkg leaves out.
    #[serde(default)]
    pub exclude_paths: Vec<String>,
    /// Paths among them that it keeps.
    #[serde(default)]
    pub keep_paths: Vec<String>,
}

/// How an engine builds a box from an image.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRecipe {
    /// Dockerfile of the folder; it is given BASE, INCLUDE, EXCLUDE_PATHS and KEEP_PATHS.
    pub dockerfile: String,
    /// The image it begins with when none is given.
    pub base: String,
}

/// How the disk of a VM is made from a box.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmRecipe {
    /// POSIX shell script of the folder that adds what a VM needs; its arguments are the root directory and the directory to put
    /// `kernel` and `initrd` into.
    pub customize: String,
}

impl Recipe {
    /// Reads the recipe in a folder.
    pub(super) fn read(folder: &Path, origin: Origin) -> Result<Self> {
        let attempt = || format!("cannot read the recipe {}", folder.display());
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(folder).attempt(attempt)? {
            let entry = entry.attempt(attempt)?;
            if entry.file_type().attempt(attempt)?.is_file() {
                let content = fs::read(entry.path()).attempt(attempt)?;
                files.insert(entry.file_name().to_string_lossy().into_owned(), content);
            }
        }
        Self::parse(files, origin).map_err(|error| error.context(attempt()))
    }

    /// A recipe from the contents of its folder.
    pub(super) fn parse(files: BTreeMap<String, Vec<u8>>, origin: Origin) -> Result<Self> {
        let text = files.get(BOX_TOML).map(|bytes| String::from_utf8_lossy(bytes));
        let text = text.ok_or_else(|| Error::usage(format!("there is no {BOX_TOML}")))?;
        let definition: Definition = toml::from_str(&text)
            .map_err(|error| Error::usage(format!("{BOX_TOML} is wrong")).detail(error.to_string()))?;
        definition.check(&files)?;
        let mut digester = Digester::new("recipe/1");
        // Readers' notes make no other box.
        for (name, content) in files.iter().filter(|(name, _)| !name.ends_with(".md")) {
            digester.part(name).part(content);
        }
        Ok(Self { definition, digest: digester.finish(), origin, files })
    }

    /// Name of the box.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// The script that finishes the box.
    pub(super) fn customize(&self) -> Option<String> {
        let content = self.files.get(self.definition.customize.as_ref()?)?;
        Some(String::from_utf8_lossy(content).into_owned())
    }

    /// The script that makes a VM of the box.
    pub(super) fn customize_vm(&self) -> Option<String> {
        let content = self.files.get(&self.definition.vm.as_ref()?.customize)?;
        Some(String::from_utf8_lossy(content).into_owned())
    }

    /// The build with which an engine makes the box from an image, where the recipe knows how. `context` is a directory into which
    /// the recipe was [unpacked](Self::unpack).
    pub fn image_build(&self, base: Option<&str>, context: &Path) -> Option<Build> {
        let image = self.definition.image.as_ref()?;
        let bootstrap = &self.definition.bootstrap;
        let args = [
            ("BASE", base.unwrap_or(&image.base).to_owned()),
            ("INCLUDE", bootstrap.include.join(" ")),
            ("EXCLUDE_PATHS", bootstrap.exclude_paths.join(" ")),
            ("KEEP_PATHS", bootstrap.keep_paths.join(" ")),
        ];
        Some(Build {
            context: context.to_owned(),
            dockerfile: image.dockerfile.clone(),
            args: args.map(|(name, value)| (name.to_owned(), value)).into(),
            target: None,
        })
    }

    /// The name that an engine gives to what it built from the recipe itself.
    pub fn reference(&self) -> String {
        reference(self.name(), &self.digest)
    }

    /// Writes the folder's files into a directory.
    pub fn unpack(&self, directory: &Path) -> Result<()> {
        for (name, content) in &self.files {
            let path = directory.join(name);
            fs::write(&path, content).map_err(|error| super::cannot_write(&path, error))?;
        }
        Ok(())
    }
}

impl Definition {
    fn check(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
        let wrong = |what: String| Err(Error::usage(format!("{BOX_TOML}: {what}")));
        if self.format != FORMAT {
            return wrong(format!("format {} is not known, only {FORMAT}", self.format))
                .map_err(|error| error.hint("upgrade env, or use an older recipe"));
        }
        if !is_name(&self.name) {
            return wrong(format!("`{}` cannot be the name of a box (use `debian/12`)", self.name));
        }
        let bootstrap = &self.bootstrap;
        let words = [&self.version, &bootstrap.suite, &bootstrap.variant].into_iter();
        let words = words.chain(&bootstrap.components).chain(&bootstrap.include).chain(&bootstrap.hooks);
        if let Some(word) = words.into_iter().find(|word| !is_word(word)) {
            return wrong(format!("`{word}` is not a plain word"));
        }
        let paths = bootstrap.exclude_paths.iter().chain(&bootstrap.keep_paths);
        if let Some(path) = paths.into_iter().find(|path| path.contains(char::is_whitespace)) {
            return wrong(format!("the path `{path}` has a space in it"));
        }
        let needed = self.customize.iter().chain(self.image.iter().map(|image| &image.dockerfile));
        let needed = needed.chain(self.vm.iter().map(|vm| &vm.customize));
        match needed.into_iter().find(|name| !files.contains_key(*name)) {
            Some(missing) => wrong(format!("there is no file {missing} beside it")),
            None => Ok(()),
        }
    }
}

/// Whether a box can have this name: words joined by `/`.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 80
        && name.split('/').all(is_word)
        && name.bytes().all(|byte| !byte.is_ascii_uppercase() && byte != b'+')
}

/// Letters, digits, `.`, `-`, `+`, not first the three: safe as a file name and as an argument.
fn is_word(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
}

/// A name as one folder or image name: `debian-12`.
pub(super) fn flat(name: &str) -> String {
    name.replace('/', "-")
}

/// The name of a box in an engine.
pub(super) fn reference(name: &str, digest: &str) -> String {
    format!("envup-box/{}:{}", flat(name), short(digest))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const MINIMAL: &str = "format = 1\nname = \"tiny/1\"\nversion = \"1\"\nepoch = 0\ncustomize = \"finish.sh\"\n\
        [bootstrap]\nsuite = \"bookworm\"\nvariant = \"minbase\"\ncomponents = [\"main\"]\n";

    pub(crate) fn files(toml: &str) -> BTreeMap<String, Vec<u8>> {
        let files = [(BOX_TOML, toml), ("finish.sh", "true\n"), ("README.md", "about\n")];
        files.map(|(name, text)| (name.to_owned(), text.into())).into()
    }

    pub(crate) fn recipe(toml: &str) -> Result<Recipe> {
        Recipe::parse(files(toml), Origin::Embedded)
    }

    #[test]
    fn the_digest_is_that_of_what_makes_the_box() {
        let before = recipe(MINIMAL).unwrap();
        assert_eq!(before.reference(), format!("envup-box/tiny-1:{}", &before.digest[..12]));
        let with = |name: &str, text: &str| {
            let mut files = files(MINIMAL);
            files.insert(name.to_owned(), text.into());
            Recipe::parse(files, Origin::Embedded).unwrap().digest
        };
        assert_eq!(before.digest, with("README.md", "more\n"));
        assert_ne!(before.digest, with("finish.sh", "false\n"));
        assert_ne!(before.digest, with("more", ""));
    }

    /// Kept beside every box that was built: a change here would build them all again.
    #[test]
    fn golden() {
        assert_eq!(
            recipe(MINIMAL).unwrap().digest,
            "d833b896dc624e7ee4725fac87ac1a243a0c1a0cfd7171328d683291806dfc58"
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (from, to, expected) in [
            ("format = 1", "format = 2", "format 2 is not known"),
            ("tiny/1", "../tiny", "cannot be the name"),
            ("\"bookworm\"", "\"--simulate\"", "`--simulate` is not a plain word"),
            ("finish.sh", "other.sh", "there is no file other.sh"),
        ] {
            let error = recipe(&MINIMAL.replace(from, to)).unwrap_err();
            assert!(error.message.contains(expected), "{error:?}");
        }
        let error = recipe(&MINIMAL.replace("suite", "suit")).unwrap_err();
        assert!(error.detail.unwrap().contains("unknown field `suit`"));
    }
}
