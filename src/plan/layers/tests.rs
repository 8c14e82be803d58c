//! Keys, the longest beginning, and what has to go.

use super::*;
use crate::model::fields::Fields;
use crate::model::size::Size;
use envup_agent::StepEntry;
use std::time::Duration;

fn step(key: &str, digest: &str) -> DesiredStep {
    let (key, name, digest) = (key.to_owned(), format!("step {key}"), digest.to_owned());
    DesiredStep { key, name, digest, run: RunPolicy::Changed, layer: true, copies: false, named: false }
}

fn machine(digests: &[&str]) -> DesiredMachine {
    let mut fields = Fields::default();
    fields.set("image", "envup-box/debian-12:5e8c1d75abb9");
    fields.set("init", "systemd");
    fields.set("hostname", "web");
    fields.set("env.LANG", "C.UTF-8");
    fields.set("volume./data", "data");
    let steps = digests.iter().enumerate();
    let steps = steps.map(|(index, digest)| step(&(index + 1).to_string(), digest)).collect();
    DesiredMachine { provider: "docker".into(), is_box: true, fields, steps, ..DesiredMachine::default() }
}

fn keys(machine: &DesiredMachine) -> Vec<String> {
    chain(machine, "").map_or_else(Vec::new, |chain| chain.links.into_iter().map(|link| link.key).collect())
}

/// Layers are found by these keys: a change of the rule lets everybody build all of theirs again.
#[test]
fn keys_are_golden() {
    let chain = chain(&machine(&["aaaa", "bbbb"]), "placed").unwrap();
    assert_eq!(chain.base, "a4f013a381aac10e91f71cffc572ccb5ae5c9620bfe6c69d29e6346f8646ebc3");
    assert_eq!(chain.links[0].key, "34755e40183ac81e98f73fb5e86bf327164a7ea668eafe4faa3f8f243e067149");
    assert_eq!(chain.links[1].key, "de5fce3bab192ed30f810c4b863d43e0381d91588641fd62255d70310dfbcd7e");
}

#[test]
fn what_steps_cannot_see_does_not_count() {
    let plain = machine(&["aaaa"]);
    let mut other = plain.clone();
    for (name, value) in [
        ("hostname", "app"),
        ("memory", "1GiB"),
        ("port.80/tcp", "127.0.0.1:8080"),
        ("sync./srv", "/home/me"),
        ("secret.token", "keyed 90ac"),
        ("network.front", "app"),
        ("volume./data", "other"),
        ("label.team", "web"),
    ] {
        other.fields.set(name, value);
    }
    assert_eq!(keys(&plain), keys(&other));
    for (name, value) in [
        ("image", "envup-box/debian-12:000000000000"),
        ("env.LANG", "de_DE.UTF-8"),
        ("config.site", "/etc/site.conf sha256 90ac"),
        ("init", "rc"),
        ("platform", "linux/arm64"),
        ("cap_add", "NET_ADMIN"),
    ] {
        let mut changed = plain.clone();
        changed.fields.set(name, value);
        assert_ne!(keys(&plain), keys(&changed), "{name}");
    }
    assert_ne!(chain(&plain, "one"), chain(&plain, "other"));
}

#[test]
fn the_host_name_counts_from_the_first_step_on_that_may_act_by_it() {
    let named = |name: &str| {
        let mut machine = machine(&["aaaa", "bbbb"]);
        machine.fields.set("hostname", name);
        machine.steps[1].named = true;
        keys(&machine)
    };
    let (db, web) = (named("db"), named("web"));
    assert_eq!(db[0], web[0]);
    assert_ne!(db[1], web[1]);
    assert_eq!(db, named("db"));
}

#[test]
fn a_changed_step_changes_its_own_key_and_all_after_it() {
    let old = keys(&machine(&["aaaa", "bbbb", "cccc"]));
    let new = keys(&machine(&["aaaa", "BBBB", "cccc"]));
    assert_eq!(old[0], new[0]);
    assert!(old[1] != new[1] && old[2] != new[2]);
}

