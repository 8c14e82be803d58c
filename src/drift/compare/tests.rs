//! What differs, what does not, and what nobody can tell.

use super::super::difference::DifferenceKind;
use super::super::sample::{fingerprint, item, unread};
use super::*;
use crate::model::drift::Severity;

/// A line for each difference: kind, section, key, fields.
fn told(before: &Fingerprint, after: &Fingerprint) -> Vec<String> {
    let line = |difference: &Difference| {
        let kind = difference.kind.as_str();
        format!("{kind} {} {} {}", difference.section, difference.key, difference.fields().join(","))
    };
    compare(before, after).differences.iter().map(line).collect()
}

#[test]
fn only_fields_that_differ_are_told() {
    let before = fingerprint(&[
        (Section::Users, "app", "uid=1000 gid=1000 shell=/bin/sh"),
        (Section::Users, "gone", "uid=7"),
        (Section::Files, "/etc/App", "type=file sha256=aa"),
    ]);
    let after = fingerprint(&[
        (Section::Users, "app", "uid=1001 gid=1000 home=/home/app"),
        (Section::Files, "/etc/app", "type=file sha256=aa"),
    ]);
    let expected = [
        "missing files /etc/App sha256,type",
        "extra files /etc/app sha256,type",
        "changed users app home,shell,uid",
        "missing users gone uid",
    ];
    assert_eq!(told(&before, &after), expected);
    let app = compare(&before, &after).differences.remove(2);
    assert_eq!(app.before, Some(item("uid=1000 shell=/bin/sh")));
    assert_eq!(app.after, Some(item("uid=1001 home=/home/app")));
}

#[test]
fn another_owner_of_a_file_is_told_in_the_section_of_packages() {
    let machine = |package: &str| {
        fingerprint(&[
            (Section::Files, "/etc/ssl", &format!("type=directory {package}")),
            (Section::Libraries, "libz.so.1", &format!("file=/usr/lib/libz.so.1 {package}")),
        ])
    };
    let expected = ["changed libraries libz.so.1 package"];
    assert_eq!(told(&machine("package=dpkg:a"), &machine("package=dpkg:b")), expected);
}

#[test]
fn digests_of_different_keys_are_not_comparable() {
    let before = fingerprint(&[(Section::Files, "/etc/shadow", "type=file mode=0640 keyed=aa")]);
    let mut after = fingerprint(&[(Section::Files, "/etc/shadow", "type=file mode=0644 keyed=bb")]);
    assert_eq!(told(&before, &after), ["changed files /etc/shadow keyed,mode"]);
    after.key_id = "k2".to_owned();
    assert_eq!(told(&before, &after), ["changed files /etc/shadow mode"]);
    let comparison = compare(&before, &after);
    assert_eq!(
        comparison.incomparable[0].to_string(),
        "files not compared in /etc/shadow: the digests were made with different keys"
    );
    assert!(comparison.complete, "everything was read");
}

#[test]
fn content_in_two_forms_is_not_comparable_but_another_type_differs() {
    let before = fingerprint(&[(Section::Files, "/a", "type=file mode=0600 keyed=aa")]);
    let public = fingerprint(&[(Section::Files, "/a", "type=file mode=0644 sha256=bb")]);
    let directory = fingerprint(&[(Section::Files, "/a", "type=directory mode=0600")]);
    assert_eq!(told(&before, &public), ["changed files /a mode"]);
    assert_eq!(told(&before, &directory), ["changed files /a keyed,type"]);
}

#[test]
fn what_a_level_leaves_out_does_not_differ() {
    let full = [
        (Section::Packages, "dpkg:a", "version=1 files=aa"),
        (Section::Files, "/usr/bin/a", "type=file sha256=aa package=dpkg:a"),
        (Section::Files, "/srv/new", "type=file sha256=aa"),
        (Section::Files, "/srv/data", "type=file sha256=aa"),
    ];
    let (mut full, same_level) = (fingerprint(&full), fingerprint(&full));
    full.level = Level::Full;
    let fast = fingerprint(&[
        (Section::Packages, "dpkg:a", "version=1 files=aa"),
        (Section::Files, "/srv/data", "type=file size=7"),
    ]);
    assert_eq!(told(&fast, &full), ["extra files /srv/new sha256,type"]);
    assert_eq!(compare(&fast, &full).incomparable.len(), 2);
    assert_eq!(told(&fast, &same_level).len(), 2);

    let mut facts = fingerprint(&[(Section::Packages, "dpkg:a", "version=2")]);
    facts.level = Level::Facts;
    facts.sections.remove(&Section::Files);
    assert_eq!(told(&fast, &facts), ["changed packages dpkg:a version"]);
    assert_eq!(
        compare(&fast, &facts).incomparable[0].to_string(),
        "files not compared: only one side looked at it"
    );
}

