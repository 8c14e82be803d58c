//! Names and identities, and the names we derive from them in an engine.
//!
//! A thing in an engine is ours when its labels *and* the name derived here agree.

use std::fmt;

/// The environment that is meant when none is named.
pub const DEFAULT_ENVIRONMENT: &str = "dev";

/// Random identity of one checkout: 12 lowercase hexadecimal characters, kept in `.envup/id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(pub String);

impl ProjectId {
    /// The identity written as `text`, when it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        fits.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who a stack is on this host: all that the names and labels of its things are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Random id of the checkout.
    pub id: ProjectId,
    /// The Envfile's `name`, or the further copy's name given with `--name`; with the environment behind it, `shop.test`,
    /// unless that is `dev`.
    pub name: String,
    /// Absolute directory of the Envfile.
    pub directory: String,
}

impl Identity {
    /// Name of a machine in an engine: `shop-3f9a1c-web`.
    pub fn machine(&self, name: &str) -> String {
        self.derive(name)
    }

    /// Name of a network in an engine.
    pub fn network(&self, name: &str) -> String {
        self.derive(name)
    }

    /// Name of a volume in an engine.
    pub fn volume(&self, name: &str) -> String {
        self.derive(name)
    }

    /// The environment that the full name tells.
    pub fn environment(&self) -> &str {
        self.name.split_once('.').map_or(DEFAULT_ENVIRONMENT, |(_, environment)| environment)
    }

    fn derive(&self, name: &str) -> String {
        format!("{}-{}-{name}", self.name, &self.id.0[..6])
    }
}

/// Why `name` cannot name a stack, machine, network, volume, secret or config; `None` when it can.
///
/// Letters, digits, `-` and `_`, at most 40 characters, a letter or digit first: such a name is valid in Docker, in
/// libvirt and, `_` aside, as a host name.
pub fn why_bad_name(name: &str) -> Option<String> {
    let Some(first) = name.chars().next() else {
        return Some("is empty".to_owned());
    };
    if !first.is_ascii_lowercase() && !first.is_ascii_digit() {
        return Some("must begin with a lowercase letter or a digit".to_owned());
    }
    if let Some(bad) =
        name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(*c)))
    {
        return Some(format!("has `{bad}`, only lowercase letters, digits, `-` and `_` are possible"));
    }
    (name.len() > 40).then(|| "is longer than 40 characters".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_things_hold_project_and_identity() {
        let id = ProjectId::parse("3f9a1c00beef\n").unwrap();
        let identity = Identity { id, name: "shop".into(), directory: "/srv/shop".into() };
        assert_eq!(identity.machine("web"), "shop-3f9a1c-web");
        assert_eq!(ProjectId::parse("3F9A1C00BEEF"), None);
    }

    #[test]
    fn bad_names_are_told_why() {
        assert_eq!(why_bad_name("web-1"), None);
        assert!(why_bad_name("").is_some());
        assert!(why_bad_name("Web").unwrap().contains("begin"));
        assert!(why_bad_name("w.b").unwrap().contains('.'));
    }
}
