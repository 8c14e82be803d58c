//! The limits that process 1 has and hands to what it starts, unless a unit or PAM says otherwise.

use super::view::{Found, View};

/// Follows from the memory of the host alone.
const LEFT_OUT: &str = "pending signals";

/// The section `limits`; empty where nothing runs.
pub fn collect(view: &View<'_>, found: &mut Found) {
    if view.is_live() {
        let text = view.text("/proc/1/limits", found).unwrap_or_default();
        limits(&text, found);
    }
}

/// Lines such as `Max open files            1024                 1048576              files`.
fn limits(text: &str, found: &mut Found) {
    for line in text.lines() {
        let Some(line) = line.strip_prefix("Max ") else { continue };
        let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
        let (Some(name), Some(soft), Some(hard)) = (columns.next(), columns.next(), columns.next()) else {
            continue;
        };
        if name != LEFT_OUT {
            found.item(name, [("soft", Some(soft)), ("hard", Some(hard))]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::odd;
    use super::*;

    const TEXT: &str = "Limit                     Soft Limit           Hard Limit           Units     \n\
        Max cpu time              unlimited            unlimited            seconds   \n\
        Max open files            1024                 1048576              files     \n\
        Max pending signals       28909                28909                signals   \n\
        Max nice priority         0                    0                    \n";

    #[test]
    fn limits_are_told_with_both_values() {
        let mut found = Found::default();
        limits(TEXT, &mut found);
        let items = found.into_items();
        assert_eq!(items.keys().collect::<Vec<_>>(), ["cpu time", "nice priority", "open files"]);
        assert_eq!(
            items["open files"],
            [("soft".to_owned(), "1024".to_owned()), ("hard".to_owned(), "1048576".to_owned())].into()
        );
    }

    #[test]
    fn odd_lines_do_no_harm() {
        odd(TEXT.as_bytes())
            .for_each(|bytes| limits(&String::from_utf8_lossy(&bytes), &mut Found::default()));
    }
}
