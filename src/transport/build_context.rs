//! The directory an image is built from, without what `.dockerignore` names and without what we keep in a checkout ourselves.
//!
//! Whoever digests it and whoever sends it must see the same files: else what is not sent would still replace machines.

use crate::model::Result;
use crate::model::error::Attempt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What we keep in a checkout changes with each `up`.
const OURS: &str = ".envup";

/// Something of a build context.
#[derive(Debug)]
pub struct Entry {
    /// Where it is on the host.
    pub file: PathBuf,
    /// Where it is in the context, with `/`.
    pub path: String,
}

/// Everything an image is built from, in the order of the paths.
pub fn entries(context: &Path, dockerfile: &str) -> Result<Vec<Entry>> {
    let ignored = Ignored::read(context, dockerfile)?;
    let relative = |path: &Path| path.strip_prefix(context).unwrap_or(path).to_string_lossy().into_owned();
    let is_taken = |path: &str| path == dockerfile || path == ".dockerignore" || !ignored.covers(path);
    let walk = walkdir::WalkDir::new(context).min_depth(1).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| {
        let path = relative(entry.path());
        // What holds the Dockerfile or an exception is walked even when it is left out itself.
        let is_on_the_way = entry.file_type().is_dir()
            && (ignored.has_exceptions() || dockerfile.starts_with(&format!("{path}/")));
        entry.file_name() != OURS && (is_on_the_way || is_taken(&path))
    });
    let mut entries = Vec::new();
    for entry in walk {
        let entry = entry.attempt(|| format!("cannot read the build context {}", context.display()))?;
        let path = relative(entry.path());
        if is_taken(&path) {
            entries.push(Entry { file: entry.into_path(), path });
        }
    }
    Ok(entries)
}

/// Writes these entries as an archive. Owners are left out, as builds must not depend on who runs them.
pub fn write(entries: &[Entry], to: &mut dyn Write) -> std::io::Result<()> {
    let mut builder = tar::Builder::new(to);
    builder.follow_symlinks(false);
    for entry in entries {
        append(&mut builder, &entry.file, &entry.path)?;
    }
    builder.into_inner().map(|_| ())
}

/// Which paths of a build context are left out.
#[derive(Debug, Default)]
struct Ignored {
    /// Pattern, and whether it takes paths in again; the last that fits decides.
    rules: Vec<(String, bool)>,
}

impl Ignored {
    /// Reads `DOCKERFILE.dockerignore`, else `.dockerignore`.
    fn read(context: &Path, dockerfile: &str) -> Result<Self> {
        for name in [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()] {
            let path = context.join(name);
            if path.is_file() {
                let text =
                    std::fs::read_to_string(&path).attempt(|| format!("cannot read {}", path.display()))?;
                return Ok(Self::parse(&text));
            }
        }
        Ok(Self::default())
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let rules = lines.map(|line| {
            let (pattern, again) = match line.strip_prefix('!') {
                Some(pattern) => (pattern.trim(), true),
                None => (line, false),
            };
            let pattern = pattern.trim_start_matches("./").trim_matches('/');
            (pattern.to_owned(), again)
        });
        Self { rules: rules.collect() }
    }

    /// Whether a path, relative and with `/`, is left out: by itself or with a directory above it.
    fn covers(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let above: Vec<&str> = ends.map(|end| &path[..end]).collect();
        self.rules.iter().fold(false, |out, (pattern, again)| {
            let fits = above.iter().any(|part| glob_match::glob_match(pattern, part));
            if fits { !again } else { out }
        })
    }

    /// Whether something below a directory that is left out may be taken in again.
    fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|(_, again)| *again)
    }
}

fn append(builder: &mut tar::Builder<&mut dyn Write>, file: &Path, path: &str) -> std::io::Result<()> {
    let metadata = std::fs::symlink_metadata(file)?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&metadata);
    header.set_uid(0);
    header.set_gid(0);
    if metadata.is_symlink() {
        header.set_size(0);
        builder.append_link(&mut header, path, std::fs::read_link(file)?)
    } else if metadata.is_dir() {
        builder.append_data(&mut header, path, std::io::empty())
    } else if metadata.is_file() {
        builder.append_data(&mut header, path, std::fs::File::open(file)?)
    } else {
        Ok(()) // sockets and the like cannot be built from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_fits_decides() {
        let ignored = Ignored::parse("# comment\ntarget\n*.log\n!keep.log\n**/secret.*\n/docs/\n");
        for path in ["target", "target/debug/app", "a.log", "deep/er/secret.txt", "secret.key", "docs/a"] {
            assert!(ignored.covers(path), "{path}");
        }
        for path in ["keep.log", "src/target", "src/a.log"] {
            assert!(!ignored.covers(path), "{path}");
        }
    }

    #[test]
    fn the_archive_holds_the_dockerfile_and_what_is_not_ignored() {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in
            [("Dockerfile", "FROM x"), (".dockerignore", "Dockerfile\nout\n!out/keep"), ("a", "")]
        {
            std::fs::write(directory.path().join(path), text).unwrap();
        }
        std::fs::create_dir(directory.path().join("out")).unwrap();
        std::fs::write(directory.path().join("out/keep"), "").unwrap();
        std::fs::write(directory.path().join("out/drop"), "").unwrap();
        std::fs::create_dir(directory.path().join(OURS)).unwrap();
        let entries = entries(directory.path(), "Dockerfile").unwrap();
        let mut bytes = Vec::new();
        write(&entries, &mut bytes).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let paths: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(paths, [".dockerignore", "Dockerfile", "a", "out/keep"]);
    }
}
