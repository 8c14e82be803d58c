//! The keys of a machine: the largest table of the Envfile. Data only, like `keys`.

use super::keys::{Keys, key_table};

pub(super) static MACHINE: Keys = key_table! { "machine.NAME"
    "box" "string or table" r#""debian/12""# "" "the box it starts from; it lives like a server";
    "image" "string" r#""postgres:16""# "" "the image it starts from; it runs the image's command";
    "build" "path or table" r#"{ context = "." }"# "" "the image is built from a Dockerfile";
    "host" "string" r#""db1.example.org""# "" "an existing host, reached with the system's ssh; implies provider host";
    "hosts" "list of strings" r#"["web1.test", "web2.test"]"# "" "several hosts of one role, instead of `host`";
    "ssh" "table" r#"{ user = "deploy" }"# "the user's own" "how a host is reached";
    "changes" "string" r#""allowed""# "refused" "whether a host may be changed: refused, allowed";
    "provider" "string" r#""docker""# "docker" "what runs it: docker, libvirt, host";
    "init" "string" r#""tini""# "systemd for a box, else none" "process 1: systemd, rc, tini, none";
    "command" "string or list" r#"["serve", "--port", "80"]"# "the image's" "arguments of the process";
    "entrypoint" "string or list" r#""/usr/bin/app""# "the image's" "the program";
    "env" "table" r#"{ LANG = "C.UTF-8" }"# "" "environment";
    "env_file" "path or list" r#""app.env""# "" "files of NAME=value lines; `env` wins over them";
    "working_dir" "path" r#""/srv/app""# "the image's" "working directory of the process";
    "user" "string" r#""app:app""# "the image's" "user, or user:group, of the process";
    "hostname" "string" r#""web1""# "the machine's name" "its host name";
    "ports" "list of strings" r#"["8080:80"]"# "" "host:guest on 127.0.0.1; ranges, /udp, `0.0.0.0:80:80`, `auto:80`";
    "expose" "list of strings" r#"["9090"]"# "" "ports that other machines use";
    "volumes" "list of strings" r#"["data:/var/lib/app"]"# "" "NAME:/path[:ro]; `/path` alone goes with the machine";
    "sync" "list" r#"[".:/srv/app"]"# "" "host:guest[:ro] or a table; folders of the host seen in the machine; what its root makes there goes to their owner";
    "tmpfs" "list or table" r#"["/tmp"]"# "" "temporary file systems; as a table: path to mount options";
    "networks" "list or table" r#"["front"]"# "default" "networks joined";
    "depends_on" "list or table" r#"["db"]"# "" "machines that come first; as a table: started, ready, completed";
    "ready" "table" "{ tcp = 5432 }" "" "when it counts as ready";
    "restart" "string" r#""unless-stopped""# "no" "no, always, on-failure[:N], unless-stopped";
    "memory" "size" r#""512MiB""# "no limit; of a VM 512MiB" "limit of memory";
    "cpus" "number" "1.5" "no limit; of a VM 2" "limit of processor time, in processors";
    "disk" "size" r#""20GiB""# "the box's" "size of a VM's disk";
    "accel" "string" r#""kvm""# "auto" "how a VM's processor runs: kvm, tcg (in software), auto tries the first";
    "pids" "integer" "200" "no limit" "limit of the number of processes; -1 is none";
    "shm_size" "size" r#""128MiB""# "the engine's" "size of /dev/shm";
    "ulimits" "table" "{ nofile = 65536 }" "" "resource limits; one number or { soft, hard }";
    "sysctls" "table" r#"{ "net.core.somaxconn" = 1024 }"# "" "kernel parameters of the machine's own namespaces";
    "devices" "list of strings" r#"["/dev/fuse"]"# "" "host[:guest[:rwm]]; devices of the host";
    "cap_add" "list of strings" r#"["NET_ADMIN"]"# "" "capabilities added";
    "cap_drop" "list of strings" r#"["MKNOD"]"# "" "capabilities taken away";
    "security_opt" "list of strings" r#"["no-new-privileges"]"# "" "security options as the engine takes them";
    "privileged" "boolean" "true" "false" "all capabilities and devices; asks for consent";
    "read_only" "boolean" "true" "false" "the root file system cannot be written to";
    "platform" "string" r#""linux/amd64""# "the host's" "operating system and architecture";
    "extra_hosts" "table or list" r#"{ "api.test" = "10.0.0.5" }"# "" "further lines of /etc/hosts";
    "dns" "list of strings" r#"["10.0.0.1"]"# "the engine's" "name servers";
    "labels" "table" r#"{ team = "web" }"# "" "your own labels";
    "secrets" "list of strings" r#"["token"]"# "" "secrets of the stack, seen at /run/secrets/NAME";
    "configs" "table or list" r#"{ site = "/etc/app/site.conf" }"# "" "configs of the stack and where the machine sees them";
    "logging" "table" r#"{ driver = "json-file" }"# "the engine's" "where its log goes";
    "stop_signal" "string" r#""SIGINT""# "the image's" "signal that asks process 1 to end";
    "stop_grace" "duration" r#""10s""# "10s" "time between that signal and the end";
    "provision" "list of tables" "[[machine.NAME.provision]]" "" "steps, in order";
};

pub(super) static SSH: Keys = key_table! { "machine.NAME.ssh"
    "user" "string" r#""deploy""# "ssh's own" "who logs in";
    "port" "integer" "2222" "ssh's own" "port of the ssh server";
    "identity" "path" r#""${HOME}/.ssh/production""# "ssh's own" "the private key; no other is offered";
    "config" "path" r#""ops/ssh_config""# "the user's own" "the ssh configuration";
    "known_hosts" "path" r#""ops/known_hosts""# "the user's own" "the host keys";
    "sudo" "boolean" "true" "false" "commands run as root through `sudo -n`";
};
