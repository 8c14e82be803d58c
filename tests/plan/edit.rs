//! Changes to an Envfile as a user makes them: to its text, so that everything else stays as it was.

/// Where a section begins (the line after its header) and ends, by the name in its header.
fn section(lines: &[String], name: &str) -> Option<(usize, usize)> {
    let header = lines.iter().position(|line| line.trim() == format!("[{name}]"))?;
    let length = lines[header + 1..].iter().position(|line| line.starts_with('['));
    Some((header + 1, length.map_or(lines.len(), |length| header + 1 + length)))
}

fn lines_of(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn text_of(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}

/// Sets `machine.db.memory` to a value as TOML writes it; `None` takes the key away.
pub fn set(text: &str, path: &str, value: Option<&str>) -> String {
    let (name, key) = path.rsplit_once('.').unwrap();
    let mut lines = lines_of(text);
    let assignment = value.map(|value| format!("{key} = {value}"));
    match section(&lines, name) {
        Some((begin, end)) => {
            let known = (begin..end).find(|at| {
                let before = lines[*at].split_once('=').map(|(before, _)| before.trim());
                before == Some(key)
            });
            match known {
                Some(at) => _ = lines.splice(at..=at, assignment),
                None => _ = lines.splice(begin..begin, assignment),
            }
        }
        None => lines.extend([format!("\n[{name}]")].into_iter().chain(assignment)),
    }
    text_of(&lines)
}

/// Takes a section away, with all that belong to it: `machine.db` and `machine.db.env`.
pub fn drop(text: &str, name: &str) -> String {
    let mut dropping = false;
    let mut lines = lines_of(text);
    lines.retain(|line| {
        if line.starts_with('[') {
            let header = line.trim().trim_matches(['[', ']']);
            dropping = header == name || header.starts_with(&format!("{name}."));
        }
        !dropping
    });
    text_of(&lines)
}

#[test]
fn edits_leave_the_rest_alone() {
    let text = "name = \"a\"\n\n[machine.db]\nimage = \"i\"\n[machine.web]\nimage = \"j\"\n";
    let with = set(text, "machine.db.memory", Some("\"1GiB\""));
    assert!(with.contains("[machine.db]\nmemory = \"1GiB\"\nimage"), "{with}");
    assert_eq!(set(&with, "machine.db.memory", None), text);
    assert!(set(text, "machine.db.env.A", Some("\"b\"")).ends_with("[machine.db.env]\nA = \"b\"\n"));
    assert_eq!(drop(text, "machine.db"), "name = \"a\"\n\n[machine.web]\nimage = \"j\"\n");
}
