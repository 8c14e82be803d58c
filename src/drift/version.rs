//! Versions of packages: their order as dpkg defines it (deb-version(7)), and their leading numbers.
//!
//! Versions of other managers are ordered by the same rules, which agree with theirs for plain dotted numbers.

use std::cmp::Ordering;

/// The order of two versions: epoch, upstream version, revision.
pub fn order(one: &str, other: &str) -> Ordering {
    let ((epoch, upstream, revision), (other_epoch, other_upstream, other_revision)) =
        (parts(one), parts(other));
    let epochs = digits(epoch, other_epoch);
    epochs.then_with(|| text(upstream, other_upstream)).then_with(|| text(revision, other_revision))
}

/// A version up to its number of this place: `2` of `1:9.2p1-3` is `1:9.2`. Names before the first number count as part of it.
pub fn release(version: &str, numbers: usize) -> &str {
    let start = version.find(':').map_or(0, |colon| colon + 1);
    let (mut seen, mut in_number) = (0, false);
    for (place, letter) in version.char_indices().skip_while(|(place, _)| *place < start) {
        let is_digit = letter.is_ascii_digit();
        if in_number && !is_digit && (seen == numbers || !matches!(letter, '.' | '_')) {
            return &version[..place];
        }
        seen += usize::from(is_digit && !in_number);
        in_number = is_digit;
    }
    version
}

/// Epoch, upstream version, revision.
fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    (epoch, upstream, revision)
}

/// Alternately what is no digit, letters before all else and `~` before the end, and numbers.
fn text(mut one: &str, mut other: &str) -> Ordering {
    while !one.is_empty() || !other.is_empty() {
        let (word, rest) = split(one, |byte| !byte.is_ascii_digit());
        let (other_word, other_rest) = split(other, |byte| !byte.is_ascii_digit());
        let (number, left) = split(rest, |byte| byte.is_ascii_digit());
        let (other_number, other_left) = split(other_rest, |byte| byte.is_ascii_digit());
        let ordering = words(word, other_word).then_with(|| digits(number, other_number));
        if ordering != Ordering::Equal {
            return ordering;
        }
        (one, other) = (left, other_left);
    }
    Ordering::Equal
}

fn split(text: &str, belongs: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn words(one: &str, other: &str) -> Ordering {
    let rank = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(sign) => i32::from(sign) + 256,
    };
    let longest = one.len().max(other.len());
    let byte = |text: &str, place: usize| rank(text.as_bytes().get(place).copied());
    (0..longest)
        .map(|place| byte(one, place).cmp(&byte(other, place)))
        .find(|o| o.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Numbers of any length; none is zero.
fn digits(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each below the next; checked against `dpkg --compare-versions`.
    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        let ascending = [
            "0~~",
            "0~~a",
            "0~",
            "0",
            "0.0",
            "0.9",
            "0.10",
            "1.0~beta1~svn1245",
            "1.0~beta1",
            "1.0",
            "1.0-1",
            "1.0-1+deb12u2",
            "1.0-1+deb12u10",
            "1.0a",
            "1.0+b1",
            "1.0.1",
            "1.2.3-4ubuntu5",
            "1.10",
            "20240203",
            "1:0.1",
            "2:0.0~",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(order(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (one, other) in [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.00", "1.0"), ("1.0", "1.0")] {
            assert_eq!(order(one, other), Ordering::Equal, "{one} {other}");
        }
        assert_eq!(order("1.é", "1.é"), Ordering::Equal);
    }

    #[test]
    fn a_release_is_made_of_the_leading_numbers() {
        for (version, numbers, expected) in [
            ("3.0.11-1~deb12u2", 1, "3"),
            ("3.0.11-1~deb12u2", 2, "3.0"),
            ("1:9.2p1-2", 2, "1:9.2"),
            ("glibc 2.36-9+deb12u3", 2, "glibc 2.36"),
            ("v20.1.0", 1, "v20"),
            ("7-1", 2, "7"),
            ("musl", 2, "musl"),
        ] {
            assert_eq!(release(version, numbers), expected, "{version}");
        }
    }
}
