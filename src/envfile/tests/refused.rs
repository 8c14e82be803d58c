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
[environment.production]
[drift]
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

    Envfile:4:2: unknown key `environment` in the Envfile
        4 | [environment.production]
          |  ^^^^^^^^^^^ `environment` comes with drift in a later version

    Envfile:5:2: unknown key `drift` in the Envfile
        5 | [drift]
          |  ^^^^^ `drift` comes with drift in a later version
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
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:2:9: `image` in machine a: there is `box` already, and a machine starts from one thing only
        2 | image = "x"
          |         ^^^

    Envfile:4:1: machine b has none of `box`, `image` and `build`
        4 | [machine.b]
          | ^^^^^^^^^^^ it needs one, such as `box = "debian/12"`

    Envfile:6:9: `build` in machine c: `app` does not exist
        6 | build = "app"
          |         ^^^^^ relative to the Envfile's directory

    Envfile:8:15: `url` in `box` of machine d: `ftp://x` is not an http or https address
        8 | box = { url = "ftp://x", sha256 = "12" }
          |               ^^^^^^^^^

    Envfile:8:35: `sha256` in `box` of machine d: a sha256 digest has 64 hexadecimal characters
        8 | box = { url = "ftp://x", sha256 = "12" }
          |                                   ^^^^
    "#);
}

