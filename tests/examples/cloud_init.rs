//! The shop from user-data.

use super::{asked_of_db, example, gone, has_the_schema, ran, shows_the_shop};

#[test]
fn the_shop_comes_up_from_user_data_and_follows_their_changes() {
    let project = example("cloud-init", "8085:80");
    project.env("up db").exits(0);
    // No layer, so the stages run in the machine that stays.
    project.env("up --no-layers").exits(0).stdout_has("http://127.0.0.1:");
    shows_the_shop(&project, "Nothing here is for sale.");
    has_the_schema(&project);
    assert_eq!(ran(&project.env("up --json").exits(0)), Vec::<String>::new());
    // What boots then runs cloud-init's units: that is no drift.
    project.env("restart web").exits(0);
    project.env("drift").exits(0);

    // Other meta-data: what production has of its own, in that step and those after it.
    project.change("Envfile", "ops/db.yaml\"\nmeta_data = { app_env = \"${environment}\" }", "ops/db.yaml\"");
    project.write("ops/password", "only-an-example");
    let step = "[[machine.db.provision]]\nfile = \"ops/password\"\nto = \"/etc/shop/db_password\"\n\n";
    project.change("Envfile", "[machine.web]", &format!("{step}[machine.web]"));
    project.env("up db").exits(1).stderr_has("module scripts-user").stderr_has("/etc/shop/db_password");
    // It stays as it is until it was mended, and then goes on from there.
    project.change("ops/db.yaml", "- [/usr/local/sbin/shop-password, /etc/shop/db_password]\n", "- [id]\n");
    let mended = ran(&project.env("up db --json").exits(0));
    let password = "db password changed";
    assert_eq!(mended, ["db ops/db.yaml changed", password, "db /etc/shop/db_password changed"]);
    assert_eq!(asked_of_db(&project, "show max_connections"), "200");

    // What cloud-init would not understand is said before anything is done.
    project.change("ops/web.yaml", "## template: jinja\n", "");
    project.env("plan").exits(64).stderr_has("ops/web.yaml:2:").stderr_has("not YAML");
    project.change("ops/web.yaml", "#cloud-config\n", "");
    project.env("validate").exits(64).stderr_has("cloud-init does not know data that begin so");
    gone(&project);
}
