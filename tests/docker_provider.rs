//! The Docker provider against a real engine: for every key of a machine, what is created is what is observed.
//!
//! Needs an engine and `busybox` (statically linked) on this machine; what it makes, it removes.

use envup::event::Context;
use envup::model::fields::Fields;
use envup::model::id::{Identity, ProjectId};
use envup::model::machine::{BoxSource, Init, Machine, NetworkJoin, Source};
use envup::model::observed::{Contents, Observed, State};
use envup::model::stack::{DEFAULT_NETWORK, Network, Stack};
use envup::provider::docker::{DockerProvider, Surroundings};
use envup::provider::{BoxFiles, LogOptions, NewMachine, Operation, PlacedFile, Provider, Scope};
use envup::transport::{Captured, Command, Stdin};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

mod changes;
mod images;
mod keys;
mod trouble;

/// A stack of its own on the engine; removed at the end.
pub struct World {
    pub provider: DockerProvider,
    pub identity: Identity,
    pub stack: Stack,
    pub context: Context,
}

impl World {
    pub fn new() -> Self {
        let mut random = [0; 6];
        getrandom::fill(&mut random).unwrap();
        let id = ProjectId(envup::model::digest::hex(&random));
        let identity = Identity { id, name: "test".into(), directory: "/nowhere".into() };
        let network = Network { name: DEFAULT_NETWORK.into(), ..Network::default() };
        let mut stack = Stack::undeclared("test", "dev", Path::new("/nowhere"));
        stack.networks.insert(network.name.clone(), network);
        Self { provider: DockerProvider::new(surroundings()), identity, stack, context: Context::silent() }
    }

    pub fn apply(&self, operation: Operation<'_>) -> envup::model::Result<()> {
        self.provider.apply(&self.identity, operation, &self.context)
    }

    pub fn observe(&self) -> Observed {
        self.provider.observe(Scope::Stack(&self.identity)).unwrap()
    }

    /// Makes the networks and volumes that are declared.
    pub fn make_room(&self) {
        for network in self.stack.networks.values().filter(|network| network.external.is_none()) {
            self.apply(Operation::CreateNetwork { network, ground: None }).unwrap();
        }
        for volume in self.stack.volumes.values().filter(|volume| volume.external.is_none()) {
            self.apply(Operation::CreateVolume(volume)).unwrap();
        }
    }

    pub fn create(&self, machine: &Machine) {
        self.create_with(machine, Vec::new(), Contents::new()).unwrap();
    }

    pub fn create_with(
        &self,
        machine: &Machine,
        files: Vec<PlacedFile>,
        contents: Contents,
    ) -> envup::model::Result<()> {
        self.apply(Operation::CreateMachine(&self.wanted(machine, files, contents)))
    }

    pub fn wanted<'a>(
        &'a self,
        machine: &'a Machine,
        files: Vec<PlacedFile>,
        contents: Contents,
    ) -> NewMachine<'a> {
        NewMachine {
            machine,
            environment: "dev",
            image: image(),
            stands_for: None,
            layer: None,
            construction: None,
            networks: self.stack.networks.values().collect(),
            places: BTreeMap::new(),
            volumes: self.stack.volumes.values().collect(),
            files,
            contents,
        }
    }

    pub fn start(&self, name: &str) {
        self.apply(Operation::StartMachine(name)).unwrap();
    }

    pub fn described(&self, machine: &Machine, contents: &Contents) -> Fields {
        self.provider.describe(&self.stack, machine, image(), contents).unwrap()
    }

    pub fn run(&self, machine: &str, command: Command) -> (i32, String, String) {
        let transport = self.provider.connect(&self.identity, machine).unwrap();
        let mut output = Captured::default();
        let exit = transport.exec(command, &mut output, &self.context).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (exit.code, text(output.stdout), text(output.stderr))
    }

    pub fn shell(&self, machine: &str, script: &str) -> String {
        let (code, stdout, stderr) = self.run(machine, Command::new(["/bin/sh", "-c", script]));
        assert_eq!(code, 0, "{script}: {stderr}");
        stdout
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let Ok(observed) = self.provider.observe(Scope::Stack(&self.identity)) else { return };
        let remove = |name: &str| {
            let _ = self.apply(Operation::RemoveMachine(name));
        };
        std::thread::scope(|scope| {
            for part in observed.machines.chunks(observed.machines.len().div_ceil(4).max(1)) {
                scope.spawn(move || part.iter().for_each(|machine| remove(&machine.name)));
            }
        });
        for volume in observed.volumes.iter().filter(|volume| volume.machine.is_none()) {
            let _ = self.apply(Operation::RemoveVolume(&volume.name));
        }
        for network in &observed.networks {
            let _ = self.apply(Operation::RemoveNetwork(&network.name));
        }
    }
}

