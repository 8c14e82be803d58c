//! Lengths of time as an Envfile writes them: `500ms`, `10s`, `2m`, `1h30m`.

use std::time::Duration;

/// Reads a length of time; the error says what was wrong.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a length of time (use 500ms, 10s, 2m, 1h30m)");
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let value: f64 = rest[..end].parse().map_err(|_| wrong())?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match rest[..end].trim() {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(wrong()),
        };
        total += Duration::try_from_secs_f64(value * seconds).map_err(|_| wrong())?;
        rest = &rest[end..];
    }
    Ok(total)
}

/// Shows a length of time for people: `80ms`, `4.1s`, `2m05s`, `3h10m`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration < Duration::from_millis(100) {
        format!("{}ms", duration.as_millis())
    } else if seconds < 60 {
        format!("{:.1}s", duration.as_secs_f64())
    } else if seconds < 3600 {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60)
    }
}

/// How long ago something was, for people: `40 seconds`, `3 hours`, `12 days`.
pub fn age(seconds: u64) -> String {
    let (amount, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{amount} {unit}{}", if amount == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sums_of_units() {
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        for text in ["", "10", "s", "1y", "ten", "-1s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_has_one_unit() {
        let shown = [1, 119, 120, 7200, 259_200].map(age);
        assert_eq!(shown, ["1 second", "119 seconds", "2 minutes", "2 hours", "3 days"]);
    }

    #[test]
    fn shows_what_people_read() {
        let shown = [80, 4100, 125_000, 11_400_000].map(|ms| human(Duration::from_millis(ms)));
        assert_eq!(shown, ["80ms", "4.1s", "2m05s", "3h10m"]);
    }
}
