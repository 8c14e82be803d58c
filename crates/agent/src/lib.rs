//! What `env` and its agent say to each other, and the ledger both of them read.
//!
//! `env` starts `envup-agent` inside a machine and writes one [`Call`] as one line of JSON to its standard input: never to
//! its arguments, which every process of the machine can read. The agent answers with [`Line`]s of JSON on standard output;
//! the last one is always [`Line::Result`]. Closing standard input, or killing the agent, cancels no step: it goes on and is
//! recorded. [`Request::Cancel`] ends it.
//!
//! Only plain data lives here, and what both sides must judge alike; the work is done by the binary of this package.

mod fingerprint;
mod ledger;
mod own;
mod probe;
mod search;
mod secret;
mod step;

pub use fingerprint::{
    Cache, CacheIndex, CachedDirectory, CachedFile, CachedName, Content, Damage, Fingerprint,
    FingerprintReply, FingerprintRequest, Item, Items, Level, Part, SCHEMA, Section, Stamp, Unread, spelled,
};
pub use ledger::{Ledger, LedgerReply, LedgerStatus, RecordRequest, Running, StepEntry};
pub use own::{OwnReply, OwnRequest};
pub use probe::{ProbeReply, ProbeRequest, Requirement, Unmet};
pub use search::{SearchReply, SearchRequest};
pub use secret::{is_like, is_public_variable, looks_secret, names_secret_variable};
pub use step::{ExitCodes, OnBusy, Run, Script, StepReply, StepRequest, StepStatus};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of this protocol. The agent refuses every other one, because `env` always brings its own agent along.
pub const PROTOCOL: u32 = 1;

/// Where the agent keeps ledger, lock and logs, in order of preference. The second serves a read-only root file system.
pub const STATE_DIRS: [&str; 2] = ["/var/lib/envup", "/run/envup-state"];

/// One line of standard input: everything the agent needs to know.
// No `Debug` here and in `Request`: environment and scripts may hold secrets, and a log line is written quickly.
#[derive(Clone, Serialize, Deserialize)]
pub struct Call {
    /// Always [`PROTOCOL`].
    pub version: u32,
    /// Use this directory for the state instead of the first usable one of [`STATE_DIRS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<String>,
    /// Give up when standard input ends: the caller holds it open for as long as it waits. For work that changes nothing and
    /// may take long, [`Request::Probe`] and [`Request::Fingerprint`]; everything else is carried out whoever waits.
    #[serde(default)]
    pub ends_with_input: bool,
    /// What is to be done.
    #[serde(flatten)]
    pub request: Request,
}

impl Call {
    /// A call of this protocol version that uses the default state directory and does not end with its input.
    pub fn new(request: Request) -> Call {
        Call { version: PROTOCOL, state_dir: None, ends_with_input: false, request }
    }
}

/// What the agent can do.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Carry one step out, under the machine's lock. Answers [`Reply::Step`].
    Step(StepRequest),
    /// Change the ledger for what the host did itself. Answers [`Reply::Ledger`].
    Record(RecordRequest),
    /// Read the ledger; changes nothing in the machine. Answers [`Reply::Ledger`].
    Ledger,
    /// End the running step, if there is one, and wait until it is gone. Answers [`Reply::Cancelled`].
    Cancel {
        /// How long the step may take to end by itself before it is killed.
        #[serde(default = "default_grace")]
        grace_ms: u64,
    },
    /// Wait until everything that is required is there. Answers [`Reply::Probe`].
    Probe(ProbeRequest),
    /// Give the machine these environment variables, for logins and for services; earlier ones of ours are replaced.
    /// Answers [`Reply::Environment`].
    Environment {
        /// The whole set: what is not in it is taken away again.
        variables: BTreeMap<String, String>,
    },
    /// Hand what root made in a folder of the host to the folder's owner. Answers [`Reply::Own`].
    Own(OwnRequest),
    /// Take the machine's fingerprint; changes nothing in the machine. Sends its bytes as [`Line::Data`], then answers
    /// [`Reply::Fingerprint`].
    Fingerprint(FingerprintRequest),
    /// Look for secrets on the machine's disk; changes nothing in the machine. Answers [`Reply::Search`].
    Search(SearchRequest),
    /// Which agent is this? Answers [`Reply::Version`].
    Version,
}

/// One line of standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Some output of the step, standard output and error together; not cut at line ends.
    Output(String),
    /// Another step holds the machine's lock; its output follows.
    Waiting {
        /// The name of the other step.
        step: String,
        /// For how long it has been running.
        seconds: f64,
    },
    /// Some bytes of an answer that is too large for one line, in base64.
    Data {
        /// What they belong to.
        part: Part,
        /// The bytes.
        bytes: String,
    },
    /// Why a requirement is not met yet; sent when the reason changes.
    Probe(Unmet),
    /// The answer; the last line.
    Result(Reply),
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The step ended, well or not.
    Step(StepReply),
    /// The ledger as it is now.
    Ledger(LedgerReply),
    /// No step is running any more.
    Cancelled {
        /// The name of the step that was ended; none if none was running.
        step: Option<String>,
    },
    /// All requirements were met, or time ran out.
    Probe(ProbeReply),
    /// The environment variables are in place.
    Environment {
        /// Whether anything had to be changed; services started before keep what they had until they are restarted.
        changed: bool,
    },
    /// The folder was gone through.
    Own(OwnReply),
    /// The fingerprint was taken; its bytes came before.
    Fingerprint(FingerprintReply),
    /// The disk was searched.
    Search(SearchReply),
    /// Who answers.
    Version {
        /// The version of the package.
        version: String,
        /// The version of the protocol.
        protocol: u32,
    },
    /// The request could not be carried out at all.
    Error {
        /// What was attempted, and why it failed.
        message: String,
        /// What can be done about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

fn default_grace() -> u64 {
    10_000
}
