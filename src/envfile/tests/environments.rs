//! What an environment makes of an Envfile.

use super::super::{FILE_NAME, load_all};
use super::{load_as, options, project, refused, refused_as, shown, stack_as, stack_of};
use crate::model::machine::{Condition, Init};
use crate::model::size::Size;
use crate::model::stack::Content;

const SHOP: &str = r#"
name = "shop"

[variables]
VERSION = "1"

[machine.web]
image = "web:${VERSION}"
memory = "1GiB"
privileged = true
env = { MODE = "normal", DEBUG = true, PLACE = "${environment}" }
ports = ["8080:80", "8443:443"]
depends_on = ["db", "cache"]
ready = { tcp = 80, timeout = "2m" }
[[machine.web.provision]]
shell = "echo one"
[[machine.web.provision]]
shell = "echo two"

[machine.db]
box = "debian/12"
init = "rc"
volumes = ["data:/data"]
depends_on = { cache = "started" }

[machine.cache]
image = "redis:7"

[[provision]]
shell = "echo all"
machines = ["web", "cache"]

[[provision]]
shell = "echo cache"
machines = ["cache"]

[volume.data]
[config.site]
content = "base"

[environment.test]
variables = { VERSION = "2" }
machine.cache = false
machine.mail = { image = "mail" }
network.front.internal = true
config.site.content = "test"
[environment.test.machine.web]
ports = []
ready = { tcp = 8080 }
privileged = false
memory = false
env = { DEBUG = false, EXTRA = 1 }
provision = [{ shell = "echo other" }]

[environment.images]
machine.db = { image = "postgres:16", volumes = false }
machine.web.depends_on = { db = "started" }
provision = [{ shell = "echo images" }]
"#;

