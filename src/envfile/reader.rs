//! What all tables and values of one Envfile share: the text, the variables, and everything that is wrong so far.
//!
//! Reading goes on after a finding, so that several are told at once. [`Table`] and `Value` walk the parsed TOML; what the
//! keys mean is known to none of the three.

use super::dotenv;
use super::keys::{KeyDoc, Keys};
use super::source::{Diagnostic, Source, Span};
use super::table::Table;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml::de::DeTable;

/// Where variables come from, strongest first.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// `${environment}` and `${project}`.
    pub ours: BTreeMap<&'static str, String>,
    /// The Envfile's `variables`.
    pub declared: BTreeMap<String, String>,
    /// The host's environment over `.env`.
    pub host: BTreeMap<String, String>,
}

impl Scope {
    /// The value of a variable from the strongest source that has it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.ours
            .get(name)
            .or_else(|| self.declared.get(name))
            .or_else(|| self.host.get(name))
            .map(String::as_str)
    }
}

/// Where in the Envfile things stand: path such as `machine.web.depends_on.db` to span.
pub(super) type Spans = BTreeMap<String, Span>;

/// What all tables and values of one Envfile share.
#[derive(Debug)]
pub(super) struct Reader {
    /// The Envfile.
    pub source: Rc<Source>,
    /// Its directory; absolute, without symbolic links.
    pub directory: PathBuf,
    /// What is wrong so far.
    pub found: RefCell<Vec<Diagnostic>>,
    /// What is doubtful so far.
    pub warnings: RefCell<Vec<String>>,
    /// Files read besides the Envfile.
    pub files_read: RefCell<Vec<PathBuf>>,
    /// Where the variables come from.
    pub scope: RefCell<Scope>,
    /// Where everything stood that was asked for.
    pub spans: RefCell<Spans>,
    /// Which keys of which kinds of table were there.
    pub seen: RefCell<BTreeSet<KeyDoc>>,
}

impl Reader {
    /// Notes that something is wrong.
    pub fn refuse(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// A finding at a place of the Envfile, to be refined and given to [`Reader::refuse`].
    pub fn at(&self, span: &Span, message: impl AsRef<str>) -> Diagnostic {
        Diagnostic::new(&self.source, span.clone(), message)
    }

    /// The top of the Envfile.
    pub fn top<'a>(&'a self, map: &'a DeTable<'a>, keys: Keys) -> Table<'a> {
        let place = Rc::from("the Envfile");
        let path = String::new();
        Table { reader: self, map, kinds: vec![keys], span: 0..0, path, place, machine: None }.checked()
    }

    /// The variables of a file of `NAME=value` lines.
    pub fn variables_of(&self, path: &Path, shown: &str) -> Result<BTreeMap<String, String>, Option<String>> {
        let text = super::load::read_text(path).map_err(|error| Some(error.to_string()))?;
        self.files_read.borrow_mut().push(path.to_owned());
        dotenv::parse(&Rc::new(Source { name: shown.to_owned(), text })).map_err(|wrong| {
            self.refuse(wrong);
            None
        })
    }
}
