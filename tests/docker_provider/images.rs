//! Images: built by the engine, pulled with credentials, and what is said when that fails.

use super::{World, docker, image};
use envup::event::{Context, Event, Observer};
use envup::model::digest::sha256;
use envup::model::machine::Build;
use envup::provider::docker::{DockerProvider, Surroundings};
use envup::provider::{Operation, Provider};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Observer for Recorder {
    fn on(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

fn build(context: &Path) -> Build {
    Build {
        context: context.to_owned(),
        dockerfile: "Dockerfile".into(),
        args: BTreeMap::from([("WHO".into(), "world".into())]),
        target: None,
    }
}

#[test]
fn an_image_is_built_once_and_let_go_by_prune() {
    let mut world = World::new();
    let recorder = Arc::new(Recorder::default());
    world.context = Context::new(Default::default(), recorder.clone());
    let directory = tempfile::tempdir().unwrap();
    let dockerfile = format!(
        "FROM {}\nARG WHO\nRUN echo hello $WHO > /greeting && cat /greeting\nCOPY data /data\n",
        image()
    );
    std::fs::write(directory.path().join("Dockerfile"), dockerfile).unwrap();
    std::fs::write(directory.path().join("data"), "x".repeat(300_000)).unwrap();
    let reference = format!("{}:1", world.identity.machine("app"));
    let build = build(directory.path());
    let operation = || Operation::BuildImage { reference: &reference, build: &build, platform: None };
    world.apply(operation()).unwrap();
    let lines = recorder.0.lock().unwrap().len();
    let is_greeting = |event: &Event| matches!(event, Event::Output { text, .. } if text == "hello world");
    assert!(recorder.0.lock().unwrap().iter().any(is_greeting));
    world.apply(operation()).unwrap();
    assert_eq!(recorder.0.lock().unwrap().len(), lines, "it is there: nothing is built");
    world.apply(Operation::Prune).unwrap();
    assert_eq!(docker(&["images", "-q", &reference]), "");
}

#[test]
fn what_a_build_makes_is_exported_and_nothing_stays() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("Dockerfile"), format!("FROM {}\nCOPY data /etc/data\n", image()))
        .unwrap();
    std::fs::write(directory.path().join("data"), "kept").unwrap();
    let reference = format!("envup-box/test:{}", world.identity.id);
    let mut archive = Vec::new();
    let export = |sink: &mut Vec<u8>| {
        world.provider.export_build(&reference, &build(directory.path()), sink, &world.context).unwrap();
    };
    export(&mut archive);
    let mut archive = tar::Archive::new(&archive[..]);
    let mut entries = archive.entries().unwrap().map(|entry| entry.unwrap());
    assert!(entries.any(|entry| entry.path().unwrap() == Path::new("etc/data")));
    assert_eq!(docker(&["images", "-q", &reference]), "");
    assert_eq!(docker(&["ps", "-aq", "--filter", &format!("name={}", world.identity.id)]), "");
}

#[test]
fn a_failed_build_shows_its_last_lines() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let dockerfile = format!("FROM {}\nRUN echo before && exit 7\n", image());
    std::fs::write(directory.path().join("Dockerfile"), dockerfile).unwrap();
    let reference = format!("{}:2", world.identity.machine("app"));
    let build = build(directory.path());
    let error = world
        .apply(Operation::BuildImage { reference: &reference, build: &build, platform: None })
        .unwrap_err();
    assert!(error.to_string().contains("returned a non-zero code: 7"), "{error}");
    assert!(error.detail.unwrap().contains("before"));
}

#[test]
fn an_image_is_pulled_with_the_users_credentials() {
    let registry = Registry::start();
    let name = format!("{}/team/tool:1", registry.address);
    let home = tempfile::tempdir().unwrap();
    let surroundings = Surroundings { home: Some(home.path().to_owned()), ..super::surroundings() };
    let mut world = World::new();
    world.provider = DockerProvider::new(surroundings);
    let pull = || {
        world.provider.apply(
            &world.identity,
            Operation::PullImage { reference: &name, platform: None },
            &world.context,
        )
    };
    let error = pull().unwrap_err();
    assert!(error.hints.iter().any(|hint| hint.contains("docker login")), "{error} {:?}", error.hints);
    // ">>>?" makes both characters that differ between the two alphabets of base64.
    let auths = format!(r#"{{"auths":{{"{}":{{"auth":"bWU6Pj4+Pz8/"}}}}}}"#, registry.address);
    std::fs::create_dir(home.path().join(".docker")).unwrap();
    std::fs::write(home.path().join(".docker/config.json"), auths).unwrap();
    pull().unwrap();
    pull().unwrap();
    docker(&["rmi", &name]);
    let missing = format!("{}/team/none:1", registry.address);
    let error = world.apply(Operation::PullImage { reference: &missing, platform: None }).unwrap_err();
    assert!(error.hints.iter().any(|hint| hint.contains("check name and tag")), "{error} {:?}", error.hints);
}

/// A registry with one image, for who says the right password.
struct Registry {
    address: String,
}

impl Registry {
    fn start() -> Self {
        let mut layer = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        layer.append_data(&mut header, "hello", &b"hello"[..]).unwrap();
        let layer = layer.into_inner().unwrap();
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
            sha256(&layer)
        )
        .into_bytes();
        let part = |kind: &str, bytes: &[u8]| {
            format!(r#"{{"mediaType":"{kind}","size":{},"digest":"sha256:{}"}}"#, bytes.len(), sha256(bytes))
        };
        let kind = "application/vnd.docker.distribution.manifest.v2+json";
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{},"layers":[{}]}}"#,
            part("application/vnd.docker.container.image.v1+json", &config),
            part("application/vnd.docker.image.rootfs.diff.tar", &layer)
        )
        .into_bytes();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap_or_default();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let headers: Vec<String> =
                    lines.map(|line| line.unwrap_or_default()).take_while(|line| !line.is_empty()).collect();
                let is_known = headers.iter().any(|line| line.contains("Basic bWU6Pj4+Pz8/"));
                let (status, kind, body) = match path.rsplit('/').next().unwrap_or_default() {
                    _ if !is_known => ("401 Unauthorized", "application/json", &b"{}"[..]),
                    "" => ("200 OK", "application/json", &b"{}"[..]),
                    "1" if path.contains("/tool/") => ("200 OK", kind, manifest.as_slice()),
                    name if name.starts_with("sha256:") => {
                        let all = [&manifest, &config, &layer];
                        let blob = all.into_iter().find(|blob| name.ends_with(&sha256(blob))).unwrap();
                        ("200 OK", kind, blob.as_slice())
                    }
                    _ => (
                        "404 Not Found",
                        "application/json",
                        &br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#[..],
                    ),
                };
                let body_or_none = if request.starts_with("HEAD") { &[] } else { body };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nDocker-Content-Digest: sha256:{}\r\n\
                     Docker-Distribution-Api-Version: registry/2.0\r\nWWW-Authenticate: Basic realm=\"test\"\r\nConnection: close\r\n\r\n",
                    body.len(),
                    sha256(body)
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body_or_none));
            }
        });
        Self { address }
    }
}