/// The engine that the docker command would use too.
#[allow(clippy::disallowed_methods)] // what a test is told about where it runs
pub fn surroundings() -> Surroundings {
    let variables = std::env::vars().filter(|(name, _)| name == "DOCKER_HOST").collect();
    Surroundings { variables, ..Surroundings::default() }
}

/// A volume that is not ours, removed at the end.
pub struct ForeignVolume(String);

impl ForeignVolume {
    pub fn new(name: &str) -> Self {
        docker(&["volume", "create", name]);
        Self(name.to_owned())
    }
}

impl Drop for ForeignVolume {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker").args(["volume", "rm", &self.0]).output();
    }
}

/// The engine's own command, for what others do to our things.
pub fn docker(arguments: &[&str]) -> String {
    let output = std::process::Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An image with nothing but busybox in it, imported once.
pub fn image() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut directory = |path: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            builder.append_data(&mut header, path, std::io::empty()).unwrap();
        };
        ["bin", "etc", "tmp", "run", "proc", "sys", "dev"].into_iter().for_each(&mut directory);
        builder.append_path_with_name("/bin/busybox", "bin/busybox").unwrap();
        for applet in
            ["sh", "sleep", "cat", "echo", "ls", "env", "id", "stat", "nc", "touch", "wc", "stty", "kill"]
        {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, format!("bin/{applet}"), "busybox").unwrap();
        }
        let bytes = builder.into_inner().unwrap();
        let name = format!(
            "envup-test-busybox:{}",
            envup::model::digest::short(&envup::model::digest::sha256(&bytes))
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let world = World::new();
        world
            .apply(Operation::ImportBox { reference: &name, files: BoxFiles::Archive(file.path()) })
            .unwrap();
        name
    })
}

/// An image machine that sleeps.
pub fn sleeper(name: &str) -> Machine {
    Machine {
        command: Some(["/bin/sleep", "1000"].map(str::to_owned).into()),
        networks: BTreeMap::from([(DEFAULT_NETWORK.into(), NetworkJoin::default())]),
        stop_grace: Some(std::time::Duration::from_secs(1)),
        ..Machine::new(name, Source::Image(image().into()))
    }
}

#[test]
fn a_machine_lives_from_create_to_remove() {
    let world = World::new();
    world.make_room();
    let machine = sleeper("web");
    world.create(&machine);
    world.create(&machine); // again: nothing happens
    assert_eq!(world.observe().machine("web").unwrap().state, State::Stopped);
    world.start("web");
    world.start("web");
    let observed = world.observe();
    let web = observed.machine("web").unwrap();
    assert_eq!(web.state, State::Running);
    assert_eq!(web.fields, world.described(&machine, &Contents::new()));
    assert!(web.address.is_some());
    assert_eq!(observed.networks.len(), 1);
    world.apply(Operation::StopMachine { name: "web", grace: None }).unwrap();
    assert_eq!(world.observe().machine("web").unwrap().state, State::Stopped);
    world.apply(Operation::RemoveMachine("web")).unwrap();
    world.apply(Operation::RemoveMachine("web")).unwrap();
    world.apply(Operation::RemoveNetwork(DEFAULT_NETWORK)).unwrap();
    assert_eq!(world.observe(), Observed::default());
}

