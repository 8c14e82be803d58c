//! Who may use the machine: /etc/passwd with what /etc/shadow and /etc/sub[ug]id say of each. No hash of a password is told.

use super::view::{Found, View};

/// The section `users`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let mut text = |path: &str| view.text(path, found);
    let (passwd, shadow) = (text("/etc/passwd").unwrap_or_default(), text("/etc/shadow"));
    let (subuid, subgid) = (text("/etc/subuid").unwrap_or_default(), text("/etc/subgid").unwrap_or_default());
    for user in entries(&passwd) {
        let name = user.field(0);
        let shadow = shadow.as_deref().and_then(|text| entries(text).find(|entry| entry.field(0) == name));
        let secret = match (user.field(1), &shadow) {
            ("x", Some(shadow)) => shadow.field(1),
            // The C library looks into the other file and finds nothing.
            ("x", None) => "*",
            (own, _) => own,
        };
        let keyed = view.keyed(&format!("password of user {name}"), secret.as_bytes());
        let password = password(secret);
        let (subuids, subgids) = (ranges(&subuid, name), ranges(&subgid, name));
        found.item(
            user.key(),
            [
                ("uid", Some(user.field(2))),
                ("gid", Some(user.field(3))),
                ("comment", some(user.field(4))),
                ("home", Some(user.field(5))),
                ("shell", Some(user.field(6))),
                ("password", Some(password)),
                ("keyed", (password == "set").then_some(keyed.as_str())),
                ("aging", some(&shadow.map(|shadow| aging(&shadow)).unwrap_or_default())),
                ("subuids", some(&subuids)),
                ("subgids", some(&subgids)),
            ],
        );
    }
}

/// A line of a file such as /etc/passwd.
pub struct Entry<'t> {
    fields: Vec<&'t str>,
    /// How many entries of the same name come before it. Only the first one counts for most programs.
    earlier: usize,
}

impl Entry<'_> {
    /// The field at a place, empty if there is none.
    pub fn field(&self, place: usize) -> &str {
        self.fields.get(place).copied().unwrap_or_default()
    }

    /// The name, with a number if it is not the first one.
    pub fn key(&self) -> String {
        match self.earlier {
            0 => self.field(0).to_owned(),
            earlier => format!("{} ({})", self.field(0), earlier + 1),
        }
    }
}

/// The entries of a file such as /etc/passwd.
pub fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut seen: Vec<&str> = Vec::new();
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(move |line| {
        let fields: Vec<&str> = line.split(':').collect();
        let earlier = seen.iter().filter(|name| **name == fields[0]).count();
        seen.push(fields[0]);
        Entry { fields, earlier }
    })
}

/// What a field for a password means: `none`, `locked` or `set`.
pub fn password(field: &str) -> &'static str {
    match field.chars().next() {
        None => "none",
        Some('!' | '*') => "locked",
        Some(_) => "set",
    }
}

/// Everything about the age of the password and of the account, but not the day of its last change.
fn aging(shadow: &Entry<'_>) -> String {
    // Day 0 means that the user must choose another password at the next login.
    let mut words: Vec<String> =
        (shadow.field(2) == "0").then(|| "must change".to_owned()).into_iter().collect();
    for (place, name) in [(3, "min"), (4, "max"), (5, "warn"), (6, "inactive"), (7, "expires")] {
        if !shadow.field(place).is_empty() {
            words.push(format!("{name} {}", shadow.field(place)));
        }
    }
    words.join(", ")
}

/// The subordinate ids of a user, `first:count`, with commas.
fn ranges(text: &str, name: &str) -> String {
    let mine = entries(text).filter(|entry| entry.field(0) == name);
    mine.map(|entry| format!("{}:{}", entry.field(1), entry.field(2))).collect::<Vec<_>>().join(",")
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field, odd};
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\napp:x:1000:100::/srv:/bin/sh\nold::7:7::/:\nweb:x:9:9::/:\n";
    const SHADOW: &str = "root:$6$salt$CANARY:19000:0:99999:7:::\napp:!:19000::::::\nweb:*:0:1:::::\n";

    fn tree(shadow: &str) -> Tree {
        let tree = Tree::new();
        tree.file("/etc/passwd", PASSWD)
            .file("/etc/shadow", shadow)
            .file("/etc/subuid", "app:100000:65536\n");
        tree
    }

    #[test]
    fn users_are_told_without_their_hashes() {
        let items = tree(SHADOW).items(collect);
        let told = |user, name| field(&items, user, name).unwrap_or("-");
        let passwords = ["root", "app", "old", "web"].map(|user| told(user, "password"));
        assert_eq!(passwords, ["set", "locked", "none", "locked"]);
        assert_eq!([told("app", "uid"), told("app", "gid"), told("app", "home")], ["1000", "100", "/srv"]);
        assert_eq!(told("root", "aging"), "min 0, max 99999, warn 7");
        assert_eq!(told("web", "aging"), "must change, min 1");
        assert_eq!(told("app", "subuids"), "100000:65536");
        assert!(!format!("{items:?}").contains("CANARY"));
    }

    #[test]
    fn another_password_is_seen_and_another_day_is_not() {
        let (before, day) =
            (tree(SHADOW).items(collect), tree(&SHADOW.replace("19000", "19001")).items(collect));
        let other = tree(&SHADOW.replace("CANARY", "OTHER")).items(collect);
        assert_eq!(before, day);
        assert_ne!(field(&before, "root", "keyed"), field(&other, "root", "keyed"));
        assert_eq!(before["app"], other["app"]);
    }

    #[test]
    fn a_second_user_of_a_name_is_not_hidden_and_odd_lines_do_no_harm() {
        let items =
            Tree::new().file("/etc/passwd", "a:x:1:1::/:\na:x:0:0::/:\n# no\n+::::::\n").items(collect);
        assert_eq!((field(&items, "a", "uid"), field(&items, "a (2)", "uid")), (Some("1"), Some("0")));
        for bytes in odd(PASSWD.as_bytes()) {
            Tree::new().file("/etc/passwd", &bytes).file("/etc/shadow", &bytes).items(collect);
        }
    }
}
