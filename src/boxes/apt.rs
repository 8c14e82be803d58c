//! Which archive the host's own apt installs a suite from: no mirror is ours to choose.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Asks apt for every list of packages it knows: address, suite and component.
const QUESTION: [&str; 5] = [
    "indextargets",
    "--no-release-info",
    "--format",
    "$(REPO_URI) $(RELEASE) $(COMPONENT)",
    "Created-By: Packages",
];

/// Lines of a sources.list for a suite, its updates and its security updates, as the host's `apt_get` knows them. Empty when there is
/// no apt or it does not know the suite: then mmdebstrap has an opinion of its own.
pub(super) fn lines(apt_get: &Path, distribution: &str, suite: &str, components: &[String]) -> Vec<String> {
    let answer = Command::new(apt_get).args(QUESTION).output();
    let text = answer.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    select(&text, distribution, suite, components)
}

/// One line of a sources.list. The key is named where the host has it: the box has it at the same place.
pub(super) fn line(distribution: &str, address: &str, suite: &str, components: &str) -> String {
    let keyring = format!("/usr/share/keyrings/{distribution}-archive-keyring.gpg");
    let signed = if Path::new(&keyring).exists() { format!("[signed-by={keyring}] ") } else { String::new() };
    format!("deb {signed}{address} {suite} {components}")
}

fn select(text: &str, distribution: &str, suite: &str, components: &[String]) -> Vec<String> {
    let wanted = [suite, &format!("{suite}-updates"), &format!("{suite}-security")];
    let mut lines = Vec::new();
    let mut knows_suite = false;
    for target in text.lines() {
        let [address, release, component] = target.split(' ').collect::<Vec<_>>()[..] else { continue };
        let Some(address) = reachable(address).filter(|address| is_of(address, distribution)) else {
            continue;
        };
        if wanted.contains(&release) && components.iter().any(|wanted| wanted == component) {
            knows_suite |= release == suite;
            lines.push(line(distribution, &address, release, component));
        }
    }
    lines.sort();
    lines.dedup();
    if knows_suite { lines } else { Vec::new() }
}

/// Whether it is an archive of the distribution itself: `…/debian`, `…/debian-security`. Others use its suites' names too.
fn is_of(address: &str, distribution: &str) -> bool {
    let last = address.trim_end_matches('/').rsplit('/').next();
    last.is_some_and(|name| name.starts_with(distribution))
}

/// The address itself: of a list of mirrors, as cloud images have it, the first; none for CDs and the like.
fn reachable(address: &str) -> Option<String> {
    if let Some(path) = address.strip_prefix("mirror+file:") {
        let list = fs::read_to_string(format!("/{}", path.trim_matches('/'))).ok()?;
        return list.lines().find_map(|line| reachable(line.split_whitespace().next()?));
    }
    (address.starts_with("http://") || address.starts_with("https://"))
        .then(|| address.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select_main(text: &str) -> Vec<String> {
        let lines = select(text, "nowhere", "bookworm", &["main".to_owned()]);
        lines.into_iter().map(|line| line.trim_start_matches("deb ").to_owned()).collect()
    }

    #[test]
    fn suite_updates_and_security_come_once_each() {
        let text = "http://a.example/nowhere/ bookworm main\nhttp://a.example/nowhere/ bookworm main\n\
            http://a.example/nowhere/ bookworm contrib\nhttp://a.example/nowhere/ trixie main\n\
            http://a.example/nowhere-security/ bookworm-security main\nhttp://a.example/nowhere/ bookworm-updates main\n";
        assert_eq!(
            select_main(text),
            [
                "http://a.example/nowhere bookworm main",
                "http://a.example/nowhere bookworm-updates main",
                "http://a.example/nowhere-security bookworm-security main",
            ]
        );
    }

    #[test]
    fn other_peoples_archives_do_not_count() {
        let text = "http://x.example/nowhere/12/prod/ bookworm main\ncdrom:[nowhere]/ bookworm main\n\
            http://a.example/nowhere-security/ bookworm-security main\n";
        assert!(select_main(text).is_empty());
    }

    #[test]
    fn a_list_of_mirrors_gives_the_first() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("mirrors");
        fs::write(&path, "http://near.example/nowhere priority:1\nhttp://far.example/nowhere\n").unwrap();
        let text = format!("mirror+file:{}/ bookworm main\n", path.display());
        assert_eq!(select_main(&text), ["http://near.example/nowhere bookworm main"]);
    }

    #[test]
    fn a_host_without_apt_knows_nothing() {
        assert!(
            lines(Path::new("/nonexistent/apt-get"), "debian", "bookworm", &["main".to_owned()]).is_empty()
        );
    }
}
