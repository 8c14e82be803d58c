//! The provisioners that are long in a VM: Puppet, Chef and cloud-init make one machine a shop, from what makes containers one.
//!
//! Chef is the FAKE of `tests/docker/tools.rs`. Shell and Ansible are in the test of [`parity`](crate::parity).

use crate::stage::{Stage, page, steps_ended};

/// The database of the Puppet example and the page of the cloud-init example, in one machine.
const ENVFILE: &str = r#"
name = "tools"

[machine.db]
box = "debian/12"
provider = "libvirt"
memory = "1GiB"
ports = ["auto:80"]
secrets = ["db_password"]
ready = { http = "http://localhost/health" }

[[machine.db.provision]]
puppet = "puppet/ops/control-repo"
facts = { app_env = "${environment}" }

[[machine.db.provision]]
file = "fake-chef-solo"
to = "/usr/local/bin/chef-solo"
mode = "0755"

[[machine.db.provision]]
chef = "chef"
run_list = ["recipe[shop]"]
environment = "production"
node = { shop = { env = "${environment}" } }

[[machine.db.provision]]
cloud_init = "cloud-init/ops/web.yaml"
meta_data = { app_env = "${environment}" }

[secret.db_password]
file = "puppet/secrets/db_password"
"#;

const FAKE_CHEF: &str = include_str!("../../../../tests/support/fake-chef-solo");
const RECIPE: &str = "echo 'Chef Infra Client finished, 2/3 resources updated in 01 seconds'\n";

fn inside(stage: &Stage, words: &str) -> String {
    stage.env(&format!("exec db -- {words}")).exits(0).stdout
}

/// The steps of an `up --json`, and how they ended.
fn ran(json: &str) -> Vec<String> {
    let ended = steps_ended(json);
    ended.iter().map(|line| format!("{} {}", line["step"], line["status"]).replace('"', "")).collect()
}

#[test]
#[ignore = "long: ./test --full"]
fn puppet_chef_and_cloud_init_provision_a_vm() {
    let stage = Stage::new(ENVFILE);
    for example in ["puppet", "cloud-init"] {
        stage.copy_example(example, example);
    }
    stage.write("fake-chef-solo", FAKE_CHEF);
    stage.write("chef/cookbooks/shop/recipes/default.rb", RECIPE);
    stage.write("chef/environments/production.json", "{}");

    let up = stage.env("up --json").exits(0).stdout;
    let all = [
        "install puppet changed",
        "puppet/ops/control-repo changed",
        "/usr/local/bin/chef-solo changed",
        "install chef unchanged",
        "chef changed",
        "install cloud-init changed",
        "cloud-init/ops/web.yaml changed",
    ];
    assert_eq!(ran(&up), all);
    assert!(stage.env("up").exits(0).stdout.contains("nothing to do"));
    let shop = || {
        let status: serde_json::Value =
            serde_json::from_str(&stage.env("status --json").exits(0).stdout).unwrap();
        page(u16::try_from(status["machines"][0]["ports"][0]["host"].as_u64().unwrap()).unwrap(), "/")
    };
    assert!(shop().contains("<li>coffee: 2.90</li>"), "{}", shop());
    assert_eq!(
        inside(&stage, "cat /root/node.json"),
        r#"{"run_list":["recipe[shop]"],"shop":{"env":"dev"}}"#
    );
    assert_eq!(inside(&stage, "find /var/lib/envup/staging -mindepth 2"), "", "nothing is left there");

    // What cloud-init does in a VM that boots again is nothing: it knows the instance, and the network is none of its business.
    stage.env("restart").exits(0);
    stage.env("up").exits(0);
    assert!(shop().contains("<li>coffee: 2.90</li>"), "{}", shop());
    assert_eq!(inside(&stage, "systemctl is-system-running --wait").trim(), "running");
    assert!(inside(&stage, "cloud-init status").contains("status: done"));
    stage.env("drift").exits(0);

    // Other user-data are another instance. What fails, or takes too long, is told in cloud-init's words and runs again.
    let web = "cloud-init/ops/web.yaml";
    stage.change_in(web, "<h1>Shop</h1>", "<h1>The shop</h1>");
    stage.change("[secret", "timeout = \"1s\"\n\n[secret");
    let late = stage.env("up").exits(1).stderr;
    assert!(late.contains("was not done after 1 s"), "{late}");
    stage.change("timeout = \"1s\"\n", "");
    // The last of them: cloud-init runs what is below `runcmd` as one script.
    let last = "- [systemctl, restart, shop, nginx]\n";
    stage.change_in(web, last, &format!("{last}- [sh, -c, 'exit 7']\n"));
    let failed = stage.env("up").exits(1).stderr;
    assert!(failed.contains("module scripts-user"), "{failed}");
    stage.change_in(web, "- [sh, -c, 'exit 7']\n", "");
    assert_eq!(ran(&stage.env("up --json").exits(0).stdout), ["cloud-init/ops/web.yaml changed"]);
    assert!(shop().contains("<h1>The shop</h1>"), "{}", shop());
}
