//! A plan: one line for each thing with its sign, below it what differs, at the end the counts.

use super::{Table, count};
use crate::model::action::{Reason, Target, Verb};
use crate::plan::{Action, Plan};
use crate::ui::paint::Paint;

/// The order of the counts, and how each reads: `2 to create`, `1 unchanged`.
const COUNTS: [(Verb, &str); 7] = [
    (Verb::Create, "to create"),
    (Verb::Start, "to start"),
    (Verb::Update, "to update"),
    (Verb::Provision, "to provision"),
    (Verb::Replace, "to replace"),
    (Verb::Destroy, "to destroy"),
    (Verb::Keep, "unchanged"),
];

/// A plan for people; `heading` says which stack it is for.
pub fn plan(heading: &str, plan: &Plan, paint: Paint) -> String {
    let shown: Vec<&Action> = plan.actions.iter().filter(|action| is_shown(action)).collect();
    let width = shown.iter().map(|action| action.name.chars().count()).max().unwrap_or_default();
    let mut text = format!("{}\n", paint.strong(heading));
    for action in shown {
        let sign = paint.verb(action.verb, &action.verb.sign().to_string());
        text += &format!("  {sign} {:width$}  {}\n", action.name, what(action));
        text += &reasons(action, paint);
    }
    for orphan in &plan.orphans {
        let sign = paint.notable("?");
        text +=
            &format!("  {sign} {orphan:width$}  no longer in the Envfile (`--remove-orphans` removes it)\n");
    }
    text += &counts(plan);
    text
}

/// Networks and volumes are worth a line only when something happens to them.
fn is_shown(action: &Action) -> bool {
    action.target == Target::Machine || action.verb != Verb::Keep
}

fn what(action: &Action) -> String {
    let of = match action.target {
        Target::Machine => String::new(),
        Target::Network | Target::Volume => format!("{} ", action.target.as_str()),
    };
    let verb = match action.verb {
        verb if action.target != Target::Machine && !action.source.is_empty() => {
            format!("{} ({})", verb.as_str(), action.source)
        }
        Verb::Create if !action.source.is_empty() => format!("create from {}", action.source),
        Verb::Update => "update in place".to_owned(),
        verb => verb.as_str().to_owned(),
    };
    let steps = match action.steps_left().count() {
        0 => String::new(),
        number => format!(", {}", count(number, "step")),
    };
    let layer = action.layer.clone().unwrap_or_default();
    let covered = match layer.covered.len() {
        0 => String::new(),
        number if action.verb == Verb::Create => format!(" and a layer with {}", count(number, "step")),
        number => format!(" from a layer with {}", count(number, "step")),
    };
    let made = match layer.made.len() {
        0 => String::new(),
        number if number == action.steps_left().count() => ", kept in a layer".to_owned(),
        number => format!(", {number} of them kept in a layer"),
    };
    format!("{of}{verb}{covered}{steps}{made}")
}

fn reasons(action: &Action, paint: Paint) -> String {
    if matches!(action.verb, Verb::Create | Verb::Destroy) {
        return String::new();
    }
    let mut table = Table::indented(9);
    for reason in &action.reasons {
        let (field, change) = wording(reason);
        table.row().plain(field).cell(&change, paint.dim(&change));
    }
    table.render()
}

/// A difference in two columns: the field, and what becomes of it.
fn wording(reason: &Reason) -> (String, String) {
    let (before, after) = (reason.before.as_deref(), reason.after.as_deref());
    if let Some((kind @ ("config" | "secret"), name)) = reason.field.split_once('.')
        && let (Some(before), Some(after)) = (before, after)
    {
        return (format!("{kind} {name} changed"), format!("({} → {})", value(before), bare(after)));
    }
    if let Some(step) = reason.field.strip_prefix("step.") {
        return (format!("step {step}"), after.unwrap_or_default().to_owned());
    }
    if let Some(network) = reason.field.strip_prefix("shared.") {
        let server = |shared: Option<&str>| if shared.is_some() { "the network's" } else { "its engine's" };
        let change = format!("{} → {}, given when it is made", server(before), server(after));
        return (format!("name server in {network}"), change);
    }
    let change = match (before, after) {
        (Some(before), Some(after)) => format!("{} → {}", value(before), value(after)),
        (None, Some(after)) => format!("not set → {}", value(after)),
        (Some(before), None) => format!("{} → not set", value(before)),
        (None, None) => "changed".to_owned(),
    };
    (reason.field.clone(), change)
}

