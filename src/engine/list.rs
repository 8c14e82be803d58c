//! All stacks of this host.

use super::Providers;
use crate::event::{Context, Event};
use crate::model::observed::{Observed, Owner, State};
use crate::model::status::ListedStack;
use crate::model::{Error, Kind, Result};
use crate::provider::Scope;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Fewer letters of an id are too easily another one's.
const SHORTEST_ID: usize = 6;

/// Every stack that has something on this host, by name.
pub fn list(providers: &Providers, context: &Context) -> Result<Vec<ListedStack>> {
    let mut stacks: BTreeMap<(String, String), ListedStack> = BTreeMap::new();
    for provider in &providers.0 {
        let observed = match provider.observe(Scope::Host) {
            Err(error) if error.kind == Kind::Unavailable && provider.capabilities().optional => {
                context
                    .emit(Event::Note { text: format!("without machines of {}: {error}", provider.name()) });
                continue;
            }
            observed => observed?,
        };
        for owner in owners(&observed) {
            let listed =
                stacks.entry((owner.name.clone(), owner.id.0.clone())).or_insert_with(|| ListedStack {
                    project: owner.name.clone(),
                    id: owner.id.0.clone(),
                    environment: owner.environment.clone(),
                    directory: owner.directory.clone(),
                    directory_exists: Path::new(&owner.directory).is_dir(),
                    providers: Vec::new(),
                    machines: 0,
                    running: 0,
                    volumes: 0,
                });
            let of_it = |other: &Owner| other.id == owner.id && other.name == owner.name;
            let machines = observed.machines.iter().filter(|machine| of_it(&machine.owner));
            let running = machines.clone().filter(|machine| machine.state == State::Running).count();
            listed.machines += machines.count();
            listed.running += running;
            listed.volumes += observed.volumes.iter().filter(|volume| of_it(&volume.owner)).count();
            listed.providers.push(provider.name().to_owned());
        }
    }
    Ok(stacks.into_values().collect())
}

/// The one stack of this host that a name or the beginning of an id means.
pub fn listed(providers: &Providers, wanted: &str, context: &Context) -> Result<ListedStack> {
    one_of(list(providers, context)?, wanted)
}

fn one_of(mut stacks: Vec<ListedStack>, wanted: &str) -> Result<ListedStack> {
    stacks.retain(|stack| {
        stack.project == wanted || wanted.len() >= SHORTEST_ID && stack.id.starts_with(wanted)
    });
    match stacks.len() {
        0 => {
            Err(Error::usage(format!("no stack on this host is called `{wanted}`"))
                .hint("`env list` shows all"))
        }
        1 => Ok(stacks.remove(0)),
        _ => {
            let error = Error::usage(format!("several stacks on this host are called `{wanted}`"));
            // Copies and environments of one checkout share its id, stacks of several checkouts a name.
            let by_id = stacks.iter().all(|stack| stack.project == wanted);
            let say = |stack: &ListedStack| {
                let name = if by_id { &stack.id } else { &stack.project };
                format!("`--stack {name}` is the one of {}", stack.directory)
            };
            Err(stacks.iter().fold(error, |error, stack| error.hint(say(stack))))
        }
    }
}

fn owners(observed: &Observed) -> Vec<&Owner> {
    let machines = observed.machines.iter().map(|machine| &machine.owner);
    let things = observed.networks.iter().chain(&observed.volumes).map(|thing| &thing.owner);
    let mut seen = BTreeSet::new();
    machines.chain(things).filter(|owner| seen.insert((&owner.id, &owner.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(project: &str, id: &str) -> ListedStack {
        ListedStack {
            project: project.into(),
            id: id.into(),
            environment: "dev".into(),
            directory: format!("/srv/{id}"),
            directory_exists: false,
            providers: vec!["docker".into()],
            machines: 1,
            running: 1,
            volumes: 0,
        }
    }

    #[test]
    fn a_name_or_an_id_means_one_stack() {
        let stacks =
            [stack("shop", "3f9a1c00beef"), stack("shop", "77aa1c00beef"), stack("hello", "aaaaaaaaaaaa")];
        assert_eq!(one_of(stacks.to_vec(), "hello").unwrap().id, "aaaaaaaaaaaa");
        assert_eq!(one_of(stacks.to_vec(), "77aa1c").unwrap().id, "77aa1c00beef");
        assert_eq!(one_of(stacks.to_vec(), "shop").unwrap_err().hints.len(), 2);
        assert!(one_of(stacks.to_vec(), "77a").is_err());

        let environments = vec![stack("shop", "3f9a1c00beef"), stack("shop.test", "3f9a1c00beef")];
        assert_eq!(one_of(environments.clone(), "shop.test").unwrap().project, "shop.test");
        let hints = one_of(environments, "3f9a1c").unwrap_err().hints;
        assert!(hints[1].starts_with("`--stack shop.test`"), "{hints:?}");
    }
}