#[test]
fn what_could_not_be_read_is_not_missing_and_the_whole_is_not_complete() {
    let before = fingerprint(&[
        (Section::Files, "/root", "type=directory mode=0700"),
        (Section::Files, "/root/a", "type=file sha256=aa"),
        (Section::Files, "/rooted", "type=file sha256=aa"),
        (Section::Packages, "dpkg:a", "version=1"),
        (Section::Packages, "pip:/usr:b", "version=1"),
    ]);
    let mut after = fingerprint(&[
        (Section::Files, "/root", "type=directory mode=0755"),
        (Section::Packages, "pip:/usr:b", "version=2"),
    ]);
    after.unread = vec![unread(Section::Files, "/root"), unread(Section::Packages, "/var/lib/dpkg/status")];
    let expected = [
        "changed packages pip:/usr:b version",
        "changed files /root mode",
        "missing files /rooted sha256,type",
    ];
    assert_eq!(told(&before, &after), expected);
    let comparison = compare(&before, &after);
    assert!(!comparison.complete);
    assert_eq!(comparison.unread[0].to_string(), "files /root could not be read: permission denied");
}

#[test]
fn nothing_differs_from_itself_and_sides_can_change_places() {
    let mut draw = Draw(7);
    for draw_number in 0..200 {
        let (before, after) = (draw.fingerprint(), draw.fingerprint());
        assert_eq!(compare(&before, &before), Comparison { complete: true, ..Comparison::default() });
        let mut mirrored = compare(&after, &before);
        for difference in &mut mirrored.differences {
            difference.kind = difference.kind.mirrored();
            std::mem::swap(&mut difference.before, &mut difference.after);
            // Something lost can be worse than something new.
            difference.severity = Severity::Notable;
        }
        let mut comparison = compare(&before, &after);
        comparison.differences.iter_mut().for_each(|one| one.severity = Severity::Notable);
        assert!(mirrored.differences == comparison.differences, "draw {draw_number}");
        assert_eq!(mirrored.incomparable, comparison.incomparable);
        assert!(comparison.differences.iter().all(|difference| match difference.kind {
            DifferenceKind::Missing => difference.after.is_none(),
            DifferenceKind::Extra => difference.before.is_none(),
            DifferenceKind::Changed => difference.before != difference.after,
        }));
    }
}

#[test]
fn texts_differ_as_what_they_say_does() {
    let mut draw = Draw(11);
    for draw_number in 0..200 {
        let (before, mut after) = (draw.fingerprint(), draw.fingerprint());
        // Much of it stays as it was.
        for (section, items) in &mut after.sections {
            items.extend(before.sections[section].clone().into_iter().filter(|_| draw.below(3) > 0));
        }
        after.unread = [unread(Section::Files, "/usr")].into_iter().filter(|_| draw.below(3) == 0).collect();
        let texts = compare_texts(&before.to_text(), &after.to_text(), &Rules::default()).unwrap();
        assert_eq!(texts, compare(&before, &after), "draw {draw_number}");
    }
}

/// A small generator of numbers, the same at every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX constants; the upper bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn fingerprint(&mut self) -> Fingerprint {
        let mut drawn = fingerprint(&[]);
        let fields =
            ["type", "mode", "sha256", "keyed", "size", "version", "package", "files", "value", "uid"];
        // Some of which are in another order than their lines.
        let keys = [
            "/etc/a",
            "/etc/a b",
            "/etc/a\"b",
            "/etc/a!",
            "/usr/bin/b",
            "dpkg:b",
            "b.service",
            "tcp 0.0.0.0:80",
            "LANG",
            "open files",
        ];
        for items in drawn.sections.values_mut() {
            for key in keys {
                let item = fields.iter().filter(|_| self.below(3) == 0).map(|field| (*field).to_owned());
                let item: Vec<String> = item.collect();
                let item = item
                    .into_iter()
                    .map(|field| (field, ["dpkg:b", "1", "2"][self.below(3) as usize].to_owned()));
                let item: Item = item.collect();
                if self.below(2) == 0 {
                    items.insert(key.to_owned(), item);
                }
            }
        }
        drawn.level = [Level::Facts, Level::Fast, Level::Full][self.below(3) as usize];
        drawn.key_id = format!("k{}", self.below(2));
        drawn
    }
}
