//! Ages: `4d3h`, as people read them.

use jiff::Timestamp;

/// The time from `start` to `now` (both RFC 3339) in at most two units.
pub(super) fn between(start: &str, now: &str) -> String {
    match (start.parse::<Timestamp>(), now.parse::<Timestamp>()) {
        (Ok(start), Ok(now)) => human(now.as_second() - start.as_second()),
        _ => "<unknown>".to_owned(),
    }
}

/// A duration in seconds, coarser the longer it is.
fn human(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |large: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{small_unit}"),
    };
    match () {
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 0 => "0s".to_owned(),
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => pair(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => pair(days, "d", hours % 24, "h"),
        () if days < 730 => format!("{days}d"),
        () if days < 2920 => pair(days / 365, "y", days % 365, "d"),
        () => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_get_coarser() {
        let (minute, hour, day) = (60, 3600, 86_400);
        for (seconds, text) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (119, "119s"),
            (2 * minute, "2m"),
            (9 * minute + 59, "9m59s"),
            (179 * minute, "179m"),
            (3 * hour, "3h"),
            (7 * hour + 59 * minute, "7h59m"),
            (47 * hour, "47h"),
            (2 * day, "2d"),
            (7 * day + 3 * hour, "7d3h"),
            (729 * day, "729d"),
            (3 * 365 * day + 5 * day, "3y5d"),
            (9 * 365 * day, "9y"),
        ] {
            assert_eq!(human(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn a_time_that_is_none_is_unknown() {
        assert_eq!(between("", "2026-01-01T00:00:00Z"), "<unknown>");
        assert_eq!(between("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:07Z"), "7s");
    }
}
