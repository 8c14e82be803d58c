//! Files of `NAME=value` lines: `.env` beside the Envfile, and the files that `env_file` names.
//!
//! Nothing is interpolated in them.

use super::source::{Diagnostic, Source};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Reads the lines; later ones win. An error names the first line that is not understood and, because values may be
/// secret, does not show it.
pub(super) fn parse(source: &Rc<Source>) -> Result<BTreeMap<String, String>, Diagnostic> {
    let mut variables = BTreeMap::new();
    let mut offset = 0;
    for whole in source.text.split_inclusive('\n') {
        let start = offset;
        offset += whole.len();
        let line = whole.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| {
            let begin = start + (whole.len() - whole.trim_start().len());
            Diagnostic::new(source, begin..begin + line.len(), format!("{why}, NAME=value is expected"))
                .unquoted()
        };
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("this line has no `=`"))?;
        let name = name.trim_end();
        let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if name.is_empty() || !valid {
            return Err(wrong("this is not the name of a variable"));
        }
        let value = unquote(value.trim()).ok_or_else(|| wrong("the quote is not closed on this line"))?;
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}

/// The value without its quotes; without quotes, a comment after ` #` is left away.
fn unquote(value: &str) -> Option<String> {
    if let Some(quoted) = value.strip_prefix('\'') {
        return quoted.find('\'').map(|end| quoted[..end].to_owned());
    }
    let Some(quoted) = value.strip_prefix('"') else {
        return Some(value.split(" #").next().unwrap_or_default().trim_end().to_owned());
    };
    let mut text = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => match characters.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<BTreeMap<String, String>, String> {
        let source = Rc::new(Source { name: ".env".into(), text: text.into() });
        parse(&source).map_err(|wrong| wrong.render())
    }

    #[test]
    fn reads_what_people_write() {
        let text = "# comment\r\nA=1\r\nexport B = two words # why\nC='#$ raw'\nD=\"line\\nnext \\\"q\\\"\"\nE=\nA=2\n";
        let read = of(text).unwrap();
        let pairs: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [("A", "2"), ("B", "two words"), ("C", "#$ raw"), ("D", "line\nnext \"q\""), ("E", "")]
        );
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        let expected = ".env:2:3: this line has no `=`, NAME=value is expected";
        assert_eq!(of("A=1\n  what\n").unwrap_err(), expected);
        assert!(of("A=\"open\n").unwrap_err().contains("not closed"));
        assert!(of("=x").unwrap_err().contains("not the name"));
    }
}
