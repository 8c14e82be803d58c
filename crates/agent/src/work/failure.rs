//! Why a request could not be carried out, and what can be done about it.

use std::io;

use envup_agent::Reply;

/// A message for people and, where there is one, a way out.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None }
    }

    /// `what` was attempted and failed with `error`.
    pub fn io(what: impl std::fmt::Display, error: impl Into<io::Error>) -> Failure {
        Failure::new(format!("{what}: {}", plain(&error.into())))
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    pub fn into_reply(self) -> Reply {
        Reply::Error { message: self.message, hint: self.hint }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// The text of an error as a person would say it: lower case, no number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_like_prose() {
        let refused = io::Error::from(rustix::io::Errno::CONNREFUSED);
        assert_eq!(plain(&refused), "connection refused");
    }
}
