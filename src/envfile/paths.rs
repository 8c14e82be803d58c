//! Paths: those of the host are made absolute and must exist, those in a machine must be absolute.
//!
//! Host paths lose their symbolic links here, so that what lies outside the project is seen to lie there.

use super::value::Value;
use std::path::PathBuf;

/// What must be found at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Whatever.
    Any,
    /// A file.
    File,
    /// A directory.
    Directory,
}

/// The value as a path of the host.
pub(super) fn on_host(value: &Value, want: Want) -> Option<PathBuf> {
    let text = value.string()?;
    text_on_host(value, &text, want)
}

/// Part of a value as a path of the host.
pub(super) fn text_on_host(value: &Value, text: &str, want: Want) -> Option<PathBuf> {
    if text.is_empty() {
        value.refuse("the path is empty");
        return None;
    }
    if text.starts_with('~') {
        value.refuse_with(format!("`~` is not replaced in `{text}`"), "write `${HOME}`");
        return None;
    }
    let path = match value.reader.directory.join(text).canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            value.refuse_with(format!("`{text}` does not exist"), "relative to the Envfile's directory");
            return None;
        }
        Err(error) => {
            value.refuse(format!("cannot look at `{text}`: {error}"));
            return None;
        }
    };
    match want {
        Want::File if path.is_dir() => value.refuse(format!("`{text}` is a directory, a file is needed")),
        Want::Directory if !path.is_dir() => value.refuse(format!("`{text}` is not a directory")),
        _ => return Some(path),
    }
    None
}

/// A path in a machine: absolute, without `..`, without a slash at its end.
pub(super) fn in_machine(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err(format!("`{text}` is not an absolute path in the machine"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(format!("`{text}` goes back with `..`"));
    }
    if text.contains([':', '\0']) {
        return Err(format!("`{text}` has a character that engines do not take in a path"));
    }
    Ok(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::in_machine;

    #[test]
    fn paths_in_a_machine_are_absolute_and_plain() {
        assert_eq!(in_machine("/srv//app/./x/").as_deref(), Ok("/srv/app/x"));
        assert_eq!(in_machine("/").as_deref(), Ok("/"));
        for text in ["", "srv", "./srv", "/srv/../etc", "/a:b"] {
            assert!(in_machine(text).is_err(), "{text}");
        }
    }
}
