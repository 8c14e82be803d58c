//! The key tables, the reader and `Envfile.example` agree.

use super::super::{FILE_NAME, KeyDoc, LoadOptions, help_text, keys, load};
use super::{project, refused, shown};

/// What `Envfile.example` names on the host.
const EXAMPLE_FILES: &[(&str, &str)] = &[
    ("ops/base.sh", ""),
    ("ops/packages.txt", ""),
    ("ops/db.conf", ""),
    ("ops/web.env", "A=1\n"),
    ("ops/motd", "hello\n"),
    ("ops/site.yml", ""),
    ("ops/inventories/production/hosts", "db1.example.org\n"),
    ("ops/requirements.yml", ""),
    ("ops/ansible.cfg", ""),
    ("ops/control-repo/manifests/site.pp", ""),
    ("ops/modules/README", ""),
    ("ops/hiera/hiera.yaml", ""),
    ("ops/chef/cookbooks/shop/recipes/app.rb", ""),
    ("ops/cookbooks/README", ""),
    ("ops/roles/db.json", ""),
    ("ops/data_bags/README", ""),
    ("ops/user-data.yaml", "#cloud-config\n"),
    ("ops/vendor-data.yaml", "#cloud-config\n"),
    ("secrets/token", "x"),
    ("app/Dockerfile", "FROM scratch\n"),
];

#[test]
fn the_example_shows_every_key() {
    let example = include_str!("../../../Envfile.example");
    let directory = project(example, EXAMPLE_FILES);
    let load_as = |environment: &str| {
        let options = LoadOptions { environment: Some(environment.to_owned()), ..LoadOptions::default() };
        load::load_noting(&directory.path().join(FILE_NAME), &options)
            .unwrap_or_else(|error| panic!("{}", shown(&error)))
    };
    let (loaded, mut seen) = load_as("dev");
    seen.extend(load_as("production").1);
    let missing: Vec<_> = keys().filter(|doc| !seen.contains(doc)).map(|doc| (doc.table, doc.key)).collect();
    assert!(missing.is_empty(), "Envfile.example lacks {missing:?}");
    assert_eq!(loaded.warnings, ["secret db_password: the environment variable DB_PASSWORD is not set"]);
    assert_eq!(loaded.files_read.len(), 2);
}

/// A key table's header as an Envfile writes it, with what the table needs besides.
fn around(doc: &KeyDoc) -> (&'static str, &'static str) {
    match doc.table {
        "" => ("", ""),
        "machine.NAME" if ["ssh", "changes"].contains(&doc.key) => ("[machine.a]\n", "\nhost = 'h'"),
        "machine.NAME" => ("[machine.a]\n", ""),
        "machine.NAME.box" => ("[machine.a.box]\n", ""),
        "machine.NAME.build" => ("[machine.a.build]\n", ""),
        "machine.NAME.ssh" => ("[machine.a.ssh]\n", "\n[machine.a]\nhost = 'h'"),
        "machine.NAME.networks.NETWORK" => ("[machine.a.networks.n]\n", ""),
        "machine.NAME.sync" => ("[[machine.a.sync]]\n", ""),
        "machine.NAME.ulimits.LIMIT" => ("[machine.a.ulimits.nofile]\n", ""),
        "machine.NAME.ready" => ("[machine.a.ready]\n", ""),
        "machine.NAME.logging" => ("[machine.a.logging]\n", "\ndriver = 'x'"),
        "machine.NAME.provision" => ("[[machine.a.provision]]\n", "\nshell = 'a b'"),
        "machine.NAME.provision (shell)" => ("[[machine.a.provision]]\n", "\nshell = 'a b'"),
        "machine.NAME.provision (file)" => ("[[machine.a.provision]]\n", "\nfile = 'Envfile'\nto = '/x'"),
        "machine.NAME.provision (chef)" => ("[[machine.a.provision]]\n", "\nchef = '.'\nrun_list = ['shop']"),
        "machine.NAME.provision (cloud_init)" => ("[[machine.a.provision]]\n", "\ncloud_init = 'Envfile'"),
        "machine.NAME.provision (puppet)" => ("[[machine.a.provision]]\n", "\npuppet = 'Envfile'"),
        "machine.NAME.provision (ansible)" => ("[[machine.a.provision]]\n", "\nansible = 'Envfile'"),
        "provision" => ("[[provision]]\n", "\nshell = 'a b'"),
        "network.NAME" => ("[network.n]\n", ""),
        "volume.NAME" => ("[volume.v]\n", ""),
        "secret.NAME" => ("[secret.s]\n", ""),
        "config.NAME" => ("[config.c]\n", ""),
        "drift" => ("[drift]\n", ""),
        "drift.ignore" => ("[[drift.ignore]]\n", "\nreason = 'x'"),
        "layers" => ("[layers]\n", ""),
        "environment.NAME" => ("[environment.dev]\n", ""),
        other => panic!("{other} has no header here"),
    }
}

#[test]
fn every_key_is_read_and_refuses_the_wrong_type() {
    for doc in keys() {
        let (header, rest) = around(doc);
        let rest = rest.lines().filter(|line| !line.starts_with(&format!("{} =", doc.key)));
        let rest = rest.collect::<Vec<_>>().join("\n");
        // A date is right where one is asked for.
        let (wrong, word) = if doc.value_type == "date" { ("[]", "list") } else { ("1979-05-27", "date") };
        let text = format!("{header}{} = {wrong}\n{rest}", doc.key);
        let error = refused(&text, &[]);
        let line = if header.is_empty() { 1 } else { 2 };
        assert!(error.contains(&format!("Envfile:{line}:")), "{} {}: {error}", doc.table, doc.key);
        assert!(
            error.contains("must be") && error.contains(&format!("not a {word}")),
            "{} {}: {error}",
            doc.table,
            doc.key
        );
    }
}

#[test]
fn the_help_explains_every_key_in_80_columns() {
    let help = help_text();
    for doc in keys() {
        assert!(help.contains(&format!("\n  {:<14}", doc.key)), "{} {}", doc.table, doc.key);
        assert!(help.contains(&doc.written()), "{} {}", doc.table, doc.key);
    }
    let long: Vec<_> =
        help.lines().filter(|line| line.chars().count() > 80 && !line.contains("sha256")).collect();
    assert!(long.is_empty(), "{long:#?}");
}
