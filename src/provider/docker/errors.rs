//! Turns what the engine and the way to it answer into our errors: what was attempted, why not, what to do.

use super::endpoint::Endpoint;
use crate::model::{Error, Kind, Result};
use bollard::errors::Error as Engine;
use std::error::Error as _;

/// Result of a call to the engine.
pub(super) type Answer<T> = std::result::Result<T, Engine>;

/// Says what was attempted when a call failed.
pub(super) trait Explain<T> {
    /// Turns the engine's error into ours; `message` is what was attempted on which object.
    fn explain<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T> Explain<T> for Answer<T> {
    fn explain<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| explain(&error, message()))
    }
}

/// Our error for an engine's.
pub(super) fn explain(error: &Engine, message: impl Into<String>) -> Error {
    if let Some(lost) = io_kind(error) {
        let ours = Error::new(Kind::Unavailable, message);
        return match lost {
            std::io::ErrorKind::PermissionDenied => permission(ours),
            _ => ours.because(error).hint("the connection to docker broke: does the daemon still run?"),
        };
    }
    let mut ours = Error::failed(message);
    match error {
        Engine::DockerResponseServerError { message, .. } => {
            ours.causes.push(tidy(message));
            if message.contains("apparmor_parser") {
                // Debian's Docker only recommends it.
                ours =
                    ours.hint("docker needs it where the kernel has AppArmor: `sudo apt install apparmor`");
            }
        }
        Engine::DockerStreamError { error } => ours.causes.push(tidy(error)),
        other => ours = ours.because(other),
    }
    ours
}

/// Our error when the engine could not be reached at all.
pub(super) fn unreachable(error: &Engine, endpoint: &Endpoint) -> Error {
    let ours = Error::new(Kind::Unavailable, format!("docker cannot be reached at {endpoint}"));
    match (error, io_kind(error)) {
        (_, Some(std::io::ErrorKind::PermissionDenied)) => permission(ours),
        (Engine::SocketNotFoundError(_), _) => {
            let mut ours = ours;
            ours.causes.push("there is no such socket".to_owned());
            start_it(ours, endpoint)
        }
        _ => start_it(ours.because(error), endpoint),
    }
}

fn permission(mut ours: Error) -> Error {
    ours.causes.push("permission denied".to_owned());
    ours.hint("join the group that may use it, `sudo usermod -aG docker $USER`, and log in again")
}

fn start_it(ours: Error, endpoint: &Endpoint) -> Error {
    if endpoint.is_local() {
        ours.hint("start it with `sudo systemctl start docker`")
            .hint("or install it: `sudo apt install docker.io`, or https://docs.docker.com/engine/install/")
    } else {
        ours.hint("check DOCKER_HOST and `docker context ls`")
    }
}

/// Whether the engine says that there is no such thing.
pub(super) fn is_missing(error: &Engine) -> bool {
    has_status(error, 404)
}

/// Whether the engine says that something else is in the way.
pub(super) fn is_conflict(error: &Engine) -> bool {
    has_status(error, 409)
}

/// Whether the engine says that it does not know a security option. Its words are all there is to tell by: the status is
/// that of any bad request, or of any failure, as engines are old.
pub(super) fn refuses_security_option(error: &Engine) -> bool {
    matches!(error, Engine::DockerResponseServerError { message, .. } if message.contains("security-opt"))
}

/// Whether the engine says that several things have the name that it was given.
pub(super) fn is_ambiguous(error: &Engine) -> bool {
    matches!(error, Engine::DockerResponseServerError { message, .. } if message.contains("is ambiguous"))
}

fn has_status(error: &Engine, status: u16) -> bool {
    matches!(error, Engine::DockerResponseServerError { status_code, .. } if *status_code == status)
}

/// A missing thing is no error for who wanted it gone or asks whether it is there.
pub(super) fn optional<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The engine's own words, without what names only its own parts.
fn tidy(message: &str) -> String {
    let message = message.trim().trim_start_matches("Error response from daemon: ");
    let word = message.split(' ').next().unwrap_or_default();
    let mut characters = word.chars();
    match characters.next() {
        // Lowercase as all our errors, but leave abbreviations and names such as AppArmor alone.
        Some(first) if !characters.any(char::is_uppercase) => {
            format!("{}{}", first.to_lowercase(), &message[first.len_utf8()..])
        }
        _ => message.to_owned(),
    }
}

/// The operating system's reason, when it was the way to the engine that failed.
fn io_kind(error: &Engine) -> Option<std::io::ErrorKind> {
    let connection = matches!(
        error,
        Engine::HyperLegacyError { .. } | Engine::HyperResponseError { .. } | Engine::IOError { .. }
    );
    let mut next = error.source();
    if let Engine::IOError { err } = error {
        return Some(err.kind());
    }
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = cause.source();
    }
    connection.then_some(std::io::ErrorKind::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status_code: u16, message: &str) -> Engine {
        Engine::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn the_engines_words_become_the_cause() {
        let error = explain(&refused(500, "Conflict. The name is taken"), "cannot create machine web");
        assert_eq!(error.to_string(), "cannot create machine web: conflict. The name is taken");
        assert_eq!(error.kind, Kind::Failed);
    }

    #[test]
    fn what_docker_lacks_is_named_with_the_way_to_get_it() {
        let words = "AppArmor enabled on system but the docker-default profile could not be loaded: running \
                     `apparmor_parser apparmor_parser --version` failed";
        let error = explain(&refused(500, words), "cannot start machine web");
        assert!(error.to_string().contains("web: AppArmor enabled"), "{error}");
        assert!(error.hints[0].contains("apt install apparmor"), "{:?}", error.hints);
    }

    #[test]
    fn an_unknown_security_option_is_told_from_other_refusals() {
        let unknown = "invalid --security-opt 1: \"writable-cgroups=true\"";
        assert!(
            refuses_security_option(&refused(500, unknown))
                && refuses_security_option(&refused(400, unknown))
        );
        assert!(!refuses_security_option(&refused(400, "invalid mount config")));
    }

    #[test]
    fn a_missing_socket_says_how_to_start_docker() {
        let endpoint = Endpoint::Unix("/run/none.sock".into());
        let error = unreachable(&Engine::SocketNotFoundError("/run/none.sock".into()), &endpoint);
        assert_eq!(error.kind, Kind::Unavailable);
        assert!(error.hints[0].contains("start"));
    }

    #[test]
    fn a_forbidden_socket_names_the_group() {
        let err = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = unreachable(&Engine::IOError { err }, &Endpoint::Unix("/run/docker.sock".into()));
        assert_eq!(error.kind, Kind::Unavailable);
        assert!(error.hints[0].contains("docker"));
    }

    #[test]
    fn missing_things_are_told_from_failures() {
        assert!(optional::<()>(Err(refused(404, "no such"))).unwrap().is_none());
        assert!(optional::<()>(Err(refused(500, "boom"))).is_err());
    }
}
