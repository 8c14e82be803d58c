//! Tools that work inside machines: missing, failing, changing something or nothing.
//!
//! No Chef can be installed here, so the `chef-solo` of these tests is a FAKE: a shell script that reads what the real one is given
//! and answers as the real one does. What it is asked for, and what is made of its answers, is ours.

use super::stack::Stack;

/// The fake.
const FAKE: &str = include_str!("../support/fake-chef-solo");

const ENVFILE: &str = r#"
[machine.web]
image = "IMAGE"

[[machine.web.provision]]
file = "fake"
to = "/usr/local/bin/chef-solo"
mode = "0755"

[[machine.web.provision]]
chef = "ops/chef"
run_list = ["recipe[shop]"]
environment = "production"
node = { shop = { env = "${environment}", ports = [80, 443] } }
"#;

fn recipe(stack: &Stack, content: &str) {
    stack.project.write("ops/chef/cookbooks/shop/recipes/default.rb", content);
}

/// How the step ended.
fn status(stack: &Stack) -> String {
    let lines = stack.env("up --json").succeeds().json_lines();
    let ended = lines.iter().find(|line| line["step"] == "ops/chef" && line["status"] != "running");
    ended.map_or("did not run".to_owned(), |line| line["status"].as_str().unwrap().to_owned())
}

#[test]
fn a_fake_chef_is_given_its_files_and_understood() {
    let stack = Stack::new(ENVFILE);
    stack.project.write("fake", FAKE).write("ops/chef/environments/production.json", "{}");
    recipe(&stack, "echo 'Chef Infra Client finished, 2/3 resources updated in 01 seconds'\n");
    assert_eq!(status(&stack), "changed");
    assert_eq!(status(&stack), "did not run");
    let node = stack.inside("web", "cat /root/node.json");
    assert_eq!(node, r#"{"run_list":["recipe[shop]"],"shop":{"env":"dev","ports":[80,443]}}"#);
    assert_eq!(stack.inside("web", "cat /root/mode"), "-rw-------");
    assert_eq!(stack.inside("web", "find /var/lib/envup/staging -mindepth 2"), "", "nothing is left there");

    recipe(&stack, "echo 'Cinc Client finished, 0/3 resources updated in 01 seconds'\n");
    assert_eq!(status(&stack), "unchanged");

    let failing = r#"echo
cat <<END
    ================================================================================
    Error executing action \`install\` on resource 'apt_package[nosuch]'
    ================================================================================

    Chef::Exceptions::Package
    -------------------------
    No candidate version available for nosuch

    Compiled Resource:
    ------------------
    # Declared in $recipe:1:in \`from_file'

Chef Infra Client failed. 0 resources updated in 03 seconds
END
exit 1
"#;
    recipe(&stack, failing);
    let failed = stack.env("up").exits(1);
    let place = "[PLACE]/project/ops/chef/cookbooks/shop/recipes/default.rb:1: Error executing action";
    failed.stderr_has(place).stderr_has("No candidate version available for nosuch");
}

#[test]
fn a_run_list_of_what_is_not_there_is_refused() {
    let stack = Stack::new(&ENVFILE.replace("recipe[shop]", "role[web]"));
    stack.project.write("fake", FAKE).write("ops/chef/cookbooks/shop/recipes/default.rb", "");
    stack.env("validate").exits(64).stderr_has("there is no role web in [PLACE]/project/ops/chef/roles");
    stack.project.write("ops/chef/roles/web.json", "{}");
    stack.env("plan").exits(64).stderr_has("there is no environment production");
}

#[test]
fn a_tool_that_is_missing_in_a_machine_is_told() {
    let step = |line: &str| format!("[machine.web]\nimage = \"IMAGE\"\n[[machine.web.provision]]\n{line}\n");
    let stack = Stack::new(&step("puppet = \"site.pp\""));
    stack.project.write("site.pp", "notify { 'x': }\n").write("user-data", "#!/bin/sh\n");
    stack
        .env("up")
        .exits(1)
        .stderr_has("puppet is not installed in web")
        .stderr_has("hint: `install = true` in the step");
    stack.envfile(&step("cloud_init = \"user-data\""));
    stack.env("up").exits(1).stderr_has("cloud-init is not installed in web");

    // Where it is to be installed, and nothing is known how: the step of its own says so.
    stack.envfile(&step("puppet = \"site.pp\"\ninstall = true"));
    stack.env("plan").exits(2).stdout_has("step install puppet");
    stack
        .env("up")
        .exits(1)
        .stderr_has("step install puppet on web exited 69")
        .stderr_has("puppet is installed by apt-get, which is not in this machine")
        .stderr_has(
            "hint: install puppet in a step before, or use a box that has it, and say `install = false`",
        );
}
