//! Wrong command lines, and help and version, which the parser reports the same way.

use crate::ui::exit;
use crate::ui::printer::Printer;
use clap::error::ErrorKind;

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
