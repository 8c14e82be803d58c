//! Names of users and groups by their numbers, from the machine's own files.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::work::fingerprint::view::{Found, View};

/// Who owns files.
pub struct Names {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
    /// What was asked for: a machine's files have few owners.
    asked: BTreeMap<(u32, u32), Rc<str>>,
}

impl Names {
    /// Reads both files; those that cannot be read go into `found`.
    pub fn read(view: &View<'_>, found: &mut Found) -> Names {
        let mut read = |path| by_number(&view.text(path, found).unwrap_or_default());
        Names { users: read("/etc/passwd"), groups: read("/etc/group"), asked: BTreeMap::new() }
    }

    /// `user:group`; numbers where there is no name.
    pub fn owner(&mut self, user: u32, group: u32) -> Rc<str> {
        let name = |names: &HashMap<u32, String>, number: u32| {
            names.get(&number).cloned().unwrap_or_else(|| number.to_string())
        };
        let text = || format!("{}:{}", name(&self.users, user), name(&self.groups, group)).into();
        self.asked.entry((user, group)).or_insert_with(text).clone()
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
        let mut names = Names { users, groups: by_number("root:x:0:\n"), asked: BTreeMap::new() };
        assert_eq!(
            [(0, 0), (33, 5)].map(|(user, group)| names.owner(user, group)),
            ["root:root".into(), "www:5".into()]
        );
    }
}
