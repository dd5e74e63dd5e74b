//! Clients that measure what a user of an address notices.
//!
//! | probe | asks | tells |
//! |---|---|---|
//! | [`neighbor`] | "who has this address?" by ARP or neighbour solicitation, like a client that comes along just then | who answered, longest silence, two owners |
//! | [`newcomer`] | the same of the kernel: forgets the neighbour, connects, until it can | the longest wait of a new client |
//! | [`connect`] | a new TCP connection every 2 ms | longest silence, sent, lost |
//! | [`stream`] | requests over connections that stay open | survived, reset or stalled |
//! | [`http`] | one page, like `curl` | which pod answered, from which node |
//! | [`spread`] | many pages, each over a connection of its own | how many each node served |
//!
//! Probes run on threads of their own inside a client's namespace, and end
//! when they are dropped.

pub mod connect;
pub mod http;
pub mod neighbor;
pub mod newcomer;
pub mod spread;
pub mod stream;

pub use connect::ConnectProbe;
pub use neighbor::NeighborProbe;
pub use newcomer::NewcomerProbe;
pub use spread::spread;
pub use stream::StreamProbe;

use std::time::{Duration, Instant};

/// Ticks at a steady pace that a late wake-up does not shift.
#[derive(Debug)]
struct Pace {
    every: Duration,
    next: Instant,
}

impl Pace {
    fn start(every: Duration, now: Instant) -> Self {
        Self { every, next: now }
    }

    /// Whether a tick is due. Ticks missed by a whole period are skipped: a
    /// burst would not be what a client does.
    fn due(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        self.next += self.every;
        if self.next < now {
            self.next = now + self.every;
        }
        true
    }

    /// Time left until the next tick, in whole milliseconds, rounded up.
    fn wait(&self, now: Instant) -> u16 {
        let left = self.next.saturating_duration_since(now);
        u16::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_keeps_its_beat_and_never_bursts() {
        let start = crate::clock::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::start(Duration::from_millis(10), start);
        assert!(pace.due(at(0)));
        assert!(!pace.due(at(9)));
        assert_eq!(pace.wait(at(9)), 1);
        assert!(pace.due(at(12)), "late");
        assert!(pace.due(at(20)), "but the beat stays");
        assert!(pace.due(at(100)), "after a long pause");
        assert!(!pace.due(at(100)), "one tick, not seven");
    }
}