#[test]
fn commands_run_with_input_codes_users_and_the_agent_beside() {
    let world = World::new();
    world.make_room();
    world.create(&sleeper("web"));
    world.start("web");
    let (code, stdout, stderr) =
        world.run("web", Command::new(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"]));
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (3, "out\n", "err\n"));

    let stdin = Stdin::Bytes(vec![b'x'; 3_000_000]);
    let (_, stdout, _) = world.run("web", Command { stdin, ..Command::new(["/bin/wc", "-c"]) });
    assert_eq!(stdout.trim(), "3000000");
    let stdin = Stdin::Stream(Box::new(std::io::Cursor::new(b"streamed".to_vec())));
    let (_, stdout, _) = world.run("web", Command { stdin, ..Command::new(["/bin/cat"]) });
    assert_eq!(stdout, "streamed");

    let user = Some("65534:65534".to_owned());
    let (_, stdout, _) = world.run("web", Command { user, ..Command::new(["/bin/id", "-u"]) });
    assert_eq!(stdout, "65534\n");
    let terminal: envup::transport::TerminalSize = Box::new(|| (100, 30));
    let command = Command {
        terminal: Some(terminal),
        ..Command::new(["/bin/sh", "-c", "sleep 0.5; stty size; kill -9 $$"])
    };
    let (code, stdout, _) = world.run("web", command);
    assert_eq!((code, stdout.as_str()), (137, "30 100\r\n"));
    assert!(world.shell("web", "ls -l /run/envup/agent/envup-agent").starts_with("-rwxr-xr-x"));

    let (code, ..) = world.run("web", Command::new(["/no/such/program"]));
    assert!(code == 126 || code == 127, "{code}");
}

#[test]
fn logs_have_times_and_streams() {
    let world = World::new();
    world.make_room();
    let mut machine = sleeper("job");
    machine.command = Some(["/bin/sh", "-c", "echo one; echo two >&2"].map(str::to_owned).into());
    world.create(&machine);
    world.start("job");
    assert_eq!(world.provider.wait(&world.identity, "job", &world.context).unwrap(), 0);
    let mut lines = Vec::new();
    let mut sink = |line| {
        lines.push(line);
        Ok(())
    };
    let options = LogOptions { follow: true, ..LogOptions::default() };
    world.provider.logs(&world.identity, "job", &options, &mut sink, &world.context).unwrap();
    lines.sort_by_key(|line| line.stderr);
    let texts: Vec<_> = lines.iter().map(|line| (line.stderr, line.text.as_str())).collect();
    assert_eq!(texts, [(false, "one"), (true, "two")]);
    assert!(lines[0].time > 1_700_000_000_000_000_000);
    assert_eq!(world.observe().machine("job").unwrap().state, State::Completed);
}

/// A box machine and its image, which is there afterwards. All tests of this build share the box.
pub fn boxed(world: &World, name: &str) -> (Machine, String) {
    let stored = crate::support::debian_box();
    let reference = stored.reference();
    world
        .apply(Operation::ImportBox { reference: &reference, files: BoxFiles::Archive(&stored.path) })
        .unwrap();
    let source = Source::Box(BoxSource::Named("debian/12".into()));
    (Machine { source, init: Init::Systemd, command: None, stop_grace: None, ..sleeper(name) }, reference)
}

#[test]
fn a_box_boots_systemd_without_privileges() {
    let world = World::new();
    let (machine, image) = boxed(&world, "server");
    world.make_room();
    let mut new = world.wanted(&machine, Vec::new(), Contents::new());
    new.image = &image;
    world.apply(Operation::CreateMachine(&new)).unwrap();
    world.start("server");
    let state = "for i in $(seq 100); do systemctl is-system-running | grep -q running && exit 0; sleep 0.1; done; exit 1";
    world.shell("server", state);
    let fields = world.provider.describe(&world.stack, &machine, &image, &Contents::new()).unwrap();
    assert_eq!(world.observe().machine("server").unwrap().fields, fields);
    world.shell("server", "test -x /run/envup/agent/envup-agent");
    // It sees nothing of other machines that it could change.
    world.shell("server", "! mkdir /sys/fs/cgroup/memory/mine && ! mkdir /sys/fs/cgroup/systemd/mine");
    let begin = std::time::Instant::now();
    world.apply(Operation::StopMachine { name: "server", grace: None }).unwrap();
    assert!(begin.elapsed().as_secs() < 8, "an orderly shutdown, not a kill");
    assert_eq!(world.observe().machine("server").unwrap().state, State::Stopped);
    world.start("server");
    world.shell("server", state);
}
