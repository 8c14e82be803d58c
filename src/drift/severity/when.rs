//! In which cases a line of the severity table holds: a condition on one field, before and after.

use super::super::difference::DifferenceKind;
use super::super::version::release;

/// A condition. Each is symmetric but for what its name says of the side after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In every case.
    Always,
    /// The item is only there before.
    Missing,
    /// The item is only there after.
    Extra,
    /// The first numbers of a version, this many, differ, or its epoch.
    Release(usize),
    /// A number is lower after; of several, any.
    Lowered,
    /// Something of a list, with commas or blanks, is not there after.
    Shortened,
    /// Either side has this value.
    Is(&'static str),
    /// A file that runs with the rights of its owner or group, on one side.
    SetId,
}

impl When {
    /// Whether it holds for a field of an item.
    pub fn holds(self, kind: DifferenceKind, before: Option<&str>, after: Option<&str>) -> bool {
        let both = before.zip(after);
        match self {
            Self::Always => true,
            Self::Missing => kind == DifferenceKind::Missing,
            Self::Extra => kind == DifferenceKind::Extra,
            Self::Release(numbers) => both.is_some_and(|(a, b)| release(a, numbers) != release(b, numbers)),
            Self::Lowered => both.is_some_and(|(a, b)| is_lowered(a, b)),
            Self::Shortened => {
                let of = |text: &'_ str| -> Vec<String> {
                    text.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
                };
                let left = of(after.unwrap_or_default());
                of(before.unwrap_or_default()).iter().any(|part| !left.contains(part))
            }
            Self::Is(value) => before == Some(value) || after == Some(value),
            Self::SetId => set_id(before) != set_id(after),
        }
    }

    /// As the documentation words it.
    #[cfg(test)]
    pub fn words(self) -> String {
        match self {
            Self::Always => "any difference".to_owned(),
            Self::Missing => "missing".to_owned(),
            Self::Extra => "extra".to_owned(),
            Self::Release(1) => "another first number".to_owned(),
            Self::Release(numbers) => format!("the first {numbers} numbers differ"),
            Self::Lowered => "lower than before".to_owned(),
            Self::Shortened => "something is no longer in it".to_owned(),
            Self::Is(value) => format!("`{value}` on one side"),
            Self::SetId => "setuid or setgid on one side".to_owned(),
        }
    }
}

/// Whether a number, or one of several with blanks between them, is lower; `unlimited` is above all.
fn is_lowered(before: &str, after: &str) -> bool {
    let number = |text: &str| match text {
        "unlimited" | "infinity" => Some(i128::MAX),
        text => text.parse::<i128>().ok(),
    };
    let pairs = before.split_whitespace().zip(after.split_whitespace());
    pairs.into_iter().any(|(a, b)| number(a).zip(number(b)).is_some_and(|(a, b)| b < a))
}

/// The setuid and setgid bits of a mode of four octal digits.
fn set_id(mode: Option<&str>) -> u32 {
    mode.and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or_default() & 0o6000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_look_at_both_sides() {
        let holds = |when: When, a: &str, b: &str| when.holds(DifferenceKind::Changed, Some(a), Some(b));
        for (when, a, b) in [
            (When::Release(1), "3.0.11-1", "4.0-1"),
            (When::Release(1), "1:3.0", "2:3.0"),
            (When::Release(2), "glibc 2.28-10", "glibc 2.36-9"),
            (When::Lowered, "unlimited", "1024"),
            (When::Lowered, "4096 131072 6291456", "4096 1024 6291456"),
            (When::Shortened, "C.UTF-8,en_US.UTF-8", "C.UTF-8"),
            (When::Is("masked"), "enabled", "masked"),
            (When::SetId, "0755", "4755"),
        ] {
            assert!(holds(when, a, b), "{when:?} {a} {b}");
        }
        for (when, a, b) in [
            (When::Release(1), "3.0.11-1~deb12u2", "3.1"),
            (When::Release(2), "glibc 2.36-9+deb12u3", "glibc 2.36-9+deb12u10"),
            (When::Lowered, "1024", "unlimited"),
            (When::Lowered, "a", "b"),
            (When::Shortened, "a", "b a"),
            (When::SetId, "4755", "4711"),
        ] {
            assert!(!holds(when, a, b), "{when:?} {a} {b}");
        }
    }
}
