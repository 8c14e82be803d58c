//! The shop from a control repository.

use super::{asked_of_db, example, gone, has_the_schema, ran, shows_the_shop};
use crate::support::{Outcome, Project, docker};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const REPOSITORY: &str = "ops/control-repo";

/// What no log, label, argument or state may have in it, beside eyaml's key: a fact, and a value that eyaml keeps.
const CANARIES: [&str; 2] = ["kanarie-in-a-fact", "kanarie-in-eyaml"];

fn change(project: &Project, file: &str, old: &str, new: &str) {
    project.change(&format!("{REPOSITORY}/{file}"), old, new);
}

#[test]
fn the_shop_comes_up_from_a_control_repository_and_follows_its_changes() {
    let project = example("puppet", "8084:80");
    project.env("up").exits(0).stdout_has("http://127.0.0.1:");
    shows_the_shop(&project, "Nothing here is for sale.");
    has_the_schema(&project);
    assert_eq!(ran(&project.env("up --json").exits(0)), Vec::<String>::new());

    data_files_and_templates_count(&project);
    modules_of_a_puppetfile_are_fetched(&project);
    a_failure_is_told_and_resumed(&project);
    environments_have_their_own_data(&project);
    secrets_are_told_nowhere(&project);
    gone(&project);
}

/// Each runs the step of its machines again and no other.
fn data_files_and_templates_count(project: &Project) {
    change(project, "data/environment/dev.yaml", "Nothing here is for sale.", "Come back tomorrow.");
    change(
        project,
        "modules/shop/files/shop.py",
        "<h1>Shop</h1>",
        "<h1>Shop</h1><!-- a file of a module -->",
    );
    let template = "site-modules/profile/templates/nginx.conf.epp";
    change(project, template, "proxy_connect_timeout 2s;", "proxy_connect_timeout 3s;");
    let plan = project.env("plan web --json").exits(2).json();
    let actions = plan["actions"].as_array().unwrap();
    let web = actions.iter().find(|action| action["name"] == "web").unwrap();
    assert_eq!(web["reasons"].as_array().unwrap().len(), 1, "{plan}");
    assert_eq!(web["reasons"][0]["field"], "step.1 ops/control-repo", "{plan}");

    // Nothing of it concerns the database, and Puppet says so.
    let steps = ran(&project.env("up --json").exits(0));
    let password = "db password changed";
    assert_eq!(steps, ["db ops/control-repo unchanged", password, "web ops/control-repo changed"]);
    shows_the_shop(project, "Come back tomorrow.");
    let inside = "grep -c 3s /etc/nginx/conf.d/shop.conf; grep -c 'file of a module' /opt/shop/shop.py";
    let found = project.env_words(&["exec", "web", "--", "sh", "-c", inside]).exits(0);
    assert_eq!(found.stdout, "1\n1\n");
}

/// By the real r10k, from a repository of this host.
fn modules_of_a_puppetfile_are_fetched(project: &Project) {
    project.write(
        "elsewhere/motd/manifests/init.pp",
        "class motd { file { '/etc/motd': content => 'by r10k' } }\n",
    );
    for words in ["init --quiet", "add .", "-c user.name=me -c user.email=me@example.org commit --quiet -m x"]
    {
        let git =
            Command::new("git").args(words.split(' ')).current_dir(project.path("elsewhere/motd")).status();
        assert!(git.unwrap().success());
    }
    let place = project.path("elsewhere/motd").display().to_string();
    project.write(&format!("{REPOSITORY}/Puppetfile"), &format!("mod 'motd', :git => '{place}'\n"));
    change(project, "manifests/site.pp", "  include role::web\n", "  include role::web, motd\n");
    project.env("allow").exits(0);
    project.env("up web").exits(0);
    assert_eq!(project.env_words(&["exec", "web", "--", "cat", "/etc/motd"]).exits(0).stdout, "by r10k");
    assert!(!project.path(&format!("{REPOSITORY}/modules/motd")).exists());
}

fn a_failure_is_told_and_resumed(project: &Project) {
    let manifest = "site-modules/profile/manifests/web.pp";
    change(project, manifest, "/etc/nginx/conf.d/shop.conf", "/etc/nginx/nowhere/shop.conf");
    let failed = project.env("up web").exits(1);
    let place = format!(
        "[PLACE]/project/{REPOSITORY}/{manifest}:11: Profile::Web/File[/etc/nginx/nowhere/shop.conf]: "
    );
    failed
        .stderr_has("step ops/control-repo on web exited")
        .stderr_has(&place)
        .stderr_has("No such file or directory");

    change(project, manifest, "content => epp('profile/nginx", "contant => epp('profile/nginx");
    let broken = project.env("up web").exits(1);
    broken
        .stderr_has(&format!("[PLACE]/project/{REPOSITORY}/{manifest}:11: "))
        .stderr_has("no parameter named 'contant'");

    change(project, manifest, "contant", "content");
    change(project, manifest, "/etc/nginx/nowhere/shop.conf", "/etc/nginx/conf.d/shop.conf");
    let steps = ran(&project.env("up --json").exits(0));
    assert!(steps.iter().any(|step| step.starts_with("web ops/control-repo ")), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("install puppet")), "{steps:?}");
}

