//! Letting go of what no machine needs any more. Stacks are never touched.

use super::Providers;
use crate::event::Context;
use crate::model::id::{Identity, ProjectId};
use crate::model::{Kind, Result};
use crate::provider::Operation;

/// Prunes with every provider.
pub fn prune(providers: &Providers, context: &Context) -> Result<()> {
    // What is pruned belongs to no stack, so it is nobody's.
    let nobody = Identity { id: ProjectId(String::new()), name: String::new(), directory: String::new() };
    providers.0.iter().try_for_each(|provider| match provider.apply(&nobody, Operation::Prune, context) {
        Err(error) if error.kind == Kind::Unavailable && provider.capabilities().optional => Ok(()),
        done => done,
    })
}
