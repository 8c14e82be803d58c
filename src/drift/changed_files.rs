//! Which packaged files changed: fingerprints tell them as one digest a package, the caches of files know each of them.
//!
//! Caches do not say whose file it is: what is named are all files that differ and that the section `files` does not tell.

use super::difference::DifferenceKind;
use envup_agent::{Cache, CachedFile, Content, Fingerprint, Section};
use std::collections::BTreeMap;

/// A file that two caches know differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path, spelled as in fingerprints.
    pub path: String,
    /// In which way.
    pub kind: DifferenceKind,
    /// What changed: `content`, `mode`, `owner`. Empty for what is missing or extra.
    pub what: Vec<&'static str>,
}

/// The files that differ between two caches and are items of neither fingerprint, by path.
pub fn changed_files(
    before: (&Cache<'_>, &Fingerprint),
    after: (&Cache<'_>, &Fingerprint),
) -> Vec<ChangedFile> {
    let is_told = |path: &str| {
        let has =
            |side: &Fingerprint| side.items(Section::Files).is_some_and(|items| items.contains_key(path));
        has(before.1) || has(after.1)
    };
    let same_key = before.0.key_id == after.0.key_id;
    let old: BTreeMap<String, &CachedFile<'_>> = before.0.files().collect();
    let new: BTreeMap<String, &CachedFile<'_>> = after.0.files().collect();
    let changed = |path: &str, kind, what| ChangedFile { path: path.to_owned(), kind, what };
    let mut found: Vec<ChangedFile> = Vec::new();
    for (path, was) in &old {
        match new.get(path) {
            None => found.push(changed(path, DifferenceKind::Missing, vec![])),
            Some(is) => {
                let what = what(was, is, same_key);
                if !what.is_empty() {
                    found.push(changed(path, DifferenceKind::Changed, what));
                }
            }
        }
    }
    let extra = new.keys().filter(|path| !old.contains_key(*path));
    found.extend(extra.map(|path| changed(path, DifferenceKind::Extra, vec![])));
    found.retain(|file| !is_told(&file.path));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn what(was: &CachedFile<'_>, is: &CachedFile<'_>, same_key: bool) -> Vec<&'static str> {
    let content = match (was.content, is.content) {
        (Content::Sha256(was), Content::Sha256(is)) => was != is,
        (Content::Keyed(was), Content::Keyed(is)) => same_key && was != is,
        // Told in two forms: the mode says why.
        _ => false,
    };
    let owner = (was.user, was.group) != (is.user, is.group);
    let all = [("content", content), ("mode", was.mode != is.mode), ("owner", owner)];
    all.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::fingerprint;
    use super::*;
    use envup_agent::CachedDirectory;

    fn file(name: &'static str, content: u8, mode: u16) -> CachedFile<'static> {
        CachedFile {
            name: name.as_bytes(),
            inode: u64::from(content),
            size: 1,
            changed: 1,
            mode,
            user: 0,
            group: 0,
            content: Content::Sha256([content; 32]),
            md5: None,
        }
    }

    fn cache(files: Vec<CachedFile<'static>>) -> Cache<'static> {
        Cache { key_id: "k", directories: vec![CachedDirectory { path: b"/usr/bin", files }] }
    }

    #[test]
    fn files_of_packages_are_named_and_what_changed_of_them() {
        let told = fingerprint(&[(Section::Files, "/usr/bin/told", "type=file")]);
        let before =
            cache(vec![file("a", 1, 0o755), file("b", 1, 0o755), file("gone", 1, 0o755), file("told", 1, 0)]);
        let after =
            cache(vec![file("a", 2, 0o4755), file("b", 1, 0o755), file("new", 1, 0o755), file("told", 2, 0)]);
        let found = changed_files((&before, &told), (&after, &told));
        let lines: Vec<String> = found
            .iter()
            .map(|one| format!("{} {} {}", one.kind.as_str(), one.path, one.what.join(",")))
            .collect();
        assert_eq!(
            lines,
            ["changed /usr/bin/a content,mode", "missing /usr/bin/gone ", "extra /usr/bin/new "]
        );
        assert_eq!(changed_files((&before, &told), (&before, &told)), []);
    }

    #[test]
    fn keyed_digests_of_another_key_say_nothing() {
        let keyed = |byte| CachedFile { content: Content::Keyed([byte; 32]), ..file("a", 1, 0o600) };
        let (before, mut after) = (cache(vec![keyed(1)]), cache(vec![keyed(2)]));
        let nothing = fingerprint(&[]);
        assert_eq!(changed_files((&before, &nothing), (&after, &nothing)).len(), 1);
        after.key_id = "other";
        assert_eq!(changed_files((&before, &nothing), (&after, &nothing)), []);
    }
}
