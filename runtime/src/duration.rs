//! Durations as people write them in flags: `90s`, `1m30s`, `1.5h`, as in Go and in Kubernetes.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a duration that is not negative; a plain `0` needs no unit.
///
/// # Errors
/// What to write instead, without the flag's name and the value: clap adds both.
pub fn parse(text: &str) -> Result<Duration, String> {
    const FORMS: &str = "write a number and a unit, like 90s, 10m or 1h30m";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    // (jiff reads ISO 8601 as well, and words like "5 minutes ago", which nobody would expect here.)
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte.is_ascii_lowercase();
    if !text.starts_with(|first: char| first.is_ascii_digit()) || !text.bytes().all(plain) {
        return Err(FORMS.to_owned());
    }
    let signed: SignedDuration = text.parse().map_err(|_| FORMS.to_owned())?;
    Duration::try_from(signed).map_err(|_| FORMS.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads_is_read() {
        for (text, millis) in
            [("0", 0), ("0s", 0), ("10m", 600_000), ("1m30s", 90_000), ("1.5h", 5_400_000), ("250ms", 250)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "10", "-5s", "ten minutes", "PT10M", "5 m", "5m ago", "1x", "s", "99999999999999999999h"] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("10m"), "{text}: {error}");
        }
    }
}
