//! The connection to the engine, made when it is first needed, and the one runtime that its calls run on.

use super::Surroundings;
use super::endpoint::{self, Endpoint};
use super::errors::{Answer, Explain, unreachable};
use super::version;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Longest time in which the engine begins to answer. Long, because a build answers only after its context was sent;
/// who cannot wait has a deadline in the context.
const ANSWER_WITHIN: u64 = 3600;

/// How often a waiting call looks whether it was cancelled.
const LOOK_UP: Duration = Duration::from_millis(50);

/// A connection to the engine; calls may come from several threads at once.
pub(super) struct Client {
    /// The engine's interface, its version negotiated.
    pub(super) docker: Docker,
    /// Where it listens.
    pub(super) endpoint: Endpoint,
    /// Whether the agent is known to be in its volume.
    pub(super) agent_is_there: Mutex<bool>,
    /// Names of the variables that images set, by reference.
    image_variables: Mutex<HashMap<String, Vec<String>>>,
    runtime: Option<Runtime>,
    facts: OnceLock<Facts>,
}

/// What the engine says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The answer to `/info`.
    pub(super) info: bollard::models::SystemInfo,
    /// Whether it is podman.
    pub(super) podman: bool,
}

impl Client {
    /// Finds the engine, connects and agrees on a version of its interface: one call.
    pub(super) fn connect(surroundings: &Surroundings) -> Result<Self> {
        let endpoint = endpoint::find(surroundings)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("docker")
            .enable_all()
            .build()
            .attempt(|| "cannot start the threads that talk to docker")?;
        let docker = runtime
            .block_on(async {
                let known = match &endpoint {
                    Endpoint::Unix(socket) => version::common(socket),
                    _ => None,
                };
                match known {
                    Some(version) => open(&endpoint, &version),
                    None => open(&endpoint, API_DEFAULT_VERSION)?.negotiate_version().await,
                }
            })
            .map_err(|error| unreachable(&error, &endpoint))?;
        Ok(Self {
            docker,
            endpoint,
            agent_is_there: Mutex::new(false),
            image_variables: Mutex::default(),
            runtime: Some(runtime),
            facts: OnceLock::new(),
        })
    }

    /// Names of the variables that images set, by reference, as far as they were asked for.
    pub(super) fn image_variables(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.image_variables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a short call to its end: one that was begun is never given up.
    pub(super) fn block<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.block_on(work)),
            None => Err(Error::failed("the connection to docker was closed")),
        }
    }

    /// Runs a long call until its end, or until the context says that it is enough; `what` names the work.
    pub(super) fn wait<T>(
        &self,
        context: &Context,
        what: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.block(async {
            tokio::pin!(work);
            loop {
                match tokio::time::timeout(LOOK_UP, &mut work).await {
                    Ok(result) => return result,
                    Err(_) => context.check(what)?,
                }
            }
        })?
    }

    /// What the engine says of itself; asked once.
    pub(super) fn facts(&self) -> Result<&Facts> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        let (info, version) =
            self.block(async { tokio::join!(self.docker.info(), self.docker.version()) })?;
        let info = info.explain(|| "cannot ask docker what it can do")?;
        let version = version.explain(|| "cannot ask docker for its version")?;
        let podman = version.components.iter().flatten().any(|component| component.name.contains("Podman"));
        Ok(self.facts.get_or_init(|| Facts { info, podman }))
    }

    /// Whether one create call can join several networks.
    pub(super) fn joins_many_networks(&self) -> bool {
        self.docker.client_version() >= ClientVersion { major_version: 1, minor_version: 44 }
    }
}

impl Facts {
    /// Whether the engine names this among its security options.
    pub(super) fn has_security(&self, name: &str) -> bool {
        let named = |option: &String| option.split(',').any(|part| part == format!("name={name}"));
        self.info.security_options.iter().flatten().any(named)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A reader of a terminal may never end; nobody waits for it.
            runtime.shutdown_background();
        }
    }
}

fn open(endpoint: &Endpoint, version: &ClientVersion) -> Answer<Docker> {
    let docker = match endpoint {
        Endpoint::Unix(path) => Docker::connect_with_unix(path, ANSWER_WITHIN, version)?,
        Endpoint::Tcp(address) => Docker::connect_with_http(address, ANSWER_WITHIN, version)?,
        Endpoint::Ssh(address) => Docker::connect_with_ssh(address, ANSWER_WITHIN, version, None)?,
        Endpoint::Tls { address, certificates } => Docker::connect_with_ssl(
            address,
            &certificates.join("key.pem"),
            &certificates.join("cert.pem"),
            &certificates.join("ca.pem"),
            ANSWER_WITHIN,
            version,
        )?,
    };
    Ok(docker.with_request_modifier(|mut request| {
        // Engines read credentials in the alphabet for URLs; the library writes them in the other one.
        for name in ["x-registry-auth", "x-registry-config"] {
            if let Some(value) = request.headers_mut().get_mut(name)
                && let Some(fixed) = value.to_str().ok().map(|text| text.replace('+', "-").replace('/', "_"))
                && let Ok(fixed) = fixed.parse()
            {
                *value = fixed;
            }
        }
        request
    }))
}