#[test]
fn cycles_and_missing_machines() {
    let envfile = r#"[machine.a]
image = "x"
depends_on = ["b"]
[machine.b]
image = "x"
depends_on = { c = "started" }
[machine.c]
image = "x"
depends_on = ["a", "c", "aa", "zulu"]
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:3:15: machines wait for each other: a → b → c → a
        3 | depends_on = ["b"]
          |               ^^^ one of these must go

    Envfile:9:20: machines wait for each other: c → c
        9 | depends_on = ["a", "c", "aa", "zulu"]
          |                    ^^^ one of these must go

    Envfile:9:25: machine c names machine `aa`, which is not declared
        9 | depends_on = ["a", "c", "aa", "zulu"]
          |                         ^^^^ did you mean `a`?

    Envfile:9:31: machine c names machine `zulu`, which is not declared
        9 | depends_on = ["a", "c", "aa", "zulu"]
          |                               ^^^^^^ declare it: `[machine.zulu]`
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
fn names_that_refer_to_nothing() {
    let envfile = r#"[machine.a]
image = "x"
volumes = ["data:/x", "/x", "dta:/y"]
sync = ["./no:/z", "/etc", { from = "." }]
networks = ["frnt"]
secrets = ["s"]
[network.front]
[volume.data]
[secret.x]
[config.x]
content = "a"
file = "Envfile"
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:3:23: machine a has two things at /x
        3 | volumes = ["data:/x", "/x", "dta:/y"]
          |                       ^^^^

    Envfile:3:29: machine a names volume `dta`, which is not declared
        3 | volumes = ["data:/x", "/x", "dta:/y"]
          |                             ^^^^^^^^ did you mean `data`?

    Envfile:4:9: `sync` in machine a: `./no` does not exist
        4 | sync = ["./no:/z", "/etc", { from = "." }]
          |         ^^^^^^^^^ relative to the Envfile's directory

    Envfile:4:20: `sync` in machine a: `/etc` does not say where the machine sees it
        4 | sync = ["./no:/z", "/etc", { from = "." }]
          |                    ^^^^^^ write host:guest

    Envfile:4:28: `sync` in machine a: a folder needs `from` and `to`
        4 | sync = ["./no:/z", "/etc", { from = "." }]
          |                            ^^^^^^^^^^^^^^

    Envfile:5:13: machine a names network `frnt`, which is not declared
        5 | networks = ["frnt"]
          |             ^^^^^^ did you mean `front`?

    Envfile:6:12: machine a names secret `s`, which is not declared
        6 | secrets = ["s"]
          |            ^^^ declare it: `[secret.s]`

    Envfile:9:1: secret x needs either `env` or `file`
        9 | [secret.x]
          | ^^^^^^^^^^ exactly one of them

    Envfile:10:1: config x needs either `content` or `file`
       10 | [config.x]
          | ^^^^^^^^^^ exactly one of them
    "#);
}

#[test]
fn ports_taken_twice() {
    let envfile = r#"[machine.a]
image = "x"
ports = ["80:80"]
[machine.b]
image = "x"
ports = ["81:81", "79-80:1-2", "0.0.0.0:81:1", "81:81/udp"]
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:6:19: 127.0.0.1:80/tcp of machine b is published by machine a already
        6 | ports = ["81:81", "79-80:1-2", "0.0.0.0:81:1", "81:81/udp"]
          |                   ^^^^^^^^^^^ another host port, or "auto:2"

    Envfile:6:32: 0.0.0.0:81/tcp of machine b is published by machine b already
        6 | ports = ["81:81", "79-80:1-2", "0.0.0.0:81:1", "81:81/udp"]
          |                                ^^^^^^^^^^^^^^ another host port, or "auto:1"
    "#);
}

#[test]
fn readiness() {
    let envfile = r#"[machine.a]
image = "x"
[machine.a.ready]
http = "https://x"
log = "("
tcp = [0, "x"]
file = "x"
timeout = "0s"
interval = 5
[machine.b]
image = "x"
ready = {}
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:4:8: `http` in `ready` of machine a: only http:// is probed; for https use `cmd`, such as ["curl", "-fsk", URL]
        4 | http = "https://x"
          |        ^^^^^^^^^^^

    Envfile:5:7: `log` in `ready` of machine a: not a regular expression: unclosed group
        5 | log = "("
          |       ^^^

    Envfile:6:8: `tcp` in `ready` of machine a: port 0 is not between 1 and 65535
        6 | tcp = [0, "x"]
          |        ^

    Envfile:6:11: `tcp` in `ready` of machine a must be an integer, not a string
        6 | tcp = [0, "x"]
          |           ^^^ such as `tcp = 5432`

    Envfile:7:8: `file` in `ready` of machine a: `x` is not an absolute path in the machine
        7 | file = "x"
          |        ^^^

    Envfile:8:11: `timeout` in `ready` of machine a: must be longer than nothing
        8 | timeout = "0s"
          |           ^^^^

    Envfile:9:12: `interval` in `ready` of machine a must be a string, not an integer
        9 | interval = 5
          |            ^ such as `interval = "1s"`

    Envfile:12:9: `ready` of machine b awaits nothing
       12 | ready = {}
          |         ^^ it needs one of tcp, http, cmd, file, log
    "#);
}

#[test]
fn steps() {
    let envfile = r#"[machine.a]
image = "x"
[[machine.a.provision]]
shell = "nope.sh"
[[machine.a.provision]]
[[machine.a.provision]]
shell = "a b"
file = "x"
[[machine.a.provision]]
shell = "a b"
to = "/x"
run = "sometimes"
[[machine.a.provision]]
ansible = "x.yml"
[[machine.a.provision]]
file = "Envfile"
to = "/etc/"
mode = "rw"
[[provision]]
shell = "a b"
machines = ["b"]
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:4:9: `shell` in step 1 of machine a: the script `nope.sh` does not exist
        4 | shell = "nope.sh"
          |         ^^^^^^^^^ a command of one word needs a space or newline, else it is a path

    Envfile:5:1: step 2 of machine a says nothing to do
        5 | [[machine.a.provision]]
          | ^^^^^^^^^^^^^^^^^^^^^^^ it needs `shell` or `file`

    Envfile:6:1: step 3 of machine a has `shell` and `file`
        6 | [[machine.a.provision]]
          | ^^^^^^^^^^^^^^^^^^^^^^^ a step has one of them; write two steps

    Envfile:11:1: unknown key `to` in step 4 of machine a
       11 | to = "/x"
          | ^^ it belongs to machine.NAME.provision (file)

    Envfile:12:7: `run` in step 4 of machine a: `sometimes` is not possible, only `changed`, `always`, `once`, `never`
       12 | run = "sometimes"
          |       ^^^^^^^^^^^

    Envfile:14:1: unknown key `ansible` in step 5 of machine a
       14 | ansible = "x.yml"
          | ^^^^^^^ `ansible` comes in a later version

    Envfile:17:6: `to` in step 6 of machine a: is the file's own path, not the directory to put it in
       17 | to = "/etc/"
          |      ^^^^^^^

    Envfile:18:8: `mode` in step 6 of machine a: `rw` are not octal permissions such as 0644
       18 | mode = "rw"
          |        ^^^^

    Envfile:21:13: step 1 of the stack names machine `b`, which is not declared
       21 | machines = ["b"]
          |             ^^^ declare it: `[machine.b]`
    hint: `env help envfile` lists all keys.
    "#);
}
