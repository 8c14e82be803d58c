//! The shop from a playbook, here and on hosts that others made.

use super::{example, gone, has_the_schema, port, ran, shows_the_shop};
use crate::support::{Project, host};

/// Machines that play production for an example: they boot, and let root in over ssh.
fn production(key: &str) -> Project {
    let enter = format!(
        "install -d -m 700 /root/.ssh && echo '{key}' >/root/.ssh/authorized_keys && ssh-keygen -A && systemctl start ssh"
    );
    let machine = |name: &str, more: &str| {
        format!(
            "[machine.{name}]\nbox = \"debian/12\"\nports = [\"auto:22\"]\n{more}\n\
             [[machine.{name}.provision]]\nshell = \"{enter}\"\n"
        )
    };
    let db = machine("db", "volumes = [\"data:/var/lib/postgresql\"]");
    let envfile = format!("[layers]\nenabled = false\n{db}{}[volume.data]\n", machine("web", ""));
    Project::new(&envfile)
}

#[test]
fn ansible_is_the_same_here_and_in_production() {
    let project = example("ansible", "8086:80");
    project.env("allow").exits(0);
    project.env("up").exits(0);
    shows_the_shop(&project, "Nothing here is for sale.");
    has_the_schema(&project);
    assert_eq!(ran(&project.env("up --json").exits(0)), Vec::<String>::new());

    // A template of a role, and production's data instead of ours.
    project.change("ops/roles/nginx/templates/shop.conf.j2", "2s;", "3s;");
    let hosts = "inventory = \"ops/inventories/production\"\n\
                 hosts = { db = \"db1.example.org\", web = \"web1.example.org\" }";
    project.change("Envfile", "inventory = \"ops/inventories/${environment}\"", hosts);
    project.env("allow").exits(0);
    let changed = project.env("up --json").exits(0).stdout;
    assert!(changed.contains("ops/site.yml") && !changed.contains("install python"), "{changed}");
    shows_the_shop(&project, "Open all day.");
    let conf = project.env("exec web -- cat /etc/nginx/conf.d/shop.conf").exits(0);
    conf.stdout_has("proxy_connect_timeout 3s;");

    // The same Envfile and playbook, on hosts that others made.
    let place = project.path("production");
    std::fs::create_dir(&place).unwrap();
    host::make_key(&place.join("key"));
    let key = std::fs::read_to_string(place.join("key.pub")).unwrap();
    let production = production(key.trim());
    production.env("up").exits(0);
    let (mut known, mut machines) = (String::new(), String::new());
    for (index, name) in ["db", "web"].into_iter().enumerate() {
        let port = port(&production, index);
        let public = production.env_words(&["exec", name, "--", "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]);
        known += &format!("[127.0.0.1]:{port} {}", public.exits(0).stdout);
        machines += &format!(
            "\n{name} = {{ host = \"127.0.0.1\", changes = \"allowed\", ssh = {{ user = \"root\", port = {port}, \
             identity = \"production/key\", known_hosts = \"production/known\" }} }}\n"
        );
    }
    project.write("production/known", &known);
    let envfile = project.read("Envfile");
    let (envfile, _) = envfile.split_once("\ndb = { host").unwrap();
    let ways_in = ["/root/.ssh{,/**}", "/etc/ssh/ssh_host_*"].map(|path| format!("path = \"{path}\""));
    let service = "section = \"services\"\nkey = \"ssh.service\"".to_owned();
    let ports = "section = \"ports\"\nkey = \"tcp *:22\"".to_owned();
    let rules = ways_in.into_iter().chain([service, ports]);
    let rules = rules
        .map(|rule| format!("[[drift.ignore]]\n{rule}\nreason = \"how tests come in\"\n"))
        .collect::<String>();
    project.write("Envfile", &format!("{envfile}{machines}{rules}"));
    project.env("allow --env production").exits(0);
    project.env("up --env production").exits(0);
    let drift = project.env("drift --env dev --against production").exits(0);
    drift.stdout_has("in sync");
    let file = production.env("exec web -- cat /etc/nginx/conf.d/shop.conf").exits(0);
    file.stdout_has("proxy_connect_timeout 3s;");
    gone(&production);
    gone(&project);
}
