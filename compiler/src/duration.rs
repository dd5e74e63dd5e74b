//! Durations as Go writes them: `90s`, `1m30s`, `1.5h`, or a plain `0`.

use std::time::Duration;

/// Units with their nanoseconds; what another one begins with comes later.
const UNITS: [(&str, u128); 7] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];
/// Digits before a decimal point, and after it.
const WHOLE_MAX: usize = 12;
const FRACTION_MAX: usize = 9;

/// Reads a duration without a sign. `None` if it is none; what is longer than time itself is as long as possible.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut sum: u128 = 0;
    while !rest.is_empty() || text.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() || whole.len() > WHOLE_MAX || fraction.len() > FRACTION_MAX {
            return None;
        }
        let (unit, after) = UNITS.iter().find_map(|(name, unit)| Some((unit, after.strip_prefix(name)?)))?;
        let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        let parts: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        let whole: u128 = whole.parse().ok()?;
        sum = sum.saturating_add(whole.saturating_mul(*unit)).saturating_add(parts * unit / scale);
        rest = after;
    }
    let seconds = u64::try_from(sum / 1_000_000_000).unwrap_or(u64::MAX);
    let nanoseconds = u32::try_from(sum % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, nanoseconds))
}

/// The digits that `text` begins with, and the rest.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_writes() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("90s", 90_000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("1.s", 1_000),
            ("250ms", 250),
            ("1500us", 1),
            ("2000µs", 2),
            ("1h0m0.5s", 3_600_500),
        ] {
            assert_eq!(parse(text).map(|duration| duration.as_millis()), Some(milliseconds), "{text}");
        }
        assert_eq!(parse("999999999999h").map(|long| long.as_secs()), Some(999_999_999_999 * 3600));
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "90", "-90s", "+1s", "s", ".5s", "1", "1d", "1s ", " 1s", "1 s", "1ss", "0x1s", "1s1", "1e3s"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"9".repeat(13)), None);
        assert_eq!(parse(&format!("{}s", "9".repeat(13))), None);
        assert_eq!(parse("1.0000000000s"), None);
    }
}
