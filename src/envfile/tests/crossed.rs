//! How errors look that lie between the parts of a stack.

use super::refused;

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
fn what_is_awaited_to_complete_can_complete() {
    let error = refused(
        "[machine.a]\nbox = 'debian/12'\n[machine.b]\nimage = 'x'\ndepends_on = { a = 'completed' }\n",
        &[],
    );
    assert!(error.contains("waits for a to complete, which boots an init and never ends"), "{error}");
}
