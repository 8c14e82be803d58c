//! How both sides become alike, section by section.

use super::super::comparison::Side;
use super::super::difference::Difference;
use envup_agent::{Item, Section};

/// What one side should become.
struct Wanted<'a> {
    key: &'a str,
    /// The fields that are right; `None` when the thing should not be there.
    item: Option<&'a Item>,
}

/// Lines for people, the best way first.
pub fn align(machine: &str, difference: &Difference, wanted: Side) -> Vec<String> {
    let item = match wanted {
        Side::Before => difference.before.as_ref(),
        Side::After => difference.after.as_ref(),
    };
    let wanted = Wanted { key: &difference.key, item };
    let Some(section) = Section::named(&difference.section) else {
        return vec![format!("`env up {machine}` brings it to what the Envfile says")];
    };
    let mut lines = wanted.lines(section, machine);
    lines.push(format!("`env rebuild {machine}` makes the machine anew from the Envfile"));
    lines.push(format!("`env accept {machine}` takes what is there now for what should be"));
    lines
}

impl Wanted<'_> {
    fn lines(&self, section: Section, machine: &str) -> Vec<String> {
        let line = match section {
            Section::Packages => self.package(),
            Section::Runtimes | Section::Libraries => self.owner(),
            Section::Locale => self.locale(),
            Section::Environment => self.table(machine, "env", self.name()),
            Section::Sysctls => self.table(machine, "sysctls", self.key),
            Section::Limits => self.limit(machine),
            Section::Certificates => self.certificate(),
            Section::Services => self.service(),
            Section::Users => self.account("user", "uid", "-u"),
            Section::Groups => self.account("group", "gid", "-g"),
            Section::Files => self.file(),
            Section::Resolution => self.host(machine),
            Section::Os => Some("choose a box or image of the same release".to_owned()),
            Section::Ports | Section::Mounts | Section::Schedules => None,
        };
        line.into_iter().collect()
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.item?.get(name).map(String::as_str)
    }

    /// A key without the ` (login)` behind it.
    fn name(&self) -> &str {
        self.key.split(" (").next().unwrap_or(self.key)
    }

    fn package(&self) -> Option<String> {
        let (manager, rest) = self.key.split_once(':')?;
        let name = quoted(rest.rsplit(':').next()?);
        let Some(item) = self.item else {
            let remove = match manager {
                "dpkg" => "apt-get purge -y",
                "rpm" => "dnf remove -y",
                "apk" => "apk del",
                "pip" => "pip uninstall -y",
                "npm" => "npm uninstall -g",
                "gem" => "gem uninstall",
                _ => return None,
            };
            return Some(format!("remove it: `{remove} {name}`"));
        };
        if item.get("state").is_some_and(|state| state == "hold") {
            return Some(format!("hold it: `apt-mark hold {name}`"));
        }
        let Some(version) = item.get("version").map(|version| quoted(version)) else {
            return Some(match manager {
                "dpkg" => format!(
                    "install it anew: `apt-get install --reinstall {name}`; `dpkg --verify {name}` names files"
                ),
                _ => format!("install {name} anew"),
            });
        };
        Some(match manager {
            "dpkg" => format!("pin it in a step: `apt-get install -y --allow-downgrades {name}={version}`"),
            "rpm" => format!("pin it in a step: `dnf install -y {name}-{version}`"),
            "apk" => format!("pin it in a step: `apk add {name}={version}`"),
            "pip" => format!("pin it in a step: `pip install {name}=={version}`"),
            "npm" => format!("pin it in a step: `npm install -g {name}@{version}`"),
            "gem" => format!("pin it in a step: `gem install {name} -v {version}`"),
            _ => return None,
        })
    }

    /// What comes with a package is aligned by it.
    fn owner(&self) -> Option<String> {
        let package = self.field("package").map(|package| package.rsplit(':').next().unwrap_or(package));
        let place = ["path", "file"].into_iter().find_map(|name| self.field(name));
        match (package, self.field("version"), place) {
            (Some(package), Some(version), _) => {
                Some(format!("install the package that brings it: {package} in version {version}"))
            }
            (Some(package), None, _) => Some(format!("install the package that brings it: {package}")),
            (None, _, Some(place)) => {
                Some(format!("it should be {place}: look at PATH and at what lies in /usr/local"))
            }
            (None, Some(version), None) => Some(format!("install version {version}")),
            _ => None,
        }
    }

    fn locale(&self) -> Option<String> {
        let value = self.field("value");
        match (self.key, value) {
            ("available", Some(names)) => Some(format!(
                "make the locales in a step, so that there are: {names} (`localedef -i en_US -f UTF-8 en_US.UTF-8` makes one)"
            )),
            ("timezone", Some(zone)) => {
                let zone = quoted(zone);
                Some(format!(
                    "set it in a step: `ln -sf /usr/share/zoneinfo/{zone} /etc/localtime; echo {zone} >/etc/timezone`"
                ))
            }
            (name, Some(value)) => {
                Some(format!("set it in a step: `update-locale {}`", quoted(&format!("{name}={value}"))))
            }
            (name, None) => Some(format!("take {name} out of /etc/default/locale")),
        }
    }

    /// A value of a table of the Envfile.
    fn table(&self, machine: &str, table: &str, name: &str) -> Option<String> {
        let place = format!("[machine.{machine}]");
        match (self.item, self.field("value")) {
            (_, Some(value)) => Some(format!(
                "say it in the Envfile, {place}: {table} = {{ {} = {} }}",
                key(name),
                text(value)
            )),
            (Some(_), None) => {
                Some(format!("set {name} in the Envfile, {place}, in {table}; its value is not told"))
            }
            (None, _) => Some(format!("take {name} out of {table} of {place}")),
        }
    }

    fn limit(&self, machine: &str) -> Option<String> {
        let name = match self.key {
            "open files" => "nofile",
            "processes" => "nproc",
            "locked memory" => "memlock",
            "core file size" => "core",
            "stack size" => "stack",
            _ => return None,
        };
        let part = |field: &str| {
            self.field(field).map(|value| format!("{field} = {}", value.replace("unlimited", "-1")))
        };
        let parts: Vec<String> = ["soft", "hard"].into_iter().filter_map(part).collect();
        let parts = parts.join(", ");
        (!parts.is_empty()).then(|| {
            format!("say it in the Envfile, [machine.{machine}]: ulimits = {{ {name} = {{ {parts} }} }}")
        })
    }

    fn certificate(&self) -> Option<String> {
        Some(match self.item {
            Some(_) => "put the certificate below /usr/local/share/ca-certificates and run `update-ca-certificates` in a step; \
                        for public authorities install the same version of ca-certificates"
                .to_owned(),
            None => "take the certificate out of /usr/local/share/ca-certificates and run `update-ca-certificates --fresh`".to_owned(),
        })
    }

    fn service(&self) -> Option<String> {
        let unit = quoted(self.key);
        let verb = |verb: &str| Some(format!("`systemctl {verb} {unit}`"));
        match (self.item, self.field("enabled"), self.field("active")) {
            (None, ..) => verb("disable --now"),
            (_, Some("masked"), _) => verb("mask --now"),
            (_, Some("enabled"), Some("active")) => {
                verb("unmask").map(|unmask| format!("{unmask}, `systemctl enable --now {unit}`"))
            }
            (_, Some("enabled"), _) => verb("enable"),
            (_, Some("disabled"), _) => verb("disable"),
            (_, _, Some("active")) => verb("start"),
            (_, _, Some("inactive")) => verb("stop"),
            _ => verb("cat").map(|cat| format!("compare its files on both sides: {cat}")),
        }
    }

    fn account(&self, kind: &str, number: &str, option: &str) -> Option<String> {
        let name = quoted(self.key);
        match (self.item, self.field(number)) {
            (None, _) => Some(format!("`{kind}del {name}`")),
            (_, Some(number)) => {
                let number = quoted(number);
                Some(format!(
                    "give it the number in the step that makes it: `{kind}add {option} {number} {name}`, or `{kind}mod {option} {number} {name}` and `chown` for its files"
                ))
            }
            (_, None) => Some(format!("`{kind}mod` in the step that makes {name}")),
        }
    }

    fn file(&self) -> Option<String> {
        let path = quoted(self.key);
        let Some(item) = self.item else { return Some(format!("`rm -r {path}`, and find out what made it")) };
        let get = |name: &str| item.get(name).map(|value| quoted(value));
        if item.get("state").is_some() {
            return Some(format!(
                "install its package anew: `apt-get install --reinstall $(dpkg-query -S {path} | cut -d: -f1)`"
            ));
        }
        let mut commands = Vec::new();
        commands.extend(get("mode").map(|mode| format!("chmod {mode} {path}")));
        commands.extend(get("owner").map(|owner| format!("chown -h {owner} {path}")));
        commands.extend(get("target").map(|target| format!("ln -sfn {target} {path}")));
        let has_content = ["sha256", "keyed", "size", "type"].iter().any(|name| item.contains_key(*name));
        Some(match (has_content, commands.is_empty()) {
            (true, _) => format!("write it by a `file` step of the Envfile: {}", self.key),
            (false, false) => format!("`{}`", commands.join("; ")),
            (false, true) => return None,
        })
    }

    fn host(&self, machine: &str) -> Option<String> {
        let name = self.key.strip_prefix("host ");
        match (name, self.field("value")) {
            (Some(name), Some(address)) => Some(format!(
                "say it in the Envfile, [machine.{machine}]: extra_hosts = {{ {} = {} }}",
                key(name),
                text(address)
            )),
            (Some(name), None) => {
                Some(format!("take {name} out of /etc/hosts, or out of extra_hosts of [machine.{machine}]"))
            }
            (None, Some(servers)) if self.key == "nameserver" => {
                let servers: Vec<String> = servers.split(' ').map(text).collect();
                Some(format!("say it in the Envfile, [machine.{machine}]: dns = [{}]", servers.join(", ")))
            }
            _ => None,
        }
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    shell_words::quote(word).into_owned()
}

/// A string of TOML; JSON writes them alike.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// A key of TOML.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    if is_bare { name.to_owned() } else { text(name) }
}
