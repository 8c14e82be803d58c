//! Does a text look like something that must not be told? Rather once too often: who is told wrongly gets a keyed digest.
//! Agent and host judge alike.

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
const NAMES: &[&str] = &[
    "pass",
    "passwd",
    "password",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "access-key",
    "secret_key",
    "private_key",
    "private-key",
    "pgpass",
    "credential",
    "credentials",
    "bearer",
    "authorization",
];

/// Words in names of variables that hold secrets.
const VARIABLES: &[&str] = &[
    "APIKEY",
    "AUTH",
    "BEARER",
    "CERT",
    "COOKIE",
    "CRED",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "DSN",
    "KEY",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATE",
    "PSK",
    "PW",
    "PWD",
    "SALT",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
    "WEBHOOK",
];

/// Names whose values everybody may know, unless they look like a secret.
const PUBLIC: &[&str] = &[
    "APP_ENV",
    "CLASSPATH",
    "DEBIAN_FRONTEND",
    "DJANGO_SETTINGS_MODULE",
    "DOTNET_*",
    "ASPNETCORE_*",
    "EDITOR",
    "FLASK_ENV",
    "GEM_HOME",
    "GEM_PATH",
    "GOPATH",
    "GOROOT",
    "HOME",
    "JAVA_HOME",
    "JAVA_VERSION",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOGNAME",
    "MALLOC_ARENA_MAX",
    "MANPATH",
    "NODE_ENV",
    "NODE_PATH",
    "NODE_VERSION",
    "OMP_NUM_THREADS",
    "PATH",
    "PERL5LIB",
    "PGDATA",
    "PG_MAJOR",
    "PG_VERSION",
    "PHP_VERSION",
    "PYTHON*",
    "RACK_ENV",
    "RAILS_ENV",
    "RUBYLIB",
    "RUBY_VERSION",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "container",
];

/// Whether a text holds a URL with a password, a key, or a long random word.
pub fn looks_secret(text: &str) -> bool {
    let between = |c: char| c.is_whitespace() || ",;:/&?@'\"()".contains(c);
    has_password(text)
        || hands_over_password(text)
        || text.contains("PRIVATE KEY")
        || names_secret(&text.to_ascii_lowercase())
        || text
            .split(between)
            .any(|word| is_token(word.rsplit('=').find(|part| !part.is_empty()).unwrap_or("")))
}

/// Whether everybody may know the value of a variable by its name, unless the value looks like a secret.
pub fn is_public_variable(name: &str) -> bool {
    PUBLIC.iter().any(|pattern| is_like(pattern, name))
}

/// Whether a variable is called like one that holds a secret.
pub fn names_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.ends_with("PASSWORD") || name.split(['_', '-', '.']).any(|word| VARIABLES.contains(&word))
}

/// Whether a name is the pattern, in which a `*` stands for any characters.
pub fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((begin, rest)) => name.strip_prefix(begin).is_some_and(|left| {
            (0..=left.len()).any(|place| left.get(place..).is_some_and(|left| is_like(rest, left)))
        }),
    }
}

/// `scheme://user:password@host`, whatever is in the password; of the web also `https://token@host`.
fn has_password(text: &str) -> bool {
    let mut schemes = text.match_indices("://");
    schemes.any(|(place, _)| {
        let rest = text[place + 3..].split_whitespace().next().unwrap_or_default();
        let of_web = text[..place].ends_with("http") || text[..place].ends_with("https");
        rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') || of_web && !user.contains('/'))
    })
}

/// Options of programs that take a password right behind them: `curl -u app:x`, `mysql -px`, `sshpass -p x`.
fn hands_over_password(text: &str) -> bool {
    let names = |program: &str| text.split([' ', '/', ';', '|', '&']).any(|word| word == program);
    let words: Vec<&str> = text.split_whitespace().collect();
    let user = |pair: &[&str]| matches!(pair[0], "-u" | "--user" | "-U") && pair[1].contains(':');
    words.windows(2).any(user)
        || names("sshpass")
        || ["mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mongo", "mongodump", "redis-cli"]
            .iter()
            .any(|program| names(program))
            && words.iter().any(|word| {
                word.len() > 2 && (word.starts_with("-p") || word.starts_with("-a"))
                    || matches!(*word, "-p" | "-a")
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
    fn variables_are_known_by_their_names() {
        for name in ["API_KEY", "DbPassword", "GITHUB_TOKEN", "SENTRY_DSN", "aws_secret_access_key"] {
            assert!(names_secret_variable(name) && !is_public_variable(name), "{name}");
        }
        for name in ["PATH", "LC_ALL", "NODE_ENV"] {
            assert!(is_public_variable(name) && !names_secret_variable(name), "{name}");
        }
        assert!(is_like("A*_Z", "A_B_Z") && !is_like("A*_Z", "A_B"));
    }

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
            "postgres://app:a/b#c@db/shop",
            "https://hunter2@git.example.org/shop",
            "PGPASSWORD=x pg_dump shop",
            "MYSQL_PWD=x mysqldump shop",
            "mysqldump -phunter2 shop",
            "curl -u app:x http://db/",
            "sshpass -p x ssh web",
            "start --pass x",
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
            "ssh://git@example.org/shop",
            "http://db:8080/a",
            "run --pid-file /run/x -p 80",
        ] {
            assert!(!looks_secret(harmless), "{harmless}");
        }
    }
}
