//! Amounts of memory in bytes, as people write and read them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes. Parses `512MiB`, `1.5GiB`, `64k`, `1073741824`; shows the largest exact unit.
///
/// `k`, `m`, `g` alone and `KiB`, `MiB`, `GiB` are powers of 1024 as everywhere in this field; `KB`, `MB`, `GB` are too,
/// because Docker reads them so and a stack must not change its size with the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            "t" | "tb" | "tib" => 1 << 40,
            other => return Err(format!("`{other}` is not a unit of memory (use KiB, MiB, GiB)")),
        };
        let value: f64 = number.parse().map_err(|_| format!("`{text}` is not an amount of memory"))?;
        let bytes = value * factor as f64;
        if bytes.is_finite() && bytes >= 1.0 && bytes < u64::MAX as f64 / 2.0 {
            Ok(Self(bytes as u64))
        } else {
            Err(format!("`{text}` is not a possible amount of memory"))
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, factor) in UNITS {
            if self.0 >= factor && self.0.is_multiple_of(factor) {
                return write!(formatter, "{}{name}", self.0 / factor);
            }
        }
        write!(formatter, "{}B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [("512MiB", 512 << 20), ("64k", 64 << 10), ("1.5g", 3 << 29), ("4096", 4096)] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "many", "12parsecs", "-1m", "0", "1e9GiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn shows_the_largest_exact_unit() {
        assert_eq!(Size(512 << 20).to_string(), "512MiB");
        assert_eq!(Size((1 << 30) + 1).to_string(), "1073741825B");
    }
}
