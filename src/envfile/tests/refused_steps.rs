//! How errors in readiness and steps look.

use super::refused;

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
salt = "states"
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
          | ^^^^^^^^^^^^^^^^^^^^^^^ it needs one of `shell`, `file`, `ansible`, `puppet`, `chef`, `cloud_init`

    Envfile:6:1: step 3 of machine a has `shell` and `file`
        6 | [[machine.a.provision]]
          | ^^^^^^^^^^^^^^^^^^^^^^^ a step has one of them; write two steps

    Envfile:11:1: unknown key `to` in step 4 of machine a
       11 | to = "/x"
          | ^^ it belongs to machine.NAME.provision (file)

    Envfile:12:7: `run` in step 4 of machine a: `sometimes` is not possible, only `changed`, `always`, `once`, `never`
       12 | run = "sometimes"
          |       ^^^^^^^^^^^

    Envfile:14:1: unknown key `salt` in step 5 of machine a
       14 | salt = "states"
          | ^^^^ `salt` comes in a later version

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

#[test]
fn puppet() {
    let envfile = r#"[machine.a]
image = "x"
[[machine.a.provision]]
puppet = "ops/nowhere"
[[machine.a.provision]]
puppet = "ops/repo"
manifest = "ops/other.pp"
hiera = "ops/empty"
environment = "pro duction"
modules = ["ops/other.pp"]
certname = "web1"
facts = { limit = inf }
[[machine.a.provision]]
puppet = "ops/repo"
to = "/x"
"#;
    let files = [("ops/repo/manifests/site.pp", ""), ("ops/other.pp", ""), ("ops/empty/x", "")];
    insta::assert_snapshot!(refused(envfile, &files), @r#"
    Envfile:4:10: `puppet` in step 1 of machine a: `ops/nowhere` does not exist
        4 | puppet = "ops/nowhere"
          |          ^^^^^^^^^^^^^ relative to the Envfile's directory

    Envfile:7:12: `manifest` in step 2 of machine a: lies outside the control repository
        7 | manifest = "ops/other.pp"
          |            ^^^^^^^^^^^^^^ relative to the Envfile's directory

    Envfile:8:9: `hiera` in step 2 of machine a: the directory has no hiera.yaml
        8 | hiera = "ops/empty"
          |         ^^^^^^^^^^^

    Envfile:9:15: `environment` in step 2 of machine a: `pro duction` is no name of an environment: letters, digits and `_`
        9 | environment = "pro duction"
          |               ^^^^^^^^^^^^^

    Envfile:10:12: `modules` in step 2 of machine a: `ops/other.pp` is not a directory
       10 | modules = ["ops/other.pp"]
          |            ^^^^^^^^^^^^^^

    Envfile:11:1: unknown key `certname` in step 2 of machine a
       11 | certname = "web1"
          | ^^^^^^^^ did you mean `node_name`?

    Envfile:12:19: `facts.limit` in step 2 of machine a: is no number that JSON knows
       12 | facts = { limit = inf }
          |                   ^^^

    Envfile:15:1: unknown key `to` in step 3 of machine a
       15 | to = "/x"
          | ^^ it belongs to machine.NAME.provision (file)
    hint: `env help envfile` lists all keys.
    "#);
}

#[test]
fn chef_and_cloud_init() {
    let envfile = r#"[machine.a]
image = "x"
[[machine.a.provision]]
chef = "ops"
[[machine.a.provision]]
chef = "ops"
run_list = []
[[machine.a.provision]]
chef = "ops"
run_list = ["roles[web]", "shop"]
attributes = {}
[[machine.a.provision]]
cloud_init = "ops"
[[machine.a.provision]]
cloud_init = "ops/user-data"
timeout = "soon"
meta_data = { instance-id = "i-1" }
network = "ops/network"
"#;
    insta::assert_snapshot!(refused(envfile, &[("ops/user-data", "")]), @r#"
    Envfile:3:1: step 1 of machine a needs `run_list`
        3 | [[machine.a.provision]]
          | ^^^^^^^^^^^^^^^^^^^^^^^ what to converge, such as `run_list = ["role[web]"]`

    Envfile:7:12: `run_list` in step 2 of machine a: the run list is empty
        7 | run_list = []
          |            ^^

    Envfile:10:13: `run_list` in step 3 of machine a: `roles[web]` is neither a recipe nor a role, such as `recipe[shop::app]`
       10 | run_list = ["roles[web]", "shop"]
          |             ^^^^^^^^^^^^

    Envfile:11:1: unknown key `attributes` in step 3 of machine a
       11 | attributes = {}
          | ^^^^^^^^^^ did you mean `node`?

    Envfile:13:14: `cloud_init` in step 4 of machine a: `ops` is a directory, a file is needed
       13 | cloud_init = "ops"
          |              ^^^^^

    Envfile:16:11: `timeout` in step 5 of machine a: `soon` is not a length of time (use 500ms, 10s, 2m, 1h30m)
       16 | timeout = "soon"
          |           ^^^^^^

    Envfile:17:13: `meta_data` in step 5 of machine a: `instance-id` is set by env: it changes with the data
       17 | meta_data = { instance-id = "i-1" }
          |             ^^^^^^^^^^^^^^^^^^^^^^^

    Envfile:18:1: unknown key `network` in step 5 of machine a
       18 | network = "ops/network"
          | ^^^^^^^ it belongs to the top of the Envfile
    hint: `env help envfile` lists all keys.
    "#);
}
