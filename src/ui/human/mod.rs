//! Results as people read them: calm, aligned, readable without colour and at 80 columns.

mod drift;
mod explain;
mod layers;
mod list;
mod matrix;
mod plan;
mod shorten;
mod snapshots;
mod status;
mod summary;
mod table;

pub use drift::{Drift, drift, machine_drift};
pub use explain::{explained, explanation};
pub use layers::layers;
pub use list::list;
pub use matrix::matrix;
pub use plan::plan;
pub use shorten::truncate;
pub use snapshots::snapshots;
pub use status::status;
pub use summary::{Summary, not_up, up};
pub use table::Table;

/// An amount of data: `6.0 MiB`.
pub fn bytes(amount: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if amount < 1024 {
        return format!("{amount} B");
    }
    let mut value = amount as f64;
    let mut unit = "";
    for name in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = name;
    }
    format!("{value:.1} {unit}")
}

/// What a terminal would show of a line in the end: without what a later part wrote over, without control codes.
pub fn settled(text: &str) -> String {
    let last = text.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    let mut settled = String::with_capacity(last.len());
    let mut characters = last.chars();
    while let Some(character) = characters.next() {
        match character {
            // An escape sequence ends with a letter, or is one character long.
            '\u{1b}' if characters.next() == Some('[') => {
                characters.by_ref().find(|c| ('@'..='~').contains(c));
            }
            '\u{1b}' => {}
            '\t' => settled.push(' '),
            c if c.is_control() => {}
            c => settled.push(c),
        }
    }
    settled
}

/// The first line of a text.
pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// `1 machine`, `2 machines`.
pub fn count(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_unit_that_fits() {
        assert_eq!(
            [0, 1023, 1024, 6 << 20, 3 << 29].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "6.0 MiB", "1.5 GiB"]
        );
    }

    #[test]
    fn a_line_is_shown_as_a_terminal_leaves_it() {
        assert_eq!(settled("10%\r50%\r100% \u{1b}[1;32mdone\u{1b}[0m\u{1b}=\u{7}"), "100% done");
        assert_eq!(settled("ends so\r"), "ends so");
        assert_eq!(settled("\u{1b}["), "");
    }
}
