//! Fetches the file of a box over http, https or from a file. Who asks compares the digest.
//!
//! Proxies are those of the environment, certificates those that the host trusts.

use super::incoming::pump;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use std::fs::File;
use std::io::Write;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// How often a server may send us elsewhere.
const REDIRECTS: u32 = 5;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(30);

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// Copies what is at `url` into `sink`.
pub(super) fn fetch(url: &str, sink: &mut dyn Write, context: &Context) -> Result<()> {
    let what = format!("fetching {url}");
    if let Some(path) = url.strip_prefix("file://") {
        let mut file = File::open(path).attempt(|| format!("cannot read {path}"))?;
        let total = file.metadata().ok().map(|data| data.len());
        return pump(&mut file, sink, total, &what, context).map(drop);
    }
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Error::usage(format!("cannot fetch {url}"))
            .hint("use an address that begins with https://, http:// or file://"));
    }
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent: Agent = Agent::config_builder()
        .user_agent(concat!("envup/", env!("CARGO_PKG_VERSION")))
        // The digest is that of the file as it lies there.
        .accept_encoding("identity")
        .max_redirects(REDIRECTS)
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(SILENCE))
        .tls_config(tls)
        .build()
        .into();
    let mut response = agent.get(url).call().attempt(|| format!("cannot fetch {url}"))?;
    let body = response.body_mut();
    let total = body.content_length();
    let count = pump(&mut body.as_reader(), sink, total, &what, context)?;
    match total.filter(|total| *total != count) {
        Some(total) => {
            Err(Error::failed(format!("cannot fetch {url}: it ended after {count} of {total} bytes"))
                .hint("try again"))
        }
        None => Ok(()),
    }
}
