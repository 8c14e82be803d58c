//! `env drift --explain`: what a difference means, how to align it, and the text of files that everybody may read.

use super::stack::Stack;

#[test]
fn a_difference_is_told_in_words_with_the_way_out() {
    let stack = Stack::new(
        "[machine.app]\nimage = \"IMAGE\"\nprovision = [{ shell = \"echo hi\" }]\n[environment.test.variables]\nx = \"1\"\n",
    );
    stack.up();
    let write = |environment: &str, text: &str| {
        let script = format!("printf '{text}' > /etc/app.conf");
        let words = ["exec", "--env", environment, "app", "sh", "-c", &script];
        stack.project.command(&words).run().succeeds();
    };
    write("dev", "port = 1\\n");
    let told = stack.env("drift --explain").exits(2).stdout_has("/etc/app.conf was not there");
    assert!(told.stdout.contains("env rebuild app"), "{told}");
    assert!(told.stdout.contains("its steps took"), "{told}");
    stack.env("drift --explain /etc/other").exits(64).stderr_has("nothing that is called");

    stack.env("up --env test").succeeds();
    write("test", "port = 2\\npassword = hunter2hunter2\\n");
    let words = "drift app --against test --explain /etc/app.conf";
    let told = stack.env(words).exits(2).stdout_has("-port = 1").stdout_has("+port = 2");
    assert!(told.stdout.contains("password = ") && !told.stdout.contains("hunter2"), "{told}");
    stack.project.command(&["exec", "app", "chmod", "600", "/etc/app.conf"]).run().succeeds();
    let told = stack.env(words).exits(2);
    assert!(!told.stdout.contains("port = "), "{told}");
}
