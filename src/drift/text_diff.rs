//! What changed in a text file, line by line, with everything masked that looks like a secret.
//!
//! Only for files that everybody may read; that is decided by who asks. Lines are compared as they are and masked afterwards, so
//! that a changed secret still shows as a changed line.

use regex::Regex;
use similar::TextDiff;
use std::sync::LazyLock;

/// What stands for a secret.
const MASK: &str = "•••";

/// Longer texts are not compared line by line. Bytes, of each side.
const LONGEST: usize = 1 << 20;

/// A name that sounds secret, whatever else is in it, and what is set behind it.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r"[\w.-]*(?:pass|pwd|secret|token|credential|api[_-]?key|private|authorization|_key|-key|salt)[\w.-]*";
    Regex::new(&format!(r#"(?i)({name}["']?(?:\s*[:=]>?\s*|\s+))(\S.*)"#)).ok()
});

/// The password of an address: `://user:password@host`.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(://[^/\s:@]*:)[^/\s@]+@").ok());

/// What looks random: long, of letters and digits; also the lines of keys in PEM.
static RANDOM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_=-]{20,}").ok());

/// A unified diff of two versions of a file; `None` when they are equal or too long to be shown.
pub fn text_diff(path: &str, before: &str, after: &str) -> Option<String> {
    if before == after || before.len().max(after.len()) > LONGEST {
        return None;
    }
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    let text = unified.context_radius(3).missing_newline_hint(false).to_string();
    let lines: Vec<String> = text.lines().map(masked).collect();
    Some(format!("--- {path} (before)\n+++ {path} (after)\n{}\n", lines.join("\n")))
}

/// A line without what looks like a secret.
fn masked(line: &str) -> String {
    let Some((named, address, random)) =
        NAMED.as_ref().zip(ADDRESS.as_ref()).zip(RANDOM.as_ref()).map(|((a, b), c)| (a, b, c))
    else {
        return MASK.to_owned();
    };
    let line = named.replace(line, |found: &regex::Captures<'_>| format!("{}{MASK}", &found[1]));
    let line = address.replace_all(&line, |found: &regex::Captures<'_>| format!("{}{MASK}@", &found[1]));
    let hide = |found: &regex::Captures<'_>| {
        let word = &found[0];
        let has = |is: fn(char) -> bool| word.chars().any(is);
        let is_random =
            has(|c| c.is_ascii_digit()) && has(|c| c.is_ascii_alphabetic()) && !word.starts_with('/');
        if is_random { MASK.to_owned() } else { word.to_owned() }
    };
    random.replace_all(&line, hide).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_shown_with_three_around_them() {
        let before = "a\nb\nc\nd\nport = 80\ne\n";
        let after = before.replace("80", "8080");
        let expected = "--- /etc/a (before)\n+++ /etc/a (after)\n@@ -2,5 +2,5 @@\n b\n c\n d\n-port = 80\n+port = 8080\n e\n";
        assert_eq!(text_diff("/etc/a", before, &after).unwrap(), expected);
        assert_eq!(text_diff("/etc/a", before, before), None);
        assert_eq!(text_diff("/etc/a", "", &"x".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn secrets_are_masked_and_their_change_still_shows() {
        for line in [
            "password = CANARY",
            "DB_PASSWORD=CANARY",
            "  \"api_key\": \"CANARY\",",
            "secret_token => 'CANARY x'",
            "requirepass CANARY",
            "<Auth-Token: CANARY>",
            "url = postgres://app:CANARY@db/shop",
            "MIIEvQIBADANBgkqhkiG9w0CANARY0BAQEFAASC",
            "key: 0123456789abcdefCANARY0123",
        ] {
            let diff = text_diff("/etc/a", "", &format!("{line}\n")).unwrap();
            assert!(!diff.contains("CANARY") && diff.contains(MASK), "{line}: {diff}");
        }
        let diff = text_diff("/a", "password = one\n", "password = two\n").unwrap();
        assert!(diff.contains("-password = •••\n+password = •••\n"), "{diff}");
    }

    #[test]
    fn ordinary_lines_stay() {
        for line in
            ["worker_processes 4;", "include /etc/nginx/modules-enabled/*.conf;", "http://example.org:80/a"]
        {
            assert_eq!(masked(line), line);
        }
    }
}
