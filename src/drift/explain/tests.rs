//! What people are told, and that what machines say cannot become a command.

use super::super::sample::item;
use super::*;
use envup_agent::Section;

fn first(section: Section, key: &str, before: &str, after: &str) -> String {
    let side = |fields: &str| (fields != "-").then(|| item(fields));
    let difference = Difference::of_item(section, key, side(before), side(after));
    explain("web", &difference, Side::Before).align.remove(0)
}

#[test]
fn a_way_is_made_from_the_side_that_is_right() {
    use Section::*;
    for (section, key, before, after, expected) in [
        (
            Packages,
            "dpkg:nginx",
            "version=1.22.1-9",
            "version=1.24",
            "pin it in a step: `apt-get install -y --allow-downgrades nginx=1.22.1-9`",
        ),
        (
            Packages,
            "pip:/usr/lib/python3:requests",
            "version=2.28",
            "-",
            "pin it in a step: `pip install requests==2.28`",
        ),
        (Packages, "dpkg:vim", "-", "version=9", "remove it: `apt-get purge -y vim`"),
        (
            Libraries,
            "libssl.so.1.1",
            "file=/a package=dpkg:libssl1.1 version=1.1.1n",
            "-",
            "install the package that brings it: libssl1.1 in version 1.1.1n",
        ),
        (
            Locale,
            "timezone",
            "value=Europe/Berlin",
            "value=UTC",
            "set it in a step: `ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime; echo Europe/Berlin >/etc/timezone`",
        ),
        (
            Environment,
            "LANG (login)",
            "value=C.UTF-8",
            "-",
            "say it in the Envfile, [machine.web]: env = { LANG = \"C.UTF-8\" }",
        ),
        (
            Sysctls,
            "vm.max_map_count",
            "value=262144",
            "value=65530",
            "say it in the Envfile, [machine.web]: sysctls = { \"vm.max_map_count\" = \"262144\" }",
        ),
        (
            Limits,
            "open files",
            "soft=4096",
            "soft=1024",
            "say it in the Envfile, [machine.web]: ulimits = { nofile = { soft = 4096 } }",
        ),
        (Services, "nginx.service", "active=active", "active=inactive", "`systemctl start nginx.service`"),
        (
            Users,
            "app",
            "uid=1000",
            "uid=1001",
            "give it the number in the step that makes it: `useradd -u 1000 app`, or `usermod -u 1000 app` and `chown` for its files",
        ),
        (
            Files,
            "/etc/a",
            "mode=0644 owner=root:root",
            "mode=0600 owner=a:a",
            "`chmod 0644 /etc/a; chown -h root:root /etc/a`",
        ),
        (Files, "/etc/a", "sha256=aa", "sha256=bb", "write it by a `file` step of the Envfile: /etc/a"),
        (
            Resolution,
            "host db",
            "value=10.0.0.1",
            "-",
            "say it in the Envfile, [machine.web]: extra_hosts = { db = \"10.0.0.1\" }",
        ),
        (
            Ports,
            "tcp 0.0.0.0:80",
            "process=nginx",
            "-",
            "`env rebuild web` makes the machine anew from the Envfile",
        ),
    ] {
        assert_eq!(first(section, key, before, after), expected);
    }
}

#[test]
fn what_machines_say_is_quoted() {
    let line = first(Section::Files, "/etc/$(reboot)", "mode=0644", "mode=0600");
    assert_eq!(line, "`chmod 0644 '/etc/$(reboot)'`");
    let line = first(Section::Environment, "A", "value=\"}", "-");
    assert!(line.ends_with(r#"env = { A = "\"}" }"#), "{line}");
}

#[test]
fn the_meaning_says_how_bad_it_is_and_what_hides_it() {
    let side = |fields| Some(item(fields));
    let mut difference = Difference::of_item(Section::Os, "hostname", side("value=a"), side("value=b"));
    difference.rule = Some("hostname".to_owned());
    difference.also = 2;
    let Explanation { meaning, hidden, align } = explain("web", &difference, Side::After);
    assert_eq!(
        meaning,
        "hostname differs in value: certificates and configuration may name it (notable); 2 more differences come with it"
    );
    assert_eq!(
        hidden.as_deref(),
        Some("hidden by the noise rule `hostname`: every machine has a name of its own")
    );
    assert!(align.len() == 3, "{align:?}");
    let step = explain("web", &Difference::of_step("1 base.sh", None, None), Side::Before);
    assert_eq!(step.align, ["`env up web` brings it to what the Envfile says"]);
}
