//! This host's own certificate authorities for what is made from images: beside the agent for machines, as an argument for
//! builds that ask for it. Images themselves stay as they are.
//!
//! Most programs take all that they trust from one file, so machines get all that this host trusts.

use super::agent_volume::MOUNT;
use super::client::Client;
use super::filler::Entry;
use super::images;
use super::options::Options;
use crate::model::Result;
use crate::provider::NewMachine;
use crate::transport::authorities::{AUTHORITIES, Authorities};

const ALL: &str = "certificates.pem";
const ADDED: &str = "host-certificates.pem";

/// Where programs look for the certificates they trust. Node.js adds what it finds to its own.
const VARIABLES: [(&str, &str); 5] = [
    ("SSL_CERT_FILE", ALL),
    ("CURL_CA_BUNDLE", ALL),
    ("REQUESTS_CA_BUNDLE", ALL),
    ("GIT_SSL_CAINFO", ALL),
    ("NODE_EXTRA_CA_CERTS", ADDED),
];

/// The argument of builds; only Dockerfiles that declare it get it.
pub(super) const ARGUMENT: &str = "ENVUP_CA_CERTIFICATES";

/// Arguments travel in the request's first line, which must not become longer than engines take.
const LONGEST_ARGUMENT: usize = 40_000;

/// The files beside the agent; none on hosts that trust what their distribution does.
pub(super) fn entries() -> Vec<Entry<'static>> {
    let file =
        |path: &str, text: &'static str| Entry { path: path.to_owned(), mode: 0o644, bytes: text.as_bytes() };
    let of = |found: &'static Authorities| vec![file(ALL, &found.all), file(ADDED, &found.added)];
    AUTHORITIES.as_ref().map(of).unwrap_or_default()
}

/// Tells the programs of an image machine where the files are, unless its Envfile or image says otherwise. Boxes trust
/// authorities as a distribution does.
pub(super) fn add(client: &Client, new: &NewMachine<'_>, options: &mut Options) -> Result<()> {
    if new.machine.is_box() || AUTHORITIES.is_none() {
        return Ok(());
    }
    let of_image = images::variables(client, new.image)?;
    for (name, file) in VARIABLES.iter().filter(|(name, _)| !of_image.iter().any(|set| set == name)) {
        options.set_missing(name, &format!("{MOUNT}/{file}"));
    }
    Ok(())
}

/// The value of the argument for this Dockerfile.
pub(super) fn argument(dockerfile: &str) -> Option<&'static str> {
    let added = AUTHORITIES.as_ref().map(|found| found.added.as_str());
    added.filter(|text| text.len() <= LONGEST_ARGUMENT && declares(dockerfile, ARGUMENT))
}

fn declares(dockerfile: &str, argument: &str) -> bool {
    dockerfile.lines().any(|line| {
        let mut words = line.split_whitespace();
        let is_declaration = words.next().is_some_and(|word| word.eq_ignore_ascii_case("arg"));
        is_declaration && words.any(|word| word.split('=').next() == Some(argument))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dockerfile_declares_counts() {
        for declared in ["FROM x\nARG ENVUP_CA_CERTIFICATES\n", "arg A ENVUP_CA_CERTIFICATES=\"\""] {
            assert!(declares(declared, ARGUMENT), "{declared}");
        }
        for other in
            ["# ARG ENVUP_CA_CERTIFICATES", "ARG ENVUP_CA_CERTIFICATES_2", "ENV ENVUP_CA_CERTIFICATES=x"]
        {
            assert!(!declares(other, ARGUMENT), "{other}");
        }
    }
}