#[test]
fn tables_merge_and_everything_else_replaces() {
    let stack = stack_as("test", SHOP);
    assert_eq!((stack.environment.as_str(), stack.full_name().as_str()), ("test", "shop.test"));
    assert_eq!(stack.environments, ["test", "images"]);
    assert_eq!(stack.machines.keys().collect::<Vec<_>>(), ["db", "mail", "web"]);
    let web = &stack.machines["web"];
    assert_eq!(web.source_name(), "web:2");
    insta::assert_debug_snapshot!(web.env, @r#"
    {
        "DEBUG": "false",
        "EXTRA": "1",
        "MODE": "normal",
        "PLACE": "test",
    }
    "#);
    assert_eq!((web.ports.len(), web.memory, web.privileged), (0, None, false));
    let ready = web.ready.as_ref().unwrap();
    assert_eq!((ready.requirements.len(), ready.timeout.as_secs()), (1, 120));
    assert_eq!(web.provision.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["echo other"]);
    assert!(stack.networks["front"].internal);
    assert_eq!(stack.configs["site"], Content::Inline("test".into()));
}

#[test]
fn nobody_waits_for_a_machine_that_is_taken_away() {
    let stack = stack_as("test", SHOP);
    assert_eq!(stack.machines["web"].depends_on.keys().collect::<Vec<_>>(), ["db"]);
    assert!(stack.machines["db"].depends_on.is_empty());
    assert_eq!(stack.provision.iter().map(|one| one.machines.clone()).collect::<Vec<_>>(), [["web"]]);
}

#[test]
fn another_source_takes_the_place_of_the_first() {
    let stack = stack_as("images", SHOP);
    let db = &stack.machines["db"];
    assert_eq!((db.source_name().as_str(), db.init), ("postgres:16", Init::None));
    assert!(db.volumes.is_empty());
    assert_eq!(stack.machines["web"].depends_on["db"], Condition::Started);
    assert_eq!(stack.provision[0].step.name, "echo images");
    assert_eq!(stack.machines["web"].memory, Some(Size(1 << 30)));
}

#[test]
fn without_an_environment_it_is_as_written() {
    let (plain, _) = SHOP.split_once("[environment.test]").unwrap();
    let (mut with, mut without) = (stack_of(SHOP, &[]), stack_of(plain, &[]));
    for stack in [&mut with, &mut without] {
        stack.environments.clear();
        (stack.file, stack.directory) = Default::default();
    }
    assert_eq!(with, without);
    assert_eq!(with.full_name(), "shop");
    // Where none is declared, the name is only a word.
    assert_eq!(stack_as("test", plain).machines["web"].env["PLACE"], "test");
}

#[test]
fn dev_may_say_more() {
    let envfile =
        "[machine.a]\nimage = 'x'\n[environment.dev.machine.a.env]\nDEBUG = 1\n[environment.test]\n";
    assert_eq!(stack_of(envfile, &[]).machines["a"].env["DEBUG"], "1");
    assert!(stack_as("test", envfile).machines["a"].env.is_empty());
}

#[test]
fn names_of_environments_are_known() {
    let unknown = |name| load_as(name, SHOP).unwrap_err();
    insta::assert_snapshot!(shown(&unknown("tset")), @r"
    the Envfile declares no environment `tset`
    hint: did you mean `--env test`?
    ");
    assert_eq!(unknown("zulu").hints, ["it declares test, images"]);
    assert!(unknown("Test").message.contains("must begin with a lowercase letter"));
    assert!(stack_as("dev", SHOP).machines.contains_key("cache"));
    insta::assert_snapshot!(refused("[environment.Test]\n[machine.a]\nimage = 'x'\n", &[]), @r"
    Envfile:1:14: environment: the name `Test` must begin with a lowercase letter or a digit
        1 | [environment.Test]
          |              ^^^^
    ");
}

#[test]
fn findings_point_at_what_was_written() {
    let envfile = r#"[machine.web]
image = "x"
memory = "lots"
[machine.db]
image = "x"
[environment.test]
machin.web = 1
machine.bd = false
machine.web.memory = "more"
machine.web.cpu = 2
machine.web.depends_on = ["dbx"]
machine.db.ports = false
"#;
    insta::assert_snapshot!(refused_as("test", envfile), @r#"
    Envfile:7:1: unknown key `machin` in environment test
        7 | machin.web = 1
          | ^^^^^^ did you mean `machine`?

    Envfile:8:9: environment test takes away `machine.bd`, which is not there
        8 | machine.bd = false
          |         ^^ only what the rest of the Envfile has can be taken away

    Envfile:9:22: `memory` in machine web: `more` is not a unit of memory (use KiB, MiB, GiB)
        9 | machine.web.memory = "more"
          |                      ^^^^^^

    Envfile:10:13: unknown key `cpu` in machine web
       10 | machine.web.cpu = 2
          |             ^^^ did you mean `cpus`?

    Envfile:11:27: machine web names machine `dbx`, which is not declared
       11 | machine.web.depends_on = ["dbx"]
          |                           ^^^^^ did you mean `db`?

    Envfile:12:12: environment test takes away `machine.db.ports`, which is not there
       12 | machine.db.ports = false
          |            ^^^^^ only what the rest of the Envfile has can be taken away
    hint: `env help envfile` lists all keys.
    "#);
}

#[test]
fn all_environments_are_checked_at_once() {
    let envfile = r#"[machine.web]
image = "a b"
[environment.test]
machine.web.memory = "lots"
[environment.production]
machine.web.image = "fine"
machine.web.cpus = "many"
"#;
    let directory = project(envfile, &[]);
    let error = load_all(&directory.path().join(FILE_NAME), &options(None)).unwrap_err();
    insta::assert_snapshot!(shown(&error), @r#"
    Envfile:2:9: `image` in machine web: `a b` has ` `, which the name of an image cannot have
        2 | image = "a b"
          |         ^^^^^

    Envfile:4:22: environment test: `memory` in machine web: `lots` is not a unit of memory (use KiB, MiB, GiB)
        4 | machine.web.memory = "lots"
          |                      ^^^^^^

    Envfile:7:20: environment production: `cpus` in machine web must be a number, not a string
        7 | machine.web.cpus = "many"
          |                    ^^^^^^ such as `cpus = 1.5`
    "#);
    let directory = project(SHOP, &[]);
    let all = load_all(&directory.path().join(FILE_NAME), &options(None)).unwrap();
    let names: Vec<_> = all.iter().map(|loaded| loaded.stack.environment.as_str()).collect();
    assert_eq!(names, ["dev", "test", "images"]);
}
