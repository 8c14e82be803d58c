//! Wrong command lines, and help and version, which the parser reports the same way.

use crate::ui::exit;
use crate::ui::printer::Printer;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What people who come from other tools call our verbs.
const ELSEWHERE: [(&str, &str); 10] = [
    ("down", "destroy"),
    ("global-status", "list"),
    ("halt", "stop"),
    ("init", "new"),
    ("ps", "status"),
    ("reload", "restart"),
    ("rm", "destroy"),
    ("ssh", "shell"),
    ("suspend", "stop"),
    ("upload", "copy"),
];

/// Our verb for what another tool calls so.
pub fn ours(word: &str) -> Option<&'static str> {
    ELSEWHERE.iter().find_map(|(theirs, ours)| (*theirs == word).then_some(*ours))
}

/// The same error, with our verb where it is known by another name.
pub fn with_our_verb(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && let Some(verb) = ours(word)
    {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![verb.to_owned()]));
    }
    error
}

/// Prints what the parser has to say, and gives the exit code.
pub fn report(error: &clap::Error, printer: &Printer) -> u8 {
    let text = error.render();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let text = if printer.paint().on { text.ansi().to_string() } else { text.to_string() };
        printer.result(&text);
        return exit::DONE;
    }
    let text = if printer.paint_notes().on { text.ansi().to_string() } else { text.to_string() };
    // The house's word for a way out.
    printer.error(&text.replace("tip:", "hint:"));
    exit::USAGE
}
