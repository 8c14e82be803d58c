//! Does a text look like something that must not be told? Rather once too often: who is told wrongly gets a keyed digest.

/// How many characters of all kinds in one word are taken for a token.
const TOKEN: usize = 20;
/// How many hexadecimal digits are.
const DIGITS: usize = 32;

/// What words begin with that are known to be secret.
const BEGINNINGS: &[&str] = &[
    "AKIA",
    "ASIA",
    "eyJ",
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "sk-",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

/// What stands before a secret, in lowercase.
const NAMES: &[&str] =
    &["password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "api-key", "pgpass"];

/// Whether a text holds a URL with a password, a key, or a long random word.
pub fn looks_secret(text: &str) -> bool {
    let between = |c: char| c.is_whitespace() || ",;:/&?@'\"()".contains(c);
    has_password(text)
        || text.contains("PRIVATE KEY")
        || names_secret(&text.to_ascii_lowercase())
        || text
            .split(between)
            .any(|word| is_token(word.rsplit('=').find(|part| !part.is_empty()).unwrap_or("")))
}

/// `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// `password=…`, `--token …`.
fn names_secret(text: &str) -> bool {
    NAMES.iter().any(|name| {
        text.split(name)
            .skip(1)
            .any(|rest| rest.starts_with(['=', ':']) || rest.starts_with(' ') && rest.len() > 1)
    })
}

fn is_token(word: &str) -> bool {
    let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
    let is_random = word.len() >= TOKEN
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_digit);
    let is_digest = word.len() >= DIGITS && word.chars().all(|c| c.is_ascii_hexdigit());
    is_random
        || is_digest
        || BEGINNINGS.iter().any(|begin| word.len() > begin.len() + 8 && word.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_what_everybody_may_know() {
        for secret in [
            "postgres://app:hunter2@db/shop",
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
            "0123456789abcdef0123456789abcdef",
            "host=db password=x",
            "backup --token abc",
            "ghp_0123456789",
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
        for harmless in [
            "",
            "/usr/local/sbin:/usr/local/bin:/usr/bin",
            "/usr/lib/jvm/java-17-openjdk-amd64",
            "en_US.UTF-8",
            "postgres://db/shop",
            "http://proxy.example.org:3128",
            "-Xmx512m -XX:+UseG1GC",
            "production",
        ] {
            assert!(!looks_secret(harmless), "{harmless}");
        }
    }
}
