//! Which files may not be told with a digest that everybody could compute: guessing a password is easy when it is all there is.

/// Directories whose files are secret.
const DIRECTORIES: [&str; 8] = [".aws", ".azure", ".docker", ".gnupg", ".kube", ".ssh", "private", "secrets"];

/// Names of secret files.
const NAMES: [&str; 17] = [
    ".env",
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".vault-token",
    "credentials",
    "credentials.json",
    "htpasswd",
    "master.key",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
];

/// How names of secret files begin and end.
const BEGINNINGS: [&str; 3] = [".env.", "id_", "ssh_host_"];
const ENDS: [&str; 8] = [".env", ".jks", ".kdbx", ".key", ".keystore", ".p12", ".pfx", "_key.pem"];

/// Whether everything in a directory is secret, by its path.
pub fn is_secret_directory(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|name| DIRECTORIES.iter().any(|secret| secret.as_bytes() == name))
}

/// Whether a file is secret by its name.
pub fn is_secret_name(name: &[u8]) -> bool {
    if name.ends_with(b".pub") {
        return false;
    }
    // Tens of thousands of names are asked about, and one byte tells most of them.
    let (first, last) = (name.first(), name.last());
    NAMES.iter().any(|secret| secret.as_bytes().first() == first && secret.as_bytes() == name)
        || BEGINNINGS
            .iter()
            .any(|begin| begin.as_bytes().first() == first && name.starts_with(begin.as_bytes()))
        || ENDS.iter().any(|end| end.as_bytes().last() == last && name.ends_with(end.as_bytes()))
}

/// Whether nobody but one user may read a file, by its permissions and its group.
pub fn is_private(mode: u16, group: u32) -> bool {
    let may_group = mode & 0o040 != 0 && group != 0;
    let may_others = mode & 0o004 != 0;
    !may_group && !may_others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_secrets_is_known_by_its_name_or_its_permissions() {
        let secret = ["id_ed25519", ".env", ".env.local", "site.env", "server.key", "ssh_host_rsa_key"];
        assert!(secret.iter().all(|name| is_secret_name(name.as_bytes())), "{secret:?}");
        let public =
            ["id_ed25519.pub", "environment", "keys", "ca.pem", "secrets.py", "ssh_host_rsa_key.pub"];
        assert!(!public.iter().any(|name| is_secret_name(name.as_bytes())), "{public:?}");
        assert!(is_secret_directory(b"/home/x/.ssh") && is_secret_directory(b"/etc/ssl/private/deep"));
        assert!(!is_secret_directory(b"/etc/ssl/certs"));
        let private = [(0o600, 5), (0o640, 0), (0o400, 0)];
        assert!(private.iter().all(|(mode, group)| is_private(*mode, *group)));
        assert!(![(0o640, 42), (0o644, 0), (0o604, 0)].iter().any(|(mode, group)| is_private(*mode, *group)));
    }
}
