//! A node that is drained says so to its routers before it withdraws its routes.
//!
//! ```text
//!  Running ── draining, excluded or stopping ─► Announcing shutdown ── time over ─► Withdrawn
//!     ▲                                         (GRACEFUL_SHUTDOWN,                     │
//!     └─────────────── not any more ─────────────  RFC 8326)  ◄─────────────────────────┘
//! ```
//!
//! Meanwhile routers that heed the community prefer other nodes, and what is on its way still arrives.

use std::time::Duration;

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Drain {
    /// The node stays.
    #[default]
    Running,
    /// It is going to withdraw its routes, and says so.
    Announced {
        /// When it does.
        ends: Duration,
    },
    /// It has no routes.
    Withdrawn,
}

impl Drain {
    /// The node is `leaving` or not; `time` is how long its routers are told before, of which nothing is needed if nothing
    /// was announced. True if that changes what is to be said of the routes.
    pub(super) fn turn(&mut self, leaving: bool, announces: bool, time: Duration, now: Duration) -> bool {
        let next = match (leaving, *self) {
            (false, _) => Self::Running,
            (true, Self::Running) if announces && !time.is_zero() => Self::Announced { ends: now.saturating_add(time) },
            (true, Self::Announced { ends }) if now < ends => Self::Announced { ends },
            (true, _) => Self::Withdrawn,
        };
        let changed = next != *self;
        *self = next;
        changed
    }

    /// When [`turn`](Self::turn) changes something by itself.
    pub(super) fn deadline(self) -> Option<Duration> {
        match self {
            Self::Announced { ends } => Some(ends),
            Self::Running | Self::Withdrawn => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn routers_are_told_before_routes_go() {
        let mut drain = Drain::default();
        assert!(!drain.turn(false, true, TIME, at(1)));
        assert!(drain.turn(true, true, TIME, at(2)));
        assert_eq!(drain.deadline(), Some(at(7)));
        assert!(!drain.turn(true, true, TIME, at(6)));
        assert!(drain.turn(true, true, TIME, at(7)));
        assert_eq!(drain, Drain::Withdrawn);
        assert!(!drain.turn(true, false, TIME, at(8)));
        assert!(drain.turn(false, false, TIME, at(9)), "it stays after all");
        assert_eq!(drain, Drain::Running);
    }

    #[test]
    fn nobody_waits_for_nothing() {
        for (announces, time) in [(false, TIME), (true, Duration::ZERO)] {
            let mut drain = Drain::default();
            assert!(drain.turn(true, announces, time, at(1)));
            assert_eq!(drain, Drain::Withdrawn);
        }
    }

    #[test]
    fn who_stays_after_all_is_told_at_once() {
        let mut drain = Drain::default();
        drain.turn(true, true, TIME, at(1));
        assert!(drain.turn(false, true, TIME, at(2)));
        assert!(drain.turn(true, true, TIME, at(3)));
        assert_eq!(drain.deadline(), Some(at(8)), "from the beginning");
    }
}
