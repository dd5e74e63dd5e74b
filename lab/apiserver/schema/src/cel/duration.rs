//! Go's duration syntax, as `format: duration` and CEL's `duration()` take it.

/// Nanoseconds per unit. Two-letter units stand before the one-letter ones they begin with.
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses `1h30m`, `-1.5s`, `250ms` or `0`; `None` if it is none of those or too long for 64 bits
/// of nanoseconds (292 years).
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, tail) = rest.split_at(digits);
        let (fraction, tail) = match tail.strip_prefix('.') {
            Some(tail) => tail.split_at(tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len())),
            None => ("", tail),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, scale) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(*scale)?)?.checked_add(fraction_of(fraction, *scale))?;
        rest = &tail[unit.len()..];
    }
    if negative { total.checked_neg() } else { Some(total) }
}

/// `0.FRACTION * scale`, cut to whole nanoseconds.
fn fraction_of(fraction: &str, scale: i64) -> i64 {
    let mut share = scale;
    let mut sum = 0;
    for digit in fraction.bytes() {
        // Integer steps lose at most one nanosecond per digit, and scales are powers of ten times 36.
        sum += i64::from(digit - b'0') * share / 10;
        share /= 10;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_go_reads() {
        for (text, nanos) in [
            ("0", 0),
            ("1h30m", 5_400_000_000_000),
            ("-1.5s", -1_500_000_000),
            ("250ms", 250_000_000),
            ("1us", 1_000),
            ("1\u{b5}s", 1_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in ["", "-", "1", "s", ".s", "1d", "1h 30m", "99999999h", "h1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
