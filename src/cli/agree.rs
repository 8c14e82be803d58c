//! What the user has to agree to: asked once on a terminal, given beforehand elsewhere.

use super::session::Session;
use crate::engine::{Touches, World, touches};
use crate::model::{Error, Result};
use crate::plan::Plan;
use crate::state::Consents;
use crate::ui::ask::confirm;

/// Makes sure that the user agrees to what the Envfile does to this host.
pub fn to_touching(session: &Session, world: &World, allow: Option<&str>) -> Result<()> {
    let touches = touches(world)?;
    if touches.items.is_empty() || allow == Some(touches.digest.as_str()) {
        return Ok(());
    }
    let again = format!("`--allow={}` agrees to exactly this", touches.digest);
    if let Some(other) = allow {
        return Err(Error::usage(format!(
            "--allow={other} agrees to something else than what the Envfile does"
        ))
        .detail(list(&touches))
        .hint(again));
    }
    let consents = Consents::of(&world.project);
    if consents.allowed(&touches.digest)? {
        return Ok(());
    }
    if !session.can_ask() {
        return Err(Error::failed("the Envfile touches this host, and nobody agreed to that")
            .detail(list(&touches))
            .hint("look at it, then `env allow` records that you agree")
            .hint(format!("in scripts: {again}")));
    }
    session.printer.error(&format!("This Envfile touches your host:\n{}", list(&touches)));
    if !confirm(&session.printer, "Do you agree?", &session.interrupt.cancel)? {
        return Err(Error::failed("nothing was done, because you did not agree"));
    }
    consents.grant(&touches.digest, &touches.items)
}

/// Whether machines made from a box may be replaced; those who work in them are asked.
pub fn to_replacing(session: &Session, plan: &Plan, replace: bool) -> Result<bool> {
    let boxes = plan.replaced_boxes();
    if replace || boxes.is_empty() || !session.can_ask() {
        return Ok(replace);
    }
    let names: Vec<&str> = boxes.iter().map(|action| action.name.as_str()).collect();
    let question = format!("Replace {}, with whatever was changed in it by hand?", names.join(", "));
    if !confirm(&session.printer, &question, &session.interrupt.cancel)? {
        return Err(Error::failed("nothing was done, because a machine would be replaced")
            .hint("`env plan` shows why"));
    }
    Ok(true)
}

/// Makes sure that something that cannot be undone is wanted.
pub fn to_losing(session: &Session, question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !session.can_ask() {
        return Err(Error::usage("this cannot be undone, and there is no terminal to ask on")
            .hint("--yes says that it is wanted"));
    }
    if confirm(&session.printer, question, &session.interrupt.cancel)? {
        return Ok(());
    }
    Err(Error::failed("nothing was done"))
}

/// The things one below the other.
pub fn list(touches: &Touches) -> String {
    touches.items.iter().map(|item| format!("  - {item}")).collect::<Vec<_>>().join("\n")
}
