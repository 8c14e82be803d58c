//! The groups of the machine: /etc/group with what /etc/gshadow says of each.

use super::users::{entries, password};
use super::view::{Found, View};

/// The section `groups`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let groups = view.text("/etc/group", found).unwrap_or_default();
    let gshadow = view.text("/etc/gshadow", found).unwrap_or_default();
    for group in entries(&groups) {
        let name = group.field(0);
        let shadow = entries(&gshadow).find(|entry| entry.field(0) == name);
        let shadow = |place| shadow.as_ref().map(|entry| entry.field(place)).unwrap_or_default();
        let secret = if group.field(1) == "x" { shadow(1) } else { group.field(1) };
        // A group without a password is one that nobody can join by one, so only this is worth a word.
        let is_set = password(secret) == "set";
        let keyed = view.keyed(&format!("password of group {name}"), secret.as_bytes());
        let (members, administrators) = (sorted(group.field(3)), sorted(shadow(2)));
        found.item(
            group.key(),
            [
                ("gid", Some(group.field(2))),
                ("members", Some(members.as_str())),
                ("administrators", Some(administrators.as_str()).filter(|names| !names.is_empty())),
                ("password", is_set.then_some("set")),
                ("keyed", is_set.then_some(keyed.as_str())),
            ],
        );
    }
}

fn sorted(names: &str) -> String {
    let mut names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field, odd};
    use super::*;

    #[test]
    fn members_are_sorted_and_a_password_is_seen_but_not_told() {
        let tree = Tree::new();
        tree.file("/etc/group", "root:x:0:\nadm:x:4:web,app,web\n");
        tree.file("/etc/gshadow", "root:*::\nadm:CANARY:root:web\n");
        let items = tree.items(collect);
        assert_eq!(field(&items, "adm", "members"), Some("app,web"));
        assert_eq!(field(&items, "adm", "administrators"), Some("root"));
        assert_eq!(
            (field(&items, "adm", "password"), field(&items, "root", "password")),
            (Some("set"), None)
        );
        assert!(!format!("{items:?}").contains("CANARY"));
    }

    #[test]
    fn odd_lines_do_no_harm() {
        for bytes in odd(b"root:x:0:\nadm:x:4:web,app\n") {
            Tree::new().file("/etc/group", &bytes).file("/etc/gshadow", &bytes).items(collect);
        }
    }
}
