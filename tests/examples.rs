//! Every example comes up, answers, converges and goes away again, as its README says.

mod ansible;
mod cloud_init;
mod puppet;

use crate::support::{Outcome, Project, docker};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

/// What a page on loopback says.
#[track_caller]
fn page(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.") && text.contains(" 200 "), "{text}");
    text
}

/// An example whose port on the host is any free one, so that it does not matter what else runs on this host.
fn example(name: &str, port: &str) -> Project {
    let project = Project::copy_of(&format!("examples/{name}")).with_layers();
    let (host, guest) = port.split_once(':').unwrap();
    project.change("Envfile", &format!("\"{host}:{guest}\""), &format!("\"auto:{guest}\""));
    project
}

/// The port on the host that a machine's only port is published at.
#[track_caller]
fn port(project: &Project, machine: usize) -> u16 {
    let status = project.env("status --json").exits(0).json();
    let port = status["machines"][machine]["ports"][0]["host"].as_u64();
    u16::try_from(port.unwrap_or_else(|| panic!("no port in {status}"))).unwrap()
}

/// The steps that an `up --json` ran: machine, step and how it ended.
#[track_caller]
fn ran(up: &Outcome) -> Vec<String> {
    let lines = up.json_lines();
    let ended = lines.iter().filter(|line| line["event"] == "step" && line["status"] != "running");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    ended.map(|line| ["machine", "step", "status"].map(|key| text(&line[key])).join(" ")).collect()
}

/// What every shop shows whose machines are provisioned as production's: a page with the rows of the database, and below them
/// what its environment has of its own.
#[track_caller]
fn shows_the_shop(project: &Project, banner: &str) {
    let shop = page(port(project, 1));
    let rows = ["<h1>Shop</h1>", "<li>coffee: 2.90</li>", "<li>lemon cake: 3.50</li>", "<li>tea: 2.40</li>"];
    for text in rows.iter().copied().chain([format!("<p>{banner}</p>").as_str()]) {
        assert!(shop.contains(text), "no {text} in {shop}");
    }
    assert_eq!(foreign_listeners(), Vec::<String>::new());
}

/// What the database of every such shop answers.
#[track_caller]
fn asked_of_db(project: &Project, question: &str) -> String {
    let psql = ["exec", "db", "--", "runuser", "-u", "postgres", "--", "psql", "-tA", "shop", "-c", question];
    project.env_words(&psql).exits(0).stdout.trim().to_owned()
}

/// The tables of every such shop.
#[track_caller]
fn has_the_schema(project: &Project) {
    let columns = "select column_name || ' ' || data_type || ' ' || is_nullable from information_schema.columns \
                   where table_name = 'product' order by ordinal_position";
    assert_eq!(asked_of_db(project, columns), "name text NO\ncents integer NO");
    assert_eq!(asked_of_db(project, "select tableowner from pg_tables where tablename = 'product'"), "shop");
}

/// Sockets that listen on the host for published ports, other than on loopback.
fn foreign_listeners() -> Vec<String> {
    let output = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let foreign = |line: &&str| line.contains("docker-proxy") && !line.contains("-host-ip 127.0.0.1");
    text.lines().filter(foreign).map(str::to_owned).collect()
}

#[track_caller]
fn gone(project: &Project) {
    project.env("destroy --yes --volumes").exits(0);
    assert_eq!(docker::containers(project.directory()), Vec::<String>::new());
    assert_eq!(docker::networks_and_volumes(project.directory()), Vec::<String>::new());
}

#[test]
fn hello_shows_its_page() {
    let project = example("hello", "8080:80");
    project.env("up").exits(0).stdout_has("http://127.0.0.1:");
    assert!(page(port(&project, 0)).contains("Hello"));
    assert_eq!(foreign_listeners(), Vec::<String>::new());
    project.env("up").exits(0).stdout_has("nothing to do");

    project.change("page/index.html", "Hello", "Hello again");
    let plan = project.env("plan --json").exits(2).json();
    assert_eq!(plan["actions"][1]["action"], "provision", "{plan}");
    project.env("up").exits(0);
    assert!(page(port(&project, 0)).contains("Hello again"));
    gone(&project);
}

#[test]
fn static_needs_no_shell_and_no_writable_disk() {
    let project = example("static", "8083:8080");
    assert!(Command::new("make").arg("-C").arg(project.directory()).status().unwrap().success());
    project.env("up").exits(0).stdout_has("http://127.0.0.1:");
    page(port(&project, 0));
    assert_eq!(foreign_listeners(), Vec::<String>::new());
    project.env("plan").exits(0);
    gone(&project);
}

#[test]
fn worker_starts_when_the_migration_is_done_and_the_migration_runs_once() {
    let project = example("worker", "8082:8000");
    project.env("up").exits(0);
    let status = project.env("status --json").exits(0).json();
    assert_eq!(status["machines"][0]["state"], "completed", "{status}");
    page(port(&project, 1));
    assert_eq!(foreign_listeners(), Vec::<String>::new());
    project.env("up").exits(0).stdout_has("nothing to do");
    gone(&project);
}

#[test]
fn shop_keeps_its_rows_and_tells_no_secret() {
    const CANARY: &str = "canary-5f2e8d-in-the-secret";
    let project = example("shop", "8081:80");
    project.write("secrets/db_password", CANARY);
    project.env("up").exits(0);
    let rows = page(port(&project, 2));
    assert!(rows.contains("<li>coffee"), "{rows}");
    assert_eq!(foreign_listeners(), Vec::<String>::new());
    let again = project.env("up --json").exits(0);
    assert!(!again.stdout.contains("\"event\":\"step\""), "{}", again.stdout);

    // A changed input runs its step and those after it, no others.
    project.change("app/shop.py", "\n", "\n# changed\n");
    let changed = project.env("up --json").exits(0).stdout;
    assert!(changed.contains("shop.py") && !changed.contains("install.sh"), "{changed}");

    // A step that fails is shown, and runs again.
    project.change("Envfile", "shell = \"proxy/start.sh\"", "shell = \"exit 3 # broken\"");
    project.env("up").exits(1).stderr_has("exited 3");
    let status = project.env("status --json").json();
    assert_eq!(status["machines"][2]["steps"]["failed"], 1, "{status}");
    project.change("Envfile", "shell = \"exit 3 # broken\"", "shell = \"proxy/start.sh\"");
    project.env("up").exits(0);

    // A row that only the volume knows survives a new machine.
    let insert = "insert into product values ('survivor', 100)";
    let psql = ["exec", "db", "--", "runuser", "-u", "postgres", "--", "psql", "shop", "-c", insert];
    project.env_words(&psql).exits(0);
    project.env("rebuild db --replace").exits(0);
    assert!(page(port(&project, 2)).contains("survivor"));

    // The secret is in its file, and nowhere else.
    let names = docker::containers(project.directory());
    for name in &names {
        assert!(!docker::docker(&["inspect", name]).contains(CANARY), "inspect {name}");
        assert!(!docker::docker(&["logs", name]).contains(CANARY), "logs {name}");
    }
    let processes = Command::new("sh")
        .args(["-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"])
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&processes.stdout).contains(CANARY), "argv or environment of a process");
    for place in [project.path(".envup"), project.data()] {
        let found = Command::new("grep").args(["-rl", CANARY]).arg(&place).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{}", place.display());
    }
    gone(&project);
}
