//! What comes and goes with a user: a group of that name, memberships, a home.

use super::super::difference::{Difference, DifferenceKind};
use super::{Scene, Seen};
use envup_agent::Section;
use std::collections::BTreeSet;

/// What `useradd` copies into a new home, and the mailbox.
const SKELETON: [&str; 4] = ["", "/.bash_logout", "/.bashrc", "/.profile"];

/// The group of the same name and number as a user.
pub fn group_of_user<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let group = seen.difference;
    let user = scene.find(Section::Users, &group.key).filter(|_| group.is_in(Section::Groups))?;
    let same_number = user.field("gid") == group.field("gid");
    let only_number = group.kind != DifferenceKind::Changed || group.fields() == ["gid"];
    (user.kind == group.kind && same_number && only_number).then_some(user)
}

/// A group that gained or lost just one member, who came or went.
pub fn members_of_group<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let group = seen.difference;
    if !group.is_in(Section::Groups) || group.fields() != ["members"] {
        return None;
    }
    let (before, after) = group.field("members");
    let names = |list: Option<&'a str>| -> BTreeSet<&str> {
        list.unwrap_or_default().split(',').filter(|name| !name.is_empty()).collect()
    };
    let (before, after) = (names(before), names(after));
    let mut moved = before.symmetric_difference(&after);
    let (Some(name), None) = (moved.next(), moved.next()) else { return None };
    let expected = if after.contains(name) { DifferenceKind::Extra } else { DifferenceKind::Missing };
    scene.find(Section::Users, name).filter(|user| user.kind == expected)
}

/// The home and the mailbox of a user who came or went; what else is in the home is told.
pub fn home_of_user<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let file = seen.difference;
    if !file.is_in(Section::Files) {
        return None;
    }
    scene.all(Section::Users).find(|user| {
        let home = scene.seen(user).field("home").unwrap_or_default();
        let is_home = SKELETON.iter().any(|name| file.key.strip_prefix(home) == Some(name));
        user.kind == file.kind
            && user.kind != DifferenceKind::Changed
            && ((is_home && home.len() > 1) || file.key == format!("/var/mail/{}", user.key))
    })
}
