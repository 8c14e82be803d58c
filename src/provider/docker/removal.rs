//! Removes containers. Whether one is ours to remove is its callers' business.

use super::errors::{Answer, is_conflict, is_missing, optional};
use bollard::Docker;
use bollard::query_parameters::{InspectContainerOptions, RemoveContainerOptionsBuilder};
use std::time::Duration;

/// The pause before looking again at what somebody else is making or removing.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How often to look at most whether one that somebody else removes is gone.
const LOOKS: usize = 1200;

/// Removes a container, however it stands, with the volumes that are its own. One that is not there is removed; one that
/// somebody else is removing, perhaps a killed run's call that is still under way, is waited for.
pub(super) async fn remove(docker: &Docker, container: &str) -> Answer<()> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match docker.remove_container(container, Some(options)).await {
        Err(error) if is_conflict(&error) => {
            for _ in 0..LOOKS {
                let looked = docker.inspect_container(container, None::<InspectContainerOptions>).await;
                if looked.as_ref().is_err_and(is_missing) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(error)
        }
        answer => optional(answer).map(|_| ()),
    }
}
