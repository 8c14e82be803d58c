//! What cloud-init's result.json says of a run that failed: each module once, then the last that was written, where the commands of
//! the user-data say why.

use serde::Deserialize;

/// How many lines of output are shown below the errors.
const LAST_LINES: usize = 20;

#[derive(Deserialize)]
struct Document {
    v1: Run,
}

#[derive(Deserialize)]
struct Run {
    errors: Vec<String>,
}

/// The errors of a result.json; nothing when it cannot be read.
pub fn errors(result: &str, output: &str) -> Option<String> {
    let document: Document = serde_json::from_str(result).ok()?;
    let told: Vec<String> = document.v1.errors.iter().map(|error| readable(error)).collect();
    let skipped = output.lines().count().saturating_sub(LAST_LINES);
    let last: Vec<&str> = output.lines().skip(skipped).collect();
    Some(format!("{}\n{}", told.join("\n"), last.join("\n")).trim_end().to_owned())
}

/// `module scripts-user: RuntimeError(…)` of `('scripts-user', RuntimeError('…'))`.
fn readable(error: &str) -> String {
    let inner = error.strip_prefix("('").and_then(|rest| rest.strip_suffix(')'));
    match inner.and_then(|inner| inner.split_once("', ")) {
        Some((module, why)) => format!("module {module}: {}", why.replace("\\n", "\n  ")),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::errors;

    #[test]
    fn modules_are_named() {
        let result = r#"{"v1": {"errors": ["('scripts-user', RuntimeError('Runparts: 1 failures (runcmd)'))", "odd"]}}"#;
        assert_eq!(
            errors(result, "E: no such package\n").unwrap(),
            "module scripts-user: RuntimeError('Runparts: 1 failures (runcmd)')\nodd\nE: no such package"
        );
        assert_eq!(errors("", "x"), None);
    }
}
