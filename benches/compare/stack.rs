//! The stacks that are measured, and how each peer is told of them.

use crate::image::IMAGE;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The port every machine opens.
pub const PORT: u16 = 7000;

/// How long after its start a machine of a chain opens its port, in milliseconds.
const SLOW: u64 = 300;

/// How machines depend on each other and whether anybody waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nobody waits for anything.
    Plain,
    /// Every machine has to be ready; their ports are open at once.
    Healthy,
    /// Every machine needs the one before it to be ready, and takes its time for it.
    Chain,
}

/// One stack.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// Its shape.
    pub shape: Shape,
    /// Number of machines.
    pub machines: usize,
}

impl Stack {
    /// Whether `up` has to wait until machines are ready.
    pub fn waits(self) -> bool {
        self.shape != Shape::Plain
    }

    /// The machines' names, dependencies first.
    pub fn names(self) -> Vec<String> {
        (0..self.machines).map(|number| format!("m{number}")).collect()
    }

    /// The command line of every machine.
    pub fn command(self) -> [String; 3] {
        let delay = if self.shape == Shape::Chain { SLOW } else { 0 };
        ["/machine".to_owned(), delay.to_string(), PORT.to_string()]
    }

    /// The machine that `name` waits for.
    fn needed(self, position: usize) -> Option<String> {
        (self.shape == Shape::Chain && position > 0).then(|| format!("m{}", position - 1))
    }

    /// The stack as an Envfile.
    pub fn envfile(self) -> String {
        let mut text = "name = \"bench\"\n".to_owned();
        let [program, delay, port] = self.command();
        for (position, name) in self.names().iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n[machine.{name}]\nimage = \"{IMAGE}\"\n");
            let _ = writeln!(text, "command = [\"{program}\", \"{delay}\", \"{port}\"]");
            if self.waits() {
                let _ = writeln!(text, "ready = {{ tcp = {PORT} }}");
            }
            if let Some(needed) = self.needed(position) {
                let _ = writeln!(text, "depends_on = {{ {needed} = \"ready\" }}");
            }
        }
        text
    }

    /// The stack for Compose; JSON is YAML. Engines check health at an interval, and for the first time when one has
    /// passed; most people leave it at thirty seconds.
    pub fn compose_file(self, interval: &str) -> Value {
        let mut services = serde_json::Map::new();
        for (position, name) in self.names().iter().enumerate() {
            let mut service = json!({ "image": IMAGE, "command": self.command() });
            if self.waits() {
                let test = ["CMD", "/machine", "probe", &PORT.to_string()];
                service["healthcheck"] =
                    json!({ "test": test, "interval": interval, "timeout": "1s", "retries": 100 });
            }
            if let Some(needed) = self.needed(position) {
                service["depends_on"] = json!({ needed: { "condition": "service_healthy" } });
            }
            services.insert(name.clone(), service);
        }
        json!({ "services": services })
    }
}
