//! What `ssh` complains of, as errors that say what to do.
//!
//! Its texts are the only thing it gives besides the code 255. They are never translated, and old enough to be stable.

use super::SshTarget;
use crate::model::{Error, Kind};

/// The error behind what `ssh` said before it failed. Machines that cannot be reached are of kind `Incomplete`: nothing can
/// be told about them.
pub(super) fn explain(target: &SshTarget, said: &str) -> Error {
    let error = classify(target, said);
    let said = said.trim();
    if said.is_empty() { error } else { error.detail(said) }
}

fn classify(target: &SshTarget, said: &str) -> Error {
    let has = |text: &str| said.contains(text);
    let (known_hosts, words) = (target.known_hosts_name(), target.words());
    let unreachable = |why: &str| Error::new(Kind::Incomplete, format!("cannot reach {target}: {why}"));
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return Error::failed(format!("the host key of {target} has changed: somebody else may be answering in its place"))
            .hint(format!(
                "only when you know why it changed: remove the old key with `ssh-keygen -R {}{}`, then get the new one \
                 with `ssh-keyscan {words}` and compare it with the host's own",
                bracketed(target),
                target.known_hosts.as_ref().map_or_else(String::new, |file| format!(" -f {}", file.display()))
            ));
    }
    if has("Host key verification failed") || has("host key is known for") {
        return Error::failed(format!("the host key of {target} is not known"))
            .hint(format!("log in once with `ssh {}` and compare the key that it shows", login_words(target, &words)))
            .hint(format!(
                "or add what `ssh-keyscan {words}` prints to {known_hosts}, after comparing it with the host's own"
            ));
    }
    if has("Permission denied") || has("Too many authentication failures") {
        return Error::failed(format!("{target} does not let us in")).hint(
            "it must work without a password: put a key into its authorized_keys, and name it with `identity` or have \
             ssh-agent hold it",
        );
    }
    if has("Could not resolve hostname") {
        return unreachable("its name is not known")
            .hint("check `host` in the Envfile, or the Host of your ~/.ssh/config");
    }
    if has("Connection refused") {
        return unreachable("nothing listens there").hint("check that sshd runs there, and `port`");
    }
    if has("timed out") || has("No route to host") || has("Network is unreachable") || has("not responding") {
        return unreachable("it does not answer")
            .hint(format!("`ssh -v {}` shows how far it comes", login_words(target, &words)));
    }
    unreachable("the connection broke off")
        .hint(format!("`ssh -v {}` shows what happens", login_words(target, &words)))
}

/// As known_hosts names it.
fn bracketed(target: &SshTarget) -> String {
    match target.port {
        Some(port) if port != 22 => format!("'[{}]:{port}'", target.host),
        _ => target.host.clone(),
    }
}

fn login_words(target: &SshTarget, words: &str) -> String {
    target.user.as_ref().map_or_else(|| words.to_owned(), |user| format!("-l {user} {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As OpenSSH 8.4, 9.2 and 10.0 say it.
    const SAID: [(&str, Kind, &str); 10] = [
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n…\nHost key verification failed.\r\n",
            Kind::Failed,
            "has changed",
        ),
        (
            "No ED25519 host key is known for web1 and you have requested strict checking.\r\nHost key verification failed.\r\n",
            Kind::Failed,
            "is not known",
        ),
        ("ops@web1: Permission denied (publickey,password).\r\n", Kind::Failed, "does not let us in"),
        (
            "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures\r\n",
            Kind::Failed,
            "does not let us in",
        ),
        (
            "ssh: Could not resolve hostname web1: Name or service not known\r\n",
            Kind::Incomplete,
            "name is not known",
        ),
        ("ssh: connect to host web1 port 22: Connection refused\r\n", Kind::Incomplete, "nothing listens"),
        ("ssh: connect to host web1 port 22: Connection timed out\r\n", Kind::Incomplete, "does not answer"),
        ("Connection timed out during banner exchange\r\n", Kind::Incomplete, "does not answer"),
        ("Timeout, server web1 not responding.\r\n", Kind::Incomplete, "does not answer"),
        ("kex_exchange_identification: Connection closed by remote host\r\n", Kind::Incomplete, "broke off"),
    ];

    #[test]
    fn every_complaint_has_a_reason_and_a_way_out() {
        let target = SshTarget::from_url("ssh://ops@web1:2222").unwrap();
        for (said, kind, message) in SAID {
            let error = explain(&target, said);
            assert_eq!(error.kind, kind, "{said}");
            assert!(error.message.contains(message) && error.message.contains("ops@web1:2222"), "{error}");
            assert!(!error.hints.is_empty() && error.detail.is_some(), "{said}");
        }
    }

    #[test]
    fn a_key_that_is_not_known_names_its_file() {
        let hints = |known_hosts: Option<&str>| {
            let known_hosts = known_hosts.map(Into::into);
            let target = SshTarget { host: "web1".into(), known_hosts, ..SshTarget::default() };
            explain(&target, SAID[1].0).hints.join("\n")
        };
        assert!(hints(None).contains("`ssh-keyscan web1` prints to ~/.ssh/known_hosts"), "{}", hints(None));
        assert!(hints(Some("/x/hosts")).contains("/x/hosts"));
    }
}
