//! Builds a box from an image, for hosts without mmdebstrap: the provider builds, the store keeps what comes out.

use super::Providers;
use crate::boxes::{Builder, Recipe};
use crate::event::{Context, Event};
use crate::model::{Error, Result};
use std::io::Write;
use std::path::Path;

/// Builds boxes with the first provider that can.
pub struct ImageBuilder {
    /// The providers of this program.
    pub providers: Providers,
    /// The image to begin with, instead of the recipe's own.
    pub base: Option<String>,
}

impl Builder for ImageBuilder {
    fn build(&self, recipe: &Recipe, scratch: &Path, sink: &mut dyn Write, context: &Context) -> Result<()> {
        let Some(build) = recipe.image_build(self.base.as_deref(), scratch) else {
            return Err(Error::usage(format!(
                "the recipe of box {} cannot begin with an image",
                recipe.name()
            ))
            .hint("its box.toml has no [image]: leave out --base"));
        };
        context.emit(Event::Doing { machine: None, what: format!("building box {}", recipe.name()) });
        recipe.unpack(scratch)?;
        let provider = self.providers.get("docker")?;
        provider.check()?;
        provider.export_build(&recipe.reference(), &build, sink, context)
    }
}
