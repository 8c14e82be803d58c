//! What a machine starts from: exactly one of `box`, `image` and `build`, or an existing host.

use super::host;
use super::keys;
use super::paths::{Want, on_host, text_on_host};
use super::table::Table;
use super::value::Value;
use crate::model::machine::{BoxSource, Build, Source};

/// The machine's source; findings are noted when it has none or several.
pub(super) fn source(machine: &Table) -> Option<Source> {
    if host::is_host(machine) {
        return host::access(machine).map(Source::Host);
    }
    host::refuse_elsewhere(machine);
    let given: Vec<(&str, Value)> =
        ["box", "image", "build"].into_iter().filter_map(|key| Some((key, machine.get(key)?))).collect();
    match given.as_slice() {
        [("box", value)] => boxed(value).map(Source::Box),
        [("image", value)] => value.parse(image).map(Source::Image),
        [(_, value)] => build(value).map(Source::Build),
        [] => {
            let message = format!("{} has none of `box`, `image` and `build`", machine.place);
            machine.refuse(
                message,
                "it needs one, such as `box = \"debian/12\"`, or `host` with `provider = \"host\"`",
            );
            None
        }
        [(first, _), rest @ ..] => {
            for (_, value) in rest {
                value.refuse(format!("there is `{first}` already, and a machine starts from one thing only"));
            }
            None
        }
    }
}

fn boxed(value: &Value) -> Option<BoxSource> {
    if value.is_string() {
        return value.parse(box_name).map(BoxSource::Named);
    }
    if !value.is_table() {
        return value.wrong_type("a string or a table");
    }
    let table = value.part(keys::BOX)?;
    let (url, sha256) = (table.get("url"), table.get("sha256"));
    if url.is_none() || sha256.is_none() {
        table.refuse(format!("{} needs `url` and `sha256`", table.place), "what is fetched is verified");
    }
    let url = url.and_then(|url| url.parse(box_url));
    let sha256 = sha256.and_then(|sha256| sha256.parse(digest));
    Some(BoxSource::Url { url: url?, sha256: sha256? })
}

fn box_name(text: &str) -> Result<String, String> {
    let (name, version) = text.split_once('@').unwrap_or((text, "1"));
    let plain = |part: &str| {
        let inner = part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
        inner && part.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    if name.split('/').all(plain) && plain(version) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not the name of a box such as debian/12"))
}

fn box_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace) => {
            Ok(text.to_owned())
        }
        _ => Err(format!("`{text}` is not an http or https address")),
    }
}

fn digest(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("a sha256 digest has 64 hexadecimal characters".to_owned())
}

fn image(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with(['/', '-', ':', '@']) {
        return Err(format!("`{text}` is not the name of an image such as postgres:16"));
    }
    if let Some(bad) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"._-/:@".contains(*c)) {
        return Err(format!("`{text}` has `{bad}`, which the name of an image cannot have"));
    }
    Ok(text.to_owned())
}

fn build(value: &Value) -> Option<Build> {
    const DOCKERFILE: &str = "Dockerfile";
    if value.is_string() {
        let context = on_host(value, Want::Directory)?;
        text_on_host(value, &context.join(DOCKERFILE).to_string_lossy(), Want::File)?;
        return Some(Build {
            context,
            dockerfile: DOCKERFILE.into(),
            args: Default::default(),
            target: None,
        });
    }
    if !value.is_table() {
        return value.wrong_type("a path or a table");
    }
    let table = value.part(keys::BUILD)?;
    let context = match table.get("context") {
        Some(context) => on_host(&context, Want::Directory),
        None => Some(value.reader.directory.clone()),
    };
    let given = table.get("dockerfile");
    let dockerfile = given.as_ref().map_or_else(|| Some(DOCKERFILE.to_owned()), Value::string);
    let (args, target) = (table.texts("args"), table.string("target"));
    let (context, dockerfile) = (context?, dockerfile?);
    let at = given.as_ref().unwrap_or(value);
    let found = text_on_host(at, &context.join(&dockerfile).to_string_lossy(), Want::File)?;
    if !found.starts_with(&context) {
        at.refuse(format!("`{dockerfile}` lies outside the context"));
    }
    Some(Build { context, dockerfile, args, target })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_boxes_and_images() {
        for text in ["debian/12", "debian/12@2026.1", "base"] {
            assert!(box_name(text).is_ok(), "{text}");
        }
        for text in ["", "Debian/12", "../x", "debian//12", "debian/12@", "a b"] {
            assert!(box_name(text).is_err(), "{text}");
        }
        assert!(image("registry.test:5000/app/web:1.2@sha256:abc").is_ok());
        assert!(image("a b").is_err() && image("").is_err());
    }
}
