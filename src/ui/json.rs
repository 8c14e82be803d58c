//! Results as programs read them. Fields may be added, never renamed; every document has `"version": 1`.

use super::printer::Printer;
use crate::event::{Event, Observer};
use crate::model::action::{Reason, Target, Verb};
use crate::model::status::{MachineStatus, StackStatus};
use crate::plan::Plan;
use crate::plan::layers::LayerUse;
use serde::Serialize;

/// Version of all documents.
const VERSION: u32 = 1;

/// Prints one document: `version`, then the fields of `content`.
pub fn document(printer: &Printer, content: &impl Serialize) {
    #[derive(Serialize)]
    struct Document<'a, T> {
        version: u32,
        #[serde(flatten)]
        content: &'a T,
    }
    line(printer, &Document { version: VERSION, content });
}

/// Prints one value as a line.
pub fn line(printer: &Printer, value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => printer.result(&text),
        Err(error) => printer.error(&format!("error: cannot write JSON: {error}")),
    }
}

/// `env plan --json`.
#[derive(Debug, Serialize)]
pub struct PlanDocument<'a> {
    project: &'a str,
    environment: &'a str,
    changes: usize,
    actions: Vec<ActionEntry<'a>>,
    orphans: &'a [String],
}

#[derive(Debug, Serialize)]
struct ActionEntry<'a> {
    target: Target,
    name: &'a str,
    provider: &'a str,
    action: Verb,
    reasons: &'a [Reason],
    steps: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'a LayerUse>,
}

impl<'a> PlanDocument<'a> {
    /// The document of a plan.
    pub fn new(project: &'a str, environment: &'a str, plan: &'a Plan) -> Self {
        let actions = plan.actions.iter().map(|action| ActionEntry {
            target: action.target,
            name: &action.name,
            provider: &action.provider,
            action: action.verb,
            reasons: &action.reasons,
            steps: &action.steps,
            layer: action.layer.as_ref(),
        });
        Self {
            project,
            environment,
            changes: plan.changes(),
            actions: actions.collect(),
            orphans: &plan.orphans,
        }
    }
}

/// The last line of a stream of events.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "outcome")]
pub struct OutcomeLine<'a> {
    version: u32,
    result: &'static str,
    machines: &'a [MachineStatus],
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<'a> OutcomeLine<'a> {
    /// The outcome of some work; `status` is how the stack stands after it, when that is known.
    pub fn new(status: Option<&'a StackStatus>, seconds: f64, error: Option<&crate::model::Error>) -> Self {
        let result = match error.map(|error| error.kind) {
            None => "ok",
            Some(crate::model::Kind::Interrupted) => "interrupted",
            Some(_) => "failed",
        };
        let machines = status.map_or(&[][..], |status| &status.machines);
        Self { version: VERSION, result, machines, seconds, error: error.map(ToString::to_string) }
    }
}

/// Prints every event as a line.
pub struct JsonLines(pub Printer);

impl Observer for JsonLines {
    fn on(&self, event: &Event) {
        line(&self.0, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Error;
    use crate::ui::printer::Verbosity;
    use crate::ui::printer::tests::kept;

    #[test]
    fn a_stream_ends_with_its_outcome() {
        let (printer, out, _) = kept(Verbosity::Normal);
        JsonLines(printer.clone()).on(&Event::Doing { machine: Some("db".into()), what: "creating".into() });
        line(&printer, &OutcomeLine::new(None, 1.5, Some(&Error::failed("cannot create machine db"))));
        insta::assert_snapshot!(out.text(), @r#"
        {"event":"doing","machine":"db","what":"creating"}
        {"event":"outcome","version":1,"result":"failed","machines":[],"seconds":1.5,"error":"cannot create machine db"}
        "#);
    }

    #[test]
    fn a_document_has_a_version() {
        let (printer, out, _) = kept(Verbosity::Quiet);
        document(&printer, &PlanDocument::new("shop", "dev", &Plan::default()));
        let expected =
            r#"{"version":1,"project":"shop","environment":"dev","changes":0,"actions":[],"orphans":[]}"#;
        assert_eq!(out.text().trim_end(), expected);
    }
}
