//! All stacks of this host.

use super::Table;
use crate::model::status::ListedStack;
use crate::ui::paint::Paint;

/// The stacks for people.
pub fn list(stacks: &[ListedStack], paint: Paint) -> String {
    if stacks.is_empty() {
        return "no stacks on this host\n".to_owned();
    }
    let mut table = Table::headed(&["stack", "environment", "running", "on", "directory"], paint);
    for stack in stacks {
        let running = format!("{} of {}", stack.running, stack.machines);
        let painted = if stack.running == 0 { paint.dim(&running) } else { paint.good(&running) };
        table
            .row()
            .plain(&stack.project)
            .plain(&stack.environment)
            .cell(&running, painted)
            .plain(stack.providers.join(", "))
            .plain(directory(stack));
    }
    table.render()
}

/// A directory that is gone means a stack that only its name or id can reach.
fn directory(stack: &ListedStack) -> String {
    if stack.directory_exists {
        stack.directory.clone()
    } else {
        format!("{} (gone: `env destroy --stack {}`)", stack.directory, stack.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_a_row() {
        let shop = ListedStack {
            project: "shop".into(),
            id: "3f9a1c00beef".into(),
            environment: "dev".into(),
            directory: "/srv/shop".into(),
            directory_exists: true,
            providers: vec!["docker".into()],
            machines: 3,
            running: 2,
            volumes: 1,
        };
        insta::assert_snapshot!(list(std::slice::from_ref(&shop), Paint::OFF), @r"
        stack  environment  running  on      directory
        shop   dev          2 of 3   docker  /srv/shop
        ");
        let lost = ListedStack { directory_exists: false, ..shop };
        assert!(list(&[lost], Paint::OFF).contains("/srv/shop (gone: `env destroy --stack 3f9a1c00beef`)"));
        assert_eq!(list(&[], Paint::OFF), "no stacks on this host\n");
    }
}
