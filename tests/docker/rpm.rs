//! Packages of rpm: what the machine's rpm tells, here a script that answers as the real one does.

use super::stack::Stack;

/// One package with one file, whose content is `one`. Root is not answered: rpm would write beside its database.
const RPM: &str = r#"mkdir -p /var/lib/rpm /usr/bin /usr/lib/demo
touch /var/lib/rpm/rpmdb.sqlite
echo one > /usr/lib/demo/file
rm -f /usr/bin/rpm
cat > /usr/bin/rpm <<'END'
#!/bin/sh
test "$(id -u)" != 0 || exit 1
printf '\036demo\037%s\037noarch\035/usr/lib/demo\037\0370\0370' "$(cat /etc/demo-version)"
printf '\035/usr/lib/demo/file\0372c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806\0370\0370'
END
chmod 755 /usr/bin/rpm
echo 1.0-1 > /etc/demo-version"#;

#[test]
fn packages_and_their_changed_files_are_told_by_the_machines_own_rpm() {
    let stack = Stack::new("[machine.app]\nimage = \"IMAGE\"\n");
    stack.up();
    stack.inside("app", "mkdir -p /var/lib/rpm; touch /var/lib/rpm/rpmdb.sqlite");
    // What BusyBox calls rpm knows no such database.
    stack.env("drift").exits(3).stdout_has("rpm could not be read");
    stack.inside("app", RPM);
    stack.env("drift").exits(2).stdout_has("1.0-1");
    stack.env("accept --yes").succeeds();
    stack.env("drift").succeeds().stdout_has("in sync");

    stack.inside("app", "echo two > /usr/lib/demo/file");
    stack.env("drift").exits(2).stdout_has("/usr/lib/demo/file");
    stack.inside("app", "echo one > /usr/lib/demo/file; echo 1.0-2 > /etc/demo-version");
    stack.env("drift").exits(2).stdout_has("1.0-2");
}
