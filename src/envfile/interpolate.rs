//! `${VAR}`, `${VAR:-default}`, `${VAR:?message}` and `$$` in a value.
//!
//! Only braces interpolate: `$VAR` stays for the shell. Where values come from is the caller's business.

/// Why a text could not be interpolated, and at which part of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The part of the text that is wrong, as written.
    pub fragment: String,
    /// What is wrong.
    pub message: String,
    /// A few words on how to mend it.
    pub label: String,
}

/// How deeply defaults may hold further variables.
const DEPTH: usize = 8;

/// Replaces all variables; `lookup` knows their values.
pub(super) fn interpolate(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Problem> {
    expand(text, lookup, DEPTH)
}

fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<String>, depth: usize) -> Result<String, Problem> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        result.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some(body) = after.strip_prefix('{') {
            let end = closing_brace(body).filter(|_| depth > 0).ok_or_else(|| Problem {
                fragment: rest[dollar..].to_owned(),
                message: "`${` has no matching `}`".to_owned(),
                label: "write `$${` for these two characters themselves".to_owned(),
            })?;
            result.push_str(&variable(&body[..end], lookup, depth - 1)?);
            rest = &body[end + 1..];
        } else {
            result.push('$');
            rest = after;
        }
    }
    result.push_str(rest);
    Ok(result)
}

fn variable(body: &str, lookup: &dyn Fn(&str) -> Option<String>, depth: usize) -> Result<String, Problem> {
    let name_end = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(body.len());
    let (name, operator) = body.split_at(name_end);
    let problem = |message: String, label: &str| Problem {
        fragment: format!("${{{body}}}"),
        message,
        label: label.to_owned(),
    };
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        let label = format!("write `$${{{body}}}` when a shell is to see it");
        return Err(problem(format!("`${{{body}}}` names no variable"), &label));
    }
    // As in a shell, `:-` and `:?` take an empty value for none.
    let value = lookup(name);
    let filled = value.clone().filter(|value| !value.is_empty());
    if operator.is_empty() {
        let label =
            format!("write `${{{name}:-default}}`, set it in .env, or `$${{{name}}}` for a shell's own");
        value.ok_or_else(|| problem(format!("variable `{name}` is not set"), &label))
    } else if let Some(default) = operator.strip_prefix(":-") {
        filled.map_or_else(|| expand(default, lookup, depth), Ok)
    } else if let Some(message) = operator.strip_prefix(":?") {
        filled.ok_or_else(|| match message.trim() {
            "" => problem(format!("variable `{name}` is not set"), "set it in the environment or in .env"),
            message => problem(format!("variable `{name}` is not set: {message}"), ""),
        })
    } else {
        let label = format!("possible are `${{{name}}}`, `${{{name}:-default}}`, `${{{name}:?message}}`");
        Err(problem(format!("`${{{body}}}` is not understood"), &label))
    }
}

/// Where the brace closes that was opened just before `body`.
fn closing_brace(body: &str) -> Option<usize> {
    let mut open = 1usize;
    for (index, character) in body.char_indices() {
        match character {
            '{' if body[..index].ends_with('$') => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        let lookup = |name: &str| match name {
            "TAG" => Some("1.2".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        interpolate(text, &lookup).map_err(|problem| format!("{} | {}", problem.fragment, problem.message))
    }

    #[test]
    fn replaces_what_has_braces() {
        for (text, expected) in [
            ("plain", "plain"),
            ("shop:${TAG}", "shop:1.2"),
            ("${TAG}${TAG}", "1.21.2"),
            ("${NONE:-latest}", "latest"),
            ("${EMPTY:-latest}", "latest"),
            ("${EMPTY}", ""),
            ("${NONE:-}", ""),
            ("${NONE:-a-${TAG}-b}", "a-1.2-b"),
            ("${NONE:-${EMPTY:-deep}}", "deep"),
            ("$HOME $$ $$$$ 5$", "$HOME $ $$ 5$"),
            ("$${TAG}", "${TAG}"),
            ("${TAG:?needed}", "1.2"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn says_what_it_cannot_replace() {
        for (text, expected) in [
            ("a ${NONE} b", "${NONE} | variable `NONE` is not set"),
            ("${EMPTY:?which one}", "${EMPTY:?which one} | variable `EMPTY` is not set: which one"),
            ("${TAG", "${TAG | `${` has no matching `}`"),
            ("${}", "${} | `${}` names no variable"),
            ("${1}", "${1} | `${1}` names no variable"),
            ("${TAG%.*}", "${TAG%.*} | `${TAG%.*}` is not understood"),
        ] {
            assert_eq!(of(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let deep = "${A:-".repeat(100) + &"}".repeat(100);
        assert!(of(&deep).is_err());
    }
}
