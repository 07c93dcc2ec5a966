//! Numbers with units, as people write them into a configuration.

use std::time::Duration;

/// A time: numbers with units, such as `90s` or `1h 30m`.
pub fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    if rest == "0" {
        return Some(total);
    }
    while !rest.is_empty() {
        let (number, unit, behind) = quantity(rest)?;
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
        rest = behind;
    }
    Some(total)
}

/// A size in bytes: a number with a unit, such as `512 KiB`.
pub fn size(text: &str) -> Option<u64> {
    if text.trim() == "0" {
        return Some(0);
    }
    let (number, unit, behind) = quantity(text.trim())?;
    let bytes: u64 = match unit {
        "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    // What would not fit a signed number is a slip of the pen.
    behind
        .is_empty()
        .then_some(number.checked_mul(bytes)?)
        .filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// A number, its unit, and what follows.
fn quantity(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|char: char| !char.is_ascii_digit())?;
    let behind = text[digits..].trim_start();
    let unit = behind.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(behind.len());
    Some((text[..digits].parse().ok()?, &behind[..unit], behind[unit..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("1h 30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("0"), Some(Duration::ZERO));
        for wrong in ["", "90", "s", "1 year", "-1s", "99999999999999999999s", "1h30"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("512 KiB"), Some(512 * 1024));
        assert_eq!(size("16MiB"), Some(16 << 20));
        assert_eq!(size("10 kB"), Some(10_000));
        for wrong in ["", "512", "KiB", "1 kb", "1 MiB 2", "99999999 TiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}