#[test]
fn the_chain_ends_where_a_layer_would_tell_a_lie_or_gain_nothing() {
    let with = |change: &dyn Fn(&mut [DesiredStep])| {
        let mut machine = machine(&["aaaa", "bbbb", "cccc"]);
        change(&mut machine.steps);
        keys(&machine).len()
    };
    assert_eq!(with(&|_| {}), 3);
    assert_eq!(with(&|steps| steps[1].layer = false), 1);
    assert_eq!(with(&|steps| steps[2].run = RunPolicy::Always), 2);
    assert_eq!(with(&|steps| steps[0].run = RunPolicy::Never), 0);
    assert_eq!(with(&|steps| steps[0].run = RunPolicy::Once), 3);
    assert_eq!(with(&|steps| steps[2].copies = true), 2);
    assert_eq!(with(&|steps| steps[1].copies = true), 3);
    assert_eq!(with(&|steps| steps.iter_mut().for_each(|step| step.copies = true)), 0);
    assert_eq!(keys(&machine(&[])), Vec::<String>::new());
}

fn layer(key: &str, created: u64, size: u64) -> Layer {
    Layer { key: key.to_owned(), created, size }
}

#[test]
fn the_longest_young_layer_is_taken() {
    let chain = chain(&machine(&["aaaa", "bbbb", "cccc"]), "").unwrap();
    let settings = LayerSettings { max_age: Duration::from_secs(100), ..LayerSettings::default() };
    let kept =
        [layer(&chain.links[0].key, 950, 1), layer(&chain.links[1].key, 850, 1), layer("other", 1000, 1)];
    assert_eq!(chain.longest(&kept, &settings, 950), Some((2, chain.links[1].key.as_str())));
    assert_eq!(chain.longest(&kept, &settings, 1000), Some((1, chain.links[0].key.as_str())));
    assert_eq!(chain.longest(&kept[2..], &settings, 1000), None);
    let shorter = chain.clone().before(&chain.links[1].key).unwrap();
    assert_eq!(shorter.wanted(), &chain.links[0]);
    assert_eq!(chain.clone().before(&chain.links[0].key), None);
}

fn ledger(entries: &[(&str, &str, LedgerStatus)]) -> Ledger {
    let mut ledger = Ledger::default();
    for (key, digest, status) in entries {
        ledger.put(StepEntry {
            key: (*key).into(),
            name: String::new(),
            digest: (*digest).into(),
            status: *status,
            changed: true,
            exit_code: None,
            signal: None,
            finished: 0,
            seconds: 0.0,
        });
    }
    ledger
}

#[test]
fn construction_goes_on_where_it_stopped_unless_what_is_done_changed() {
    use LedgerStatus::{Applied, Failed};
    let chain = chain(&machine(&["aaaa", "bbbb", "cccc"]), "").unwrap();
    let done = |from: &str, entries: &[_]| chain.done(from, &ledger(entries));
    assert_eq!(done(&chain.base, &[]), Some(0));
    assert_eq!(done(&chain.base, &[("1", "aaaa", Applied), ("2", "old", Failed)]), Some(1));
    assert_eq!(done(&chain.links[0].key, &[("1", "aaaa", Applied), ("2", "bbbb", Applied)]), Some(2));
    assert_eq!(done(&chain.base, &[("1", "old", Applied), ("2", "bbbb", Failed)]), None);
    assert_eq!(done(&chain.base, &[("1", "aaaa", Failed), ("2", "bbbb", Applied)]), None);
    assert_eq!(done(&chain.base, &[("1", "aaaa", Applied), ("9", "left", Applied)]), None);
    assert_eq!(done("something else", &[]), None);
}

#[test]
fn the_oldest_and_the_least_used_go() {
    let settings =
        LayerSettings { max_age: Duration::from_secs(100), limit: Size(25), ..LayerSettings::default() };
    let kept = [
        layer("a", 1000, 10),
        layer("b", 990, 10),
        layer("c", 1000, 10),
        layer("old", 850, 1),
        layer("foreign", 1, 99),
    ];
    let used = [("a", 1000), ("b", 1005), ("c", 1003), ("old", 1006)];
    let used: BTreeMap<String, u64> = used.map(|(key, at)| (key.to_owned(), at)).into();
    assert_eq!(evicted(&kept, &used, &settings, 1007, None), ["old", "a"]);
    let none = LayerSettings { limit: Size(0), ..settings.clone() };
    assert_eq!(evicted(&kept, &used, &none, 1007, Some("b")), ["old", "a", "c"]);
    let roomy = LayerSettings { limit: Size(31), ..settings };
    assert_eq!(evicted(&kept, &used, &roomy, 940, None), Vec::<String>::new());
}
