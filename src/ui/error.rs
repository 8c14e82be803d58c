//! An error as people read it: what was attempted, why it failed, what to do.

use super::paint::Paint;
use crate::model::Error;

/// `error: …`, the causes below it, the detail as it is, then the hints.
///
/// An error without a message is all detail: the diagnostics of an Envfile, which speak for themselves.
pub fn render(error: &Error, paint: Paint) -> String {
    let mut lines = Vec::new();
    if !error.message.is_empty() {
        lines.push(format!("{} {}", paint.bad("error:"), error.message));
    }
    lines.extend(error.causes.iter().map(|cause| format!("  because {}", indent(cause))));
    if let Some(detail) = &error.detail {
        lines.push(detail.trim_end().to_owned());
    }
    lines.extend(error.hints.iter().map(|hint| format!("{} {hint}", paint.active("hint:"))));
    lines.join("\n")
}

fn indent(text: &str) -> String {
    text.trim_end().replace('\n', "\n          ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_comes_first_and_the_way_out_last() {
        let error = Error::failed("permission denied")
            .context("cannot read ops/base.sh")
            .context("cannot apply step 1 to machine db")
            .detail("  | the last lines\n")
            .hint("make it readable");
        insta::assert_snapshot!(render(&error, Paint::OFF), @r"
        error: cannot apply step 1 to machine db
          because cannot read ops/base.sh
          because permission denied
          | the last lines
        hint: make it readable
        ");
    }

    #[test]
    fn diagnostics_speak_for_themselves() {
        let error = Error::usage("").detail("Envfile:1:1: unknown key `machin`");
        assert_eq!(render(&error, Paint::OFF), "Envfile:1:1: unknown key `machin`");
    }
}
