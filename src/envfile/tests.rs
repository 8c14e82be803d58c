//! The whole way from text to stack or errors; small parts are tested beside their code.

use super::*;
use crate::model::stack::Stack;
use std::collections::BTreeMap;
use std::path::Path;

/// A directory with an Envfile and further files.
fn project(envfile: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files.iter().chain(&[(FILE_NAME, envfile)]) {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

fn load_in(directory: &Path) -> crate::model::Result<Loaded> {
    let variables =
        BTreeMap::from([("TAG".to_owned(), "16".to_owned()), ("HOME".to_owned(), "/home/me".to_owned())]);
    load(&directory.join(FILE_NAME), &LoadOptions { variables, ..LoadOptions::default() })
}

fn stack_of(envfile: &str, files: &[(&str, &str)]) -> Stack {
    let directory = project(envfile, files);
    load_in(directory.path()).unwrap_or_else(|error| panic!("{}", shown(&error))).stack
}

/// As the printer shows it.
fn shown(error: &crate::model::Error) -> String {
    assert_eq!(error.kind, crate::model::Kind::Usage);
    let detail = error.detail.iter().map(|detail| format!("\n{detail}"));
    let hints = error.hints.iter().map(|hint| format!("\nhint: {hint}"));
    error.to_string() + &detail.chain(hints).collect::<String>()
}

fn refused(envfile: &str, files: &[(&str, &str)]) -> String {
    let directory = project(envfile, files);
    match load_in(directory.path()) {
        Ok(loaded) => panic!("accepted: {:#?}", loaded.stack),
        Err(error) => shown(&error).replace(&directory.path().display().to_string(), "DIR"),
    }
}

#[test]
fn the_example_of_the_design() {
    let stack = stack_of(
        r#"
name = "shop"

[machine.db]
box = "debian/12"
memory = "512MiB"
volumes = ["dbdata:/var/lib/postgresql"]
ready = { tcp = 5432, timeout = "60s" }

[[machine.db.provision]]
shell = "ops/base.sh"

[[machine.db.provision]]
file = "ops/app.conf"
to = "/etc/app.conf"
mode = "0640"

[machine.web]
image = "nginx:${TAG}"
depends_on = ["db"]
ports = ["8080:80"]
sync = [".:/srv/shop"]
env = { DATABASE_URL = "postgres://db/${project}/${machine}/${environment}", WORKERS = 4 }
ready = { http = "http://localhost/health" }

[volume.dbdata]
"#,
        &[("ops/base.sh", "true\n"), ("ops/app.conf", "")],
    );
    insta::assert_debug_snapshot!(stack.machines["web"].env, @r#"
    {
        "DATABASE_URL": "postgres://db/shop/web/dev",
        "WORKERS": "4",
    }
    "#);
    assert_eq!(stack.machines["db"].provision.len(), 2);
    assert_eq!(stack.machines["db"].provision[0].name, "ops/base.sh");
    assert_eq!(stack.machines["web"].source_name(), "nginx:16");
    assert!(stack.networks.contains_key("default"));
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(refused("[machine.web]\nimage = \"x\"\n    port = [\"8080:80\"]\n", &[]), @r#"
    Envfile:3:5: unknown key `port` in machine web
        3 | port = ["8080:80"]
          | ^^^^ did you mean `ports`?
    hint: `env help envfile` lists all keys.
    "#);
}
