//! How names become addresses: /etc/hosts, /etc/resolv.conf, /etc/nsswitch.conf.
//!
//! In a container the engine writes the first two. What it writes anew at each start (the container's own name, addresses in the
//! networks of the engine) is left out or told without the address.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::view::{Found, View};

/// The names that engines give to the host; its address is another one on each.
const HOSTS: &[&str] = &["host.docker.internal", "gateway.docker.internal", "host.containers.internal"];

/// The section `resolution`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let hosts = view.text("/etc/hosts", found).unwrap_or_default();
    let engine = view.is_container().then(|| {
        let name = match view.is_live() {
            true => rustix::system::uname().nodename().to_string_lossy().into_owned(),
            false => view.text("/etc/hostname", found).unwrap_or_default().trim().to_owned(),
        };
        let routes = if view.is_live() { view.text("/proc/net/route", found) } else { None };
        Engine { own: name, networks: networks(&routes.unwrap_or_default()) }
    });
    for (name, addresses) in entries(&hosts, engine.as_ref()) {
        found.value(format!("host {name}"), &addresses.join(" "));
    }
    for (directive, values) in directives(&view.text("/etc/resolv.conf", found).unwrap_or_default()) {
        found.value(directive, &values.join(" "));
    }
    let nsswitch = view.text("/etc/nsswitch.conf", found).unwrap_or_default();
    for line in nsswitch.lines().map(uncommented) {
        if let Some((database, sources)) = line.split_once(':') {
            let sources: Vec<&str> = sources.split_whitespace().collect();
            found.value(format!("nsswitch {}", database.trim()), &sources.join(" "));
        }
    }
}

/// What an engine may have written.
struct Engine {
    own: String,
    networks: Vec<(u32, u32)>,
}

impl Engine {
    /// Whether a line is about the container itself.
    fn is_own(&self, name: &str, address: &str) -> bool {
        let is_own =
            name == self.own || name.strip_prefix(&self.own).is_some_and(|rest| rest.starts_with('.'));
        is_own && !self.own.is_empty() && !address.starts_with("127.")
    }

    /// What can be told of an address.
    fn told(&self, name: &str, address: &str) -> String {
        let near = address.parse::<Ipv4Addr>().is_ok_and(|address| {
            self.networks.iter().any(|(network, mask)| u32::from(address) & mask == *network)
        });
        match near || HOSTS.contains(&name) {
            true => "(in a network of the engine)".to_owned(),
            false => address.to_owned(),
        }
    }
}

/// The addresses of each name, in the order in which they are tried.
fn entries(text: &str, engine: Option<&Engine>) -> BTreeMap<String, Vec<String>> {
    let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = uncommented(line).split_whitespace();
        let Some(address) = words.next() else { continue };
        for name in words {
            if engine.is_some_and(|engine| engine.is_own(name, address)) {
                continue;
            }
            let told = engine.map_or_else(|| address.to_owned(), |engine| engine.told(name, address));
            entries.entry(name.to_owned()).or_default().push(told);
        }
    }
    entries
}

/// The directives of resolv.conf(5) with all values; of `search` and `domain` only the last one counts.
fn directives(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut directives: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace();
        let Some(directive) = words.next() else { continue };
        let values = directives.entry(directive).or_default();
        if matches!(directive, "search" | "domain") {
            values.clear();
        }
        values.extend(words);
    }
    directives
}

/// The networks that the machine is in, as numbers and masks, from /proc/net/route.
fn networks(routes: &str) -> Vec<(u32, u32)> {
    let number = |text: &str| {
        u32::from_str_radix(text, 16).ok().map(|number| u32::from_be_bytes(number.to_ne_bytes()))
    };
    let network = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, network, "00000000", _, _, _, _, mask, ..] = columns[..] else { return None };
        Some((number(network)?, number(mask)?)).filter(|(_, mask)| *mask != 0)
    };
    routes.lines().skip(1).filter_map(network).collect()
}

fn uncommented(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field, odd};
    use super::*;

    const HOSTS: &str = "127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # x\n10.1.2.3 db db.example\n\
        172.17.0.1 host.docker.internal\n172.17.0.4 web\n";
    const ROUTES: &str = "Iface Destination Gateway Flags\neth0 00000000 010011AC 0003 0 0 0 00000000 0 0 0\n\
        eth0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0\n";

    fn tree() -> Tree {
        let tree = Tree::new();
        tree.file("/etc/hosts", HOSTS).file("/etc/hostname", "web\n");
        tree.file(
            "/etc/resolv.conf",
            "# x\nsearch a\nsearch b c\nnameserver 1.1.1.1\nnameserver 9.9.9.9\noptions ndots:0\n",
        );
        tree.file("/etc/nsswitch.conf", "hosts:   files  dns # x\npasswd: files\n");
        tree
    }

    #[test]
    fn every_name_and_directive_is_told() {
        let items = tree().items(collect);
        let told = |key| field(&items, key, "value").unwrap_or("-");
        assert_eq!(
            [told("host localhost"), told("host db.example"), told("host web")],
            ["127.0.0.1 ::1", "10.1.2.3", "172.17.0.4"]
        );
        assert_eq!(
            [told("nameserver"), told("search"), told("options")],
            ["1.1.1.1 9.9.9.9", "b c", "ndots:0"]
        );
        assert_eq!(told("nsswitch hosts"), "files dns");
    }

    #[test]
    fn what_the_engine_writes_anew_is_no_difference() {
        let tree = tree();
        tree.file("/.dockerenv", "");
        let before = tree.items(collect);
        tree.file("/etc/hosts", HOSTS.replace("172.17.", "172.30."));
        assert_eq!(tree.items(collect), before);
        tree.file("/etc/hosts", HOSTS.replace("10.1.2.3", "10.1.2.4"));
        assert_ne!(tree.items(collect), before);
        let engine = Engine { own: "web".to_owned(), networks: networks(ROUTES) };
        let told = entries("172.17.0.9 db\n172.18.0.9 far\n172.17.0.4 web\n127.0.1.1 web\n", Some(&engine));
        assert_eq!(told["db"], ["(in a network of the engine)"]);
        assert_eq!(
            (&told["far"], &told["web"]),
            (&vec!["172.18.0.9".to_owned()], &vec!["127.0.1.1".to_owned()])
        );
    }

    #[test]
    fn odd_files_do_no_harm() {
        for bytes in odd(HOSTS.as_bytes()).chain(odd(ROUTES.as_bytes())) {
            let text = String::from_utf8_lossy(&bytes);
            entries(&text, None);
            directives(&text);
            networks(&text);
        }
    }
}