fn environments_have_their_own_data(project: &Project) {
    assert_eq!(asked_of_db(project, "show max_connections"), "20");
    let facts = "facts = { app_env = \"${environment}\" }\n\n[[machine.db";
    project.change("Envfile", facts, "facts = { app_env = \"production\" }\n\n[[machine.db");
    project.env("up db").exits(0);
    assert_eq!(asked_of_db(project, "show max_connections"), "200");
}

/// A fact with a secret, and a value that only the machine's key opens.
fn secrets_are_told_nowhere(project: &Project) {
    let openssl = |words: &str| {
        let done = Command::new("sh").args(["-c", words]).current_dir(project.directory()).output().unwrap();
        assert!(done.status.success(), "{words}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    openssl(
        "openssl req -x509 -nodes -newkey rsa:2048 -subj / -keyout secrets/eyaml -out ops/eyaml.pem 2>&1",
    );
    let sealed = openssl(&format!(
        "printf {} | openssl smime -encrypt -aes-256-cbc -outform DER ops/eyaml.pem | base64 -w0",
        CANARIES[1]
    ));
    let file = format!("{REPOSITORY}/data/nodes/web.eyaml");
    project.write(&file, &format!("shop::token: ENC[PKCS7,{sealed}]\n"));
    let level = "hierarchy:
  - name: What one machine has of its own
    path: \"nodes/%{facts.networking.hostname}.eyaml\"
    lookup_key: eyaml_lookup_key
    options:
      pkcs7_private_key: /run/secrets/eyaml
      pkcs7_public_key: /etc/eyaml.pem
";
    change(project, "hiera.yaml", "hierarchy:\n", level);
    let class = "class shop (\n  Optional[Sensitive[String]] $token = undef,\n  Optional[String] $fact = $facts['token'],";
    change(project, "modules/shop/manifests/init.pp", "class shop (", class);
    let file = "file {\n    '/opt/shop/token':\n      mode => '0600',\n      content => $token,\n      ;\n    \
                '/opt/shop/fact':\n      mode => '0600',\n      content => Sensitive($fact),\n      ;\n    '/opt/shop':";
    change(project, "modules/shop/manifests/init.pp", "file {\n    '/opt/shop':", file);
    let common = "lookup_options:\n  shop::token:\n    convert_to: Sensitive\n";
    let data = project.read(&format!("{REPOSITORY}/data/common.yaml"));
    project.write(&format!("{REPOSITORY}/data/common.yaml"), &format!("{common}{data}"));

    project.write(".env", &format!("TOKEN={}\n", CANARIES[0]));
    let web = "[[machine.web.provision]]\npuppet = \"ops/control-repo\"\nfacts = { ";
    let eyaml = "[[machine.web.provision]]\nshell = \"apt-get -q -y install --no-install-recommends hiera-eyaml\"\n\n\
                 [[machine.web.provision]]\nfile = \"ops/eyaml.pem\"\nto = \"/etc/eyaml.pem\"\n\n";
    project.change("Envfile", web, &format!("{eyaml}{web}token = \"${{TOKEN}}\", "));
    project.change(
        "Envfile",
        "ports = [\"auto:80\"]\nsecrets = [",
        "ports = [\"auto:80\"]\nsecrets = [\"eyaml\", ",
    );
    let envfile = project.read("Envfile");
    project.write("Envfile", &format!("{envfile}\n[secret.eyaml]\nfile = \"secrets/eyaml\"\n"));

    let key = project.read("secrets/eyaml");
    let key = key.lines().nth(1).unwrap().to_owned();
    let canaries = [CANARIES[0], CANARIES[1], key.as_str()];
    let (up, seen) = watched(&canaries, || project.env("up web --replace --json"));
    let up = up.exits(0);
    assert_eq!(seen, Vec::<String>::new());
    let inside = ["exec", "web", "--", "sh", "-c", "cat /opt/shop/fact; echo; cat /opt/shop/token"];
    assert_eq!(project.env_words(&inside).exits(0).stdout.trim(), canaries[..2].join("\n"));

    for canary in canaries {
        assert!(!up.to_string().contains(canary), "{canary} in what was said");
        for name in docker::containers(project.directory()) {
            assert!(!docker::docker(&["inspect", &name]).contains(canary), "{canary} in inspect {name}");
            assert!(!docker::docker(&["logs", &name]).contains(canary), "{canary} in logs {name}");
        }
        for place in [project.path(".envup"), project.data()] {
            let found = Command::new("grep").args(["-rl", "-e", canary]).arg(&place).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{canary} in {}", place.display());
        }
        let grep = format!("grep -rl -e {canary} /var/lib/envup /var/cache/puppet /var/log || true");
        let found = project.env_words(&["exec", "web", "--", "sh", "-c", &grep]).exits(0);
        assert_eq!(found.stdout, "", "{canary} in the machine's state");
    }
}

/// Does something, and looks all the while whether the arguments of a process have one of these in them.
fn watched(words: &[&str], work: impl FnOnce() -> Outcome) -> (Outcome, Vec<String>) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let look = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for process in fs::read_dir(Path::new("/proc")).unwrap().flatten() {
                    let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
                    let arguments = String::from_utf8_lossy(&arguments).into_owned();
                    if words.iter().any(|word| arguments.contains(word)) {
                        seen.push(arguments);
                    }
                }
                crate::support::pause();
            }
            seen
        });
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        (outcome, look.join().unwrap())
    })
}
