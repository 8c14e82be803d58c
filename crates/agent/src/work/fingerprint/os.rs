//! What the machine runs: distribution, kernel, C library, init.

use std::fs;

use super::view::{Found, View};

/// The section `os`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let release = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| view.text(path, found));
    let release = release.unwrap_or_default();
    for (key, name) in [("id", "ID"), ("version", "VERSION_ID"), ("codename", "VERSION_CODENAME")] {
        if let Some(value) = assignment(&release, name) {
            found.value(key, value);
        }
    }
    if let Some(version) = view.text("/etc/debian_version", found) {
        // Says the point release, which os-release does not.
        found.value("debian version", version.trim());
    }
    if let Some(libc) = libc(view, found) {
        found.value("libc", &libc);
    }
    if let Some(init) = init(view) {
        found.value("init", &init);
    }
    let name = rustix::system::uname();
    found.value("kernel", &name.release().to_string_lossy());
    found.value("arch", &name.machine().to_string_lossy());
    found.value("hostname", &name.nodename().to_string_lossy());
}

/// `glibc` with the version of its package, or `musl`.
fn libc(view: &View<'_>, found: &mut Found) -> Option<String> {
    let is_musl = |name: &String| name.starts_with("ld-musl-");
    if view.names("/lib", found).iter().any(is_musl) {
        return Some("musl".to_owned());
    }
    let directories = view.names("/usr/lib", found).into_iter().filter(|name| name.ends_with("-linux-gnu"));
    let paths = directories.map(|name| format!("/usr/lib/{name}/libc.so.6"));
    let package = paths.into_iter().find_map(|path| view.owners.of(&path));
    package.map(|package| format!("glibc {}", package.version))
}

/// The program that starts as process 1 where nobody says otherwise, without links.
fn init(view: &View<'_>) -> Option<String> {
    let program = fs::canonicalize(view.path("/sbin/init")).ok()?;
    let inside = program.strip_prefix(view.path("/")).unwrap_or(&program);
    Some(format!("/{}", inside.display()))
}

/// The value of `NAME=value` in a file of assignments, without its quotes.
pub fn assignment<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?.trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_lose_their_quotes() {
        let text = "ID=debian\nVERSION_ID=\"12\"\nVERSION='x'\n";
        let all = ["ID", "VERSION_ID", "VERSION", "NAME"].map(|name| assignment(text, name));
        assert_eq!(all, [Some("debian"), Some("12"), Some("x"), None]);
    }
}
