//! Names of users and groups by their numbers, from the machine's own files.

use std::collections::HashMap;

use crate::work::fingerprint::view::{Found, View};

/// Who owns files.
pub struct Names {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Names {
    /// Reads both files; those that cannot be read go into `found`.
    pub fn read(view: &View<'_>, found: &mut Found) -> Names {
        let mut read = |path| by_number(&view.text(path, found).unwrap_or_default());
        Names { users: read("/etc/passwd"), groups: read("/etc/group") }
    }

    /// `user:group`; numbers where there is no name.
    pub fn owner(&self, user: u32, group: u32) -> String {
        let name = |names: &HashMap<u32, String>, number: u32| {
            names.get(&number).cloned().unwrap_or_else(|| number.to_string())
        };
        format!("{}:{}", name(&self.users, user), name(&self.groups, group))
    }
}

/// The first name of each number, as the C library does it.
fn by_number(text: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(number)) =
            (fields.next(), fields.nth(1).and_then(|number| number.parse().ok()))
        {
            names.entry(number).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts() {
        let users = by_number("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n# x\nwww:x:33:33\n");
        let names = Names { users, groups: by_number("root:x:0:\n") };
        assert_eq!((names.owner(0, 0), names.owner(33, 5)), ("root:root".to_owned(), "www:5".to_owned()));
    }
}
