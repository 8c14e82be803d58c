//! Removes networks of a stack, which its machines leave first. What is not ours stays, and so does what it is in.

use super::client::Client;
use super::errors::{Answer, Explain, explain, optional};
use super::networks::{leave, ours};
use super::observe::filters;
use crate::model::Result;
use crate::model::id::Identity;
use crate::provider::Scope;
use bollard::Docker;
use bollard::errors::Error as Engine;
use bollard::query_parameters::ListContainersOptionsBuilder;
use std::time::{Duration, Instant};

/// How long a network may seem to be in use after the last machine has left it.
const SETTLING: Duration = Duration::from_secs(2);

/// Removes a network of the stack; a foreign one of that name stays.
pub(super) fn remove(client: &Client, identity: &Identity, name: &str) -> Result<()> {
    let cannot = || format!("cannot remove network {name}");
    client.block(async {
        for network in ours(&client.docker, identity, name).await.explain(cannot)? {
            empty(&client.docker, identity, &network).await.explain(cannot)?;
            take_away(&client.docker, &network, &cannot()).await?;
        }
        Ok(())
    })?
}

/// Lets the stack's own machines leave a network: else it cannot be removed, and those that do not run could not be started
/// without it. Whoever else is in it stays, and with them the network.
async fn empty(docker: &Docker, identity: &Identity, network: &str) -> Answer<()> {
    let mut filters = filters(Scope::Stack(identity));
    filters.insert("network", vec![network.to_owned()]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    for container in docker.list_containers(Some(options)).await? {
        leave(docker, container.id.as_deref().unwrap_or_default(), network).await?;
    }
    Ok(())
}

/// Removes a network as soon as the engine knows that nothing is in it.
async fn take_away(docker: &Docker, network: &str, cannot: &str) -> Result<()> {
    let patience = Instant::now() + SETTLING;
    loop {
        let refused = match optional(docker.remove_network(network).await) {
            Err(error) if is_in_use(&error) => error,
            answer => return answer.map(|_| ()).explain(|| cannot),
        };
        let found = optional(docker.inspect_network(network, None).await).explain(|| cannot)?;
        let inside = found.into_iter().filter_map(|found| found.containers).flatten();
        let strangers = inside.filter_map(|(_, container)| container.name).collect::<Vec<_>>().join(", ");
        if !strangers.is_empty() {
            return Err(explain(&refused, cannot).hint(format!("still in it: {strangers}")));
        }
        if Instant::now() >= patience {
            return Err(explain(&refused, cannot)
                .hint("nothing is in it, docker miscounts: restart docker, then repeat this"));
        }
        tokio::time::sleep(SETTLING / 20).await;
    }
}

fn is_in_use(error: &Engine) -> bool {
    matches!(error, Engine::DockerResponseServerError { message, .. } if message.contains("has active endpoints"))
}
