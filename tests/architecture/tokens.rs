//! Rust text as words and signs with their lines, without comments, strings and lifetimes. Not a parser: just enough to see
//! which paths a file names.

/// A word, `::` or a single sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
}

/// All tokens of a file, in order.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let (length, counts) = match first {
            _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            _ if rest.starts_with("/*") => (block_comment(rest), false),
            '"' => (string(rest, 0), false),
            'r' | 'b' | 'c' if prefixed_string(rest).is_some() => (prefixed_string(rest).unwrap(), false),
            '\'' => (quote(rest), false),
            _ if is_word(first) => (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), true),
            _ if rest.starts_with("::") => (2, true),
            _ => (first.len_utf8(), !first.is_whitespace()),
        };
        let (text, after) = rest.split_at(length);
        if counts {
            found.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Length of the string literal whose opening quote stands at `start`.
fn string(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at <= start) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, when the text begins with one.
fn prefixed_string(text: &str) -> Option<usize> {
    let prefix = text.find(|c| !"rbc".contains(c)).filter(|length| *length <= 2)?;
    let raw = text[..prefix].contains('r');
    let hashes = text[prefix..].find(|c| c != '#')?;
    if !text[prefix + hashes..].starts_with('"') || (hashes > 0 && !raw) {
        return None;
    }
    if !raw {
        return Some(string(text, prefix));
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let content = prefix + hashes + 1;
    Some(text[content..].find(&end).map_or(text.len(), |at| content + at + end.len()))
}

/// Length of a character literal, or of the sign that begins a lifetime or label.
fn quote(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, c))) => {
            let after = at + c.len_utf8();
            text[after..].find('\'').map_or(text.len(), |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn only_code_counts() {
        let source = "// crate::a\n/* /* b */ crate::c */ use crate::d; \"crate::e \\\" f\"";
        assert_eq!(texts(source), ["use", "crate", "::", "d", ";"]);
        assert_eq!(texts("r#\"a \" b\"# b\"c\" br\"d\\\" 'e' '\\'' '\\u{e9}' 'é' g"), ["g"]);
        assert_eq!(texts("fn f<'a>(&'a self) {'x'}").join(" "), "fn f < a > ( & a self ) { }");
        assert_eq!(texts("raw break_ r b"), ["raw", "break_", "r", "b"]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let last = tokens("/* a\n b */\n\"c\n\" // d\nr\"\n\" end").pop().unwrap();
        assert_eq!((last.text, last.line), ("end", 6));
    }
}
