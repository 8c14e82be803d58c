//! What became of each host of a run, from the lines that our callback plugin wrote. Pure.

use serde::Deserialize;
use std::collections::BTreeMap;

/// What became of all hosts; `None` in `hosts` when Ansible ended before it told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// By the inventory's name of the host.
    pub hosts: Option<BTreeMap<String, Counts>>,
    /// Tasks that changed something, in order: host and task.
    pub changed: Vec<(String, Task)>,
    /// Tasks that failed, in order; some of them were rescued.
    pub failed: Vec<(String, Task)>,
}

/// One task on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name, with its role's.
    pub name: String,
    /// `file:line`.
    pub path: String,
    /// The module's own words.
    pub message: String,
    /// Whether the host could not be reached.
    pub unreachable: bool,
}

/// How many tasks ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Done, with or without a change.
    pub ok: u64,
    /// Changed something.
    pub changed: u64,
    /// Failed for good.
    pub failures: u64,
    /// The host could not be reached.
    pub unreachable: u64,
    /// Not for this host.
    pub skipped: u64,
}

/// How it went on one host.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// All that was for it was done; whether something changed.
    Done {
        /// Whether something changed.
        changed: bool,
    },
    /// No play is about it.
    Untouched,
    /// Something failed, with what is known of it.
    Failed(Option<Task>),
}

#[derive(Deserialize)]
struct Line {
    event: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    task: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    hosts: BTreeMap<String, Counts>,
}

impl Results {
    /// From the plugin's lines; one that was cut short by the end of Ansible is left out.
    pub fn read(text: &str) -> Self {
        let mut results = Self::default();
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            let unreachable = line.event == "unreachable";
            let task = Task { name: line.task, path: line.path, message: line.message, unreachable };
            match line.event.as_str() {
                "changed" => results.changed.push((line.host, task)),
                "failed" | "unreachable" => results.failed.push((line.host, task)),
                "stats" => results.hosts = Some(line.hosts),
                _ => {}
            }
        }
        results
    }

    /// How it went on one host.
    pub fn fate(&self, host: &str) -> Fate {
        let last =
            || self.failed.iter().rev().find(|(failed, _)| failed == host).map(|(_, task)| task.clone());
        match self.hosts.as_ref().and_then(|hosts| hosts.get(host)) {
            Some(counts) if counts.failures + counts.unreachable > 0 => Fate::Failed(last()),
            Some(counts) => Fate::Done { changed: counts.changed > 0 },
            None if self.hosts.is_some() => Fate::Untouched,
            // Ansible ended before its end: what failed last is why, if anything did.
            None => Fate::Failed(last()),
        }
    }

    /// What was changed on one host, for people.
    pub fn changes(&self, host: &str) -> Vec<String> {
        let of_host = self.changed.iter().filter(|(changed, _)| changed == host);
        of_host.map(|(_, task)| format!("{} ({})", task.name, task.path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"
{"event": "changed", "host": "db1", "task": "postgresql : install", "path": "/ops/roles/postgresql/tasks/main.yml:3"}
{"event": "failed", "host": "db1", "task": "probe", "path": "/ops/site.yml:9", "message": "rescued later"}
{"event": "failed", "host": "web1", "task": "start", "path": "/ops/site.yml:14", "message": "no such service"}
{"event": "unreachable", "host": "web2", "task": "Gathering Facts", "path": "/ops/site.yml:2", "message": "not running"}
"#;

    const STATS: &str = r#"{"event": "stats", "hosts": {
        "db1": {"ok": 3, "changed": 1, "failures": 0, "unreachable": 0, "skipped": 0, "rescued": 1},
        "db2": {"ok": 3, "changed": 0, "failures": 0, "unreachable": 0, "skipped": 0},
        "web1": {"ok": 1, "changed": 0, "failures": 1, "unreachable": 0, "skipped": 0},
        "web2": {"ok": 0, "changed": 0, "failures": 0, "unreachable": 1, "skipped": 0}}}"#;

    #[test]
    fn the_last_word_of_each_host_counts() {
        let results = Results::read(&format!("{LINES}{}\n{{\"event\": \"cut", STATS.replace('\n', " ")));
        assert_eq!(results.fate("db1"), Fate::Done { changed: true }, "what was rescued has not failed");
        assert_eq!(results.fate("db2"), Fate::Done { changed: false });
        assert_eq!(results.fate("db3"), Fate::Untouched);
        let Fate::Failed(Some(task)) = results.fate("web1") else { panic!("{results:?}") };
        assert_eq!((task.path.as_str(), task.unreachable), ("/ops/site.yml:14", false));
        let Fate::Failed(Some(task)) = results.fate("web2") else { panic!("{results:?}") };
        assert!(task.unreachable);
        assert_eq!(results.changes("db1"), ["postgresql : install (/ops/roles/postgresql/tasks/main.yml:3)"]);
    }

    #[test]
    fn without_an_end_nothing_is_done() {
        let results = Results::read(LINES);
        assert_eq!(results.fate("db2"), Fate::Failed(None));
        assert!(matches!(results.fate("web1"), Fate::Failed(Some(_))));
    }
}
