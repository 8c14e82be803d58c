//! A machine that another environment takes away on purpose is missing nowhere.

use super::stack::Stack;

const ENVFILE: &str = r#"
[machine.web]
image = "IMAGE"
[machine.mail]
image = "IMAGE"
[environment.test.machine]
mail = false
"#;

#[test]
fn what_an_environment_leaves_out_makes_no_comparison_incomplete() {
    let stack = Stack::new(ENVFILE);
    stack.env("up").succeeds();
    stack.env("up --env test").succeeds();
    let against = stack.env("drift --against test").exits(0).stdout_has("in sync");
    against.stderr_has("mail is no machine of test, as the Envfile says");
    stack.env("matrix dev test").exits(0);

    stack.env("destroy --env test --yes").succeeds();
    stack.env("drift --against test").exits(3).stdout_has("web of test: it does not run");
}
