//! What the machine runs: distribution, kernel, C library, init.

use super::view::{Found, View};

/// The section `os`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let release = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| view.text(path, found));
    let release = release.unwrap_or_default();
    for (key, name) in
        [("id", "ID"), ("name", "PRETTY_NAME"), ("version", "VERSION_ID"), ("codename", "VERSION_CODENAME")]
    {
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
    // The program that starts as process 1 where nobody says otherwise, without links.
    if let Some(init) = view.real("/sbin/init") {
        found.value("init", &init);
    }
    let said = view.text("/etc/hostname", found).map(|name| name.trim().to_owned());
    if view.is_live() {
        let name = rustix::system::uname();
        found.value("kernel", &name.release().to_string_lossy());
        found.value("arch", &name.machine().to_string_lossy());
        let hostname = name.nodename().to_string_lossy().into_owned();
        let other = said.filter(|said| *said != hostname && !said.is_empty());
        found.item("hostname", [("value", Some(hostname.as_str())), ("hostname_file", other.as_deref())]);
        if let Some(enforces) = view.text("/sys/fs/selinux/enforce", found) {
            found.value("selinux", if enforces.trim() == "1" { "enforcing" } else { "permissive" });
        }
    } else if let Some(said) = said {
        found.value("hostname", &said);
    }
}

/// `glibc` with the version of its package, or `musl`.
fn libc(view: &View<'_>, found: &mut Found) -> Option<String> {
    let is_musl = |name: &String| name.starts_with("ld-musl-");
    if view.names("/lib", found).iter().any(is_musl) {
        return Some("musl".to_owned());
    }
    let directories = view.names("/usr/lib", found).into_iter().filter(|name| name.contains("-linux-gnu"));
    let multiarch = directories.map(|name| format!("/usr/lib/{name}/libc.so.6"));
    let others = ["/usr/lib64/libc.so.6", "/usr/lib/libc.so.6"].map(str::to_owned);
    let package = multiarch.chain(others).find_map(|path| view.owners().of(&path));
    package.map(|package| format!("glibc {}", package.version))
}

/// The value of `NAME=value` in a file of assignments, without its quotes.
pub fn assignment<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?.trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field};
    use super::*;

    #[test]
    fn a_tree_of_files_tells_its_system_but_not_the_kernel_of_another() {
        let tree = Tree::new();
        tree.file("/usr/lib/os-release", "ID=debian\nPRETTY_NAME=\"Debian 12\"\n")
            .link("/etc/os-release", "../usr/lib/os-release");
        tree.file("/etc/hostname", "web\n")
            .file("/usr/lib/systemd/systemd", "")
            .link("/sbin/init", "/lib/systemd/systemd");
        tree.link("/lib", "usr/lib").package("libc6", "2.36-9", "/lib/x86_64-linux-gnu/libc.so.6");
        tree.file("/usr/lib/x86_64-linux-gnu/libc.so.6", "");
        let items = tree.items(collect);
        let told = ["id", "name", "hostname", "init", "libc"].map(|key| field(&items, key, "value").unwrap());
        assert_eq!(told, ["debian", "Debian 12", "web", "/usr/lib/systemd/systemd", "glibc 2.36-9"]);
        assert_eq!(field(&items, "kernel", "value"), None);
    }

    #[test]
    fn assignments_lose_their_quotes() {
        let text = "ID=debian\nVERSION_ID=\"12\"\nVERSION='x'\n";
        let all = ["ID", "VERSION_ID", "VERSION", "NAME"].map(|name| assignment(text, name));
        assert_eq!(all, [Some("debian"), Some("12"), Some("x"), None]);
    }
}
