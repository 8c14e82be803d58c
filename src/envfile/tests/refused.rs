//! How errors look, several at once.

use super::refused;

#[test]
fn an_empty_envfile() {
    let envfile = r#""#;
    insta::assert_snapshot!(refused(envfile, &[]), @r"
    Envfile:1:1: the Envfile declares no machine
    hint: `env new` writes an Envfile to begin with.
    ");
}

#[test]
fn many_findings_at_once() {
    let envfile = r#"[machine.Web]
image = "x"
    port = ["8080:80"]
ports = ["99999:80", "80", 80]
cpus = 0
memory = "lots"
restart = "sometimes"
provider = "dcker"
cap_add = ["SYS_ADMN"]
ulimits = { nofle = 3 }
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:1:10: machine: the name `Web` must begin with a lowercase letter or a digit
        1 | [machine.Web]
          |          ^^^

    Envfile:3:5: unknown key `port` in machine Web
        3 | port = ["8080:80"]
          | ^^^^ did you mean `ports`?

    Envfile:4:10: `ports` in machine Web: port 99999 is not between 1 and 65535
        4 | ports = ["99999:80", "80", 80]
          |          ^^^^^^^^^^

    Envfile:4:22: `ports` in machine Web: `80` has no host port, write "8080:80" or "auto:80"
        4 | ports = ["99999:80", "80", 80]
          |                      ^^^^

    Envfile:4:28: `ports` in machine Web must be a string, not an integer
        4 | ports = ["99999:80", "80", 80]
          |                            ^^ such as `ports = ["8080:80"]`

    Envfile:5:8: `cpus` in machine Web: 0 is not a possible number of processors
        5 | cpus = 0
          |        ^

    Envfile:6:10: `memory` in machine Web: `lots` is not a unit of memory (use KiB, MiB, GiB)
        6 | memory = "lots"
          |          ^^^^^^

    Envfile:7:11: `restart` in machine Web: `sometimes` is not possible, only no, always, on-failure[:N], unless-stopped
        7 | restart = "sometimes"
          |           ^^^^^^^^^^^

    Envfile:8:12: `provider` in machine Web: `dcker` is not possible, only `docker`, `libvirt`, `host`
        8 | provider = "dcker"
          |            ^^^^^^^ did you mean `docker`?

    Envfile:9:12: `cap_add` in machine Web: `SYS_ADMN` is not a capability
        9 | cap_add = ["SYS_ADMN"]
          |            ^^^^^^^^^^ did you mean `SYS_ADMIN`?

    Envfile:10:13: `ulimits.nofle` in machine Web: `nofle` is not a resource limit
       10 | ulimits = { nofle = 3 }
          |             ^^^^^ did you mean `nofile`?
    hint: `env help envfile` lists all keys.
    "#);
}

#[test]
fn slips_of_toml() {
    let envfile = r#"[machine.web]
image = "x"
image = "y"
[machine.db
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:3:1: duplicate key
        3 | image = "y"
          | ^^^^^

    Envfile:4:12: unclosed table, expected `]`
        4 | [machine.db
          |            ^
    hint: an Envfile is written in TOML.
    "#);
}

#[test]
fn keys_of_elsewhere() {
    let envfile = r#"machine.db = 3
image = "x"
[services.x]
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:1:14: `machine.db` in the Envfile must be a table, not an integer
        1 | machine.db = 3
          |              ^

    Envfile:2:1: unknown key `image` in the Envfile
        2 | image = "x"
          | ^^^^^ it belongs to machine.NAME

    Envfile:3:2: unknown key `services` in the Envfile
        3 | [services.x]
          |  ^^^^^^^^ did you mean `machine`?
    hint: `env help envfile` lists all keys.
    "#);
}

#[test]
fn a_machine_starts_from_one_thing() {
    let envfile = r#"[machine.a]
image = "x"
box = "debian/12"
[machine.b]
[machine.c]
build = "app"
[machine.d]
box = { url = "ftp://x", sha256 = "12" }
labels = { "envup.id" = "x" }
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:2:9: `image` in machine a: there is `box` already, and a machine starts from one thing only
        2 | image = "x"
          |         ^^^

    Envfile:4:1: machine b has none of `box`, `image` and `build`
        4 | [machine.b]
          | ^^^^^^^^^^^ it needs one, such as `box = "debian/12"`, or `host` with `provider = "host"`

    Envfile:6:9: `build` in machine c: `app` does not exist
        6 | build = "app"
          |         ^^^^^ relative to the Envfile's directory

    Envfile:8:15: `url` in `box` of machine d: `ftp://x` is not an http or https address
        8 | box = { url = "ftp://x", sha256 = "12" }
          |               ^^^^^^^^^

    Envfile:8:35: `sha256` in `box` of machine d: a sha256 digest has 64 hexadecimal characters
        8 | box = { url = "ftp://x", sha256 = "12" }
          |                                   ^^^^

    Envfile:9:12: `labels.envup.id` in machine d: `envup.id` is not possible, names that begin with `envup.` are ours
        9 | labels = { "envup.id" = "x" }
          |            ^^^^^^^^^^
    "#);
}

#[test]
fn memory_without_its_unit() {
    insta::assert_snapshot!(refused("[machine.a]\nimage = \"x\"\nmemory = 512\n", &[]), @r#"
    Envfile:3:10: `memory` in machine a: 512B of memory are too little to start with
        3 | memory = 512
          |          ^^^ `"512MiB"` and `"2GiB"` have a unit
    "#);
}

#[test]
fn variables() {
    let envfile = r#"[machine.a]
image = "${NOPE}:x ${TAG}"
command = "${machine} ${"
env = { A = "${NOPE:?say which}" }
[network.x]
subnet = "${machine}"
[variables]
project = "x"
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:2:10: `image` in machine a: variable `NOPE` is not set
        2 | image = "${NOPE}:x ${TAG}"
          |          ^^^^^^^ write `${NOPE:-default}`, set it in .env, or `$${NOPE}` for a shell's own

    Envfile:3:12: `command` in machine a: `${` has no matching `}`
        3 | command = "${machine} ${"
          |            ^^ write `$${` for these two characters themselves

    Envfile:4:14: `env.A` in machine a: variable `NOPE` is not set: say which
        4 | env = { A = "${NOPE:?say which}" }
          |              ^^^^^^^^^^^^^^^^^^

    Envfile:6:11: `subnet` in network x: variable `machine` is not set
        6 | subnet = "${machine}"
          |           ^^^^^^^^^^ it is only known inside a machine's table

    Envfile:8:11: `variables.project` in the Envfile: `project` is set by env itself
        8 | project = "x"
          |           ^^^
    "#);
}

#[test]
fn what_was_probably_meant_is_found_in_short_words_too() {
    let words = ["box", "env", "image", "ports"];
    let meant = ["bxo", "evn", "imgae", "port", "b", "xyz"].map(|word| super::super::nearest(word, words));
    assert_eq!(meant, [Some("box"), Some("env"), Some("image"), Some("ports"), None, None]);
}