/// A value as it is, a digest shortened to what the eye can compare.
fn value(text: &str) -> String {
    if is_digest(text) { format!("sha256 {}", bare(text)) } else { text.to_owned() }
}

fn bare(text: &str) -> String {
    if !is_digest(text) {
        return text.to_owned();
    }
    format!("{}…", &text.trim_start_matches("sha256:")[..4])
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn counts(plan: &Plan) -> String {
    let mut parts = Vec::new();
    for (verb, words) in COUNTS {
        let number = plan.actions.iter().filter(|action| is_shown(action) && action.verb == verb).count();
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    let nothing = if plan.is_empty() { "nothing to do" } else { "" };
    let separator = if nothing.is_empty() || parts.is_empty() { "" } else { ": " };
    format!("{nothing}{separator}{}.\n", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::layers::LayerUse;

    fn action(name: &str, verb: Verb, reasons: &[(&str, Option<&str>, Option<&str>)]) -> Action {
        Action {
            target: Target::Machine,
            name: name.into(),
            provider: "docker".into(),
            verb,
            reasons: reasons
                .iter()
                .map(|(field, before, after)| Reason::new(*field, *before, *after))
                .collect(),
            source: "debian/12 on docker".into(),
            is_box: true,
            update: Vec::new(),
            start: false,
            steps: Vec::new(),
            layer: None,
        }
    }

    #[test]
    fn what_layers_do_is_told() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let one = |verb, covered: &[&str], made: &[&str]| {
            let layer = Some(LayerUse { covered: keys(covered), made: keys(made) });
            what(&Action { steps: keys(&["1", "2", "3"]), layer, ..action("db", verb, &[]) })
        };
        let create = "create from debian/12 on docker";
        assert_eq!(one(Verb::Create, &[], &["1", "2", "3"]), format!("{create}, 3 steps, kept in a layer"));
        assert_eq!(
            one(Verb::Create, &[], &["1", "2"]),
            format!("{create}, 3 steps, 2 of them kept in a layer")
        );
        let both = format!("{create} and a layer with 1 step, 2 steps, 1 of them kept in a layer");
        assert_eq!(one(Verb::Create, &["1"], &["2"]), both);
        assert_eq!(one(Verb::Create, &["1", "2", "3"], &[]), format!("{create} and a layer with 3 steps"));
        assert_eq!(one(Verb::Replace, &["1", "2"], &[]), "replace from a layer with 2 steps, 1 step");
    }

    #[test]
    fn every_thing_has_a_sign_and_every_change_both_values() {
        let (old, new) = ("4be1".repeat(16), format!("sha256:{}", "90ac".repeat(16)));
        let network = Action { target: Target::Network, ..action("front", Verb::Create, &[]) };
        let network = Action { source: String::new(), ..network };
        let volume = Action { target: Target::Volume, ..action("data", Verb::Keep, &[]) };
        let steps = vec!["1".to_owned(), "2".to_owned()];
        let actions = vec![
            network,
            volume,
            Action { steps, ..action("db", Verb::Create, &[]) },
            action(
                "web",
                Verb::Update,
                &[("memory", Some("256MiB"), Some("512MiB")), ("env.LANG", None, Some("C"))],
            ),
            action("proxy", Verb::Replace, &[("config.nginx.conf", Some(&old), Some(&new))]),
            action(
                "job",
                Verb::Provision,
                &[("step.2 ops/seed.sh", Some("failed"), Some("failed the last time"))],
            ),
            action("mail", Verb::Replace, &[("shared.default", None, Some("yes"))]),
            action("cache", Verb::Keep, &[]),
        ];
        let shown = Plan { actions, orphans: vec!["old".into()], ..Plan::default() };
        insta::assert_snapshot!(plan("shop · dev", &shown, Paint::OFF), @r"
        shop · dev
          + front  network create
          + db     create from debian/12 on docker, 2 steps
          ~ web    update in place
                 memory    256MiB → 512MiB
                 env.LANG  not set → C
          ↻ proxy  replace
                 config nginx.conf changed  (sha256 4be1… → 90ac…)
          » job    provision
                 step 2 ops/seed.sh  failed the last time
          ↻ mail   replace
                 name server in default  its engine's → the network's, given when it is made
          = cache  keep
          ? old    no longer in the Envfile (`--remove-orphans` removes it)
        2 to create, 1 to update, 1 to provision, 2 to replace, 1 unchanged.
        ");
    }
}
