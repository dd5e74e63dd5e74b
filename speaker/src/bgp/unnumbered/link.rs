//! Who is the router of a link, and what to say there: pure.

use std::net::Ipv6Addr;
use std::time::Duration;

/// The pause between advertisements: what FRR keeps for peers without address.
const INTERVAL: Duration = Duration::from_secs(10);
/// The pause between the first few, and between solicitations.
const FIRST: Duration = Duration::from_secs(1);
/// How many are sent at that pace (RFC 4861 §10: three solicitations).
const FIRST_COUNT: u32 = 3;
/// The least pause between advertisements (RFC 4861 §10: MIN_DELAY_BETWEEN_RAS), also when asked.
const LEAST: Duration = Duration::from_secs(3);
/// A router that was silent for so long makes way for another.
const SILENT: Duration = Duration::from_secs(35);

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// We are here.
    Advertisement,
    /// Who is the router?
    Solicitation,
}

/// One link.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    /// The router, and when it was heard last.
    router: Option<(Ipv6Addr, Duration)>,
    /// When to speak next.
    next: Duration,
    /// How often we have spoken since the link came up.
    said: u32,
    /// When we have advertised last.
    advertised: Option<Duration>,
}

impl Link {
    /// The link is up. Who was the router is so until another is heard.
    pub(super) fn begin(&mut self, now: Duration) {
        *self = Self { router: self.router, next: now, said: 0, advertised: None };
    }

    /// An advertisement was heard. A link has one router: another is listened to when that one has fallen silent.
    pub(super) fn advertised(&mut self, from: Ipv6Addr, now: Duration) {
        if !from.is_unicast_link_local() {
            return;
        }
        match self.router {
            Some((known, heard)) if known != from && now.saturating_sub(heard) < SILENT => {}
            _ => self.router = Some((from, now)),
        }
    }

    /// Somebody asks for routers.
    pub(super) fn solicited(&mut self, now: Duration) {
        let least = self.advertised.map_or(now, |last| last + LEAST);
        self.next = self.next.min(least.max(now));
    }

    /// The router's address.
    pub(super) fn router(&self) -> Option<Ipv6Addr> {
        self.router.map(|(address, _)| address)
    }

    /// When [`due`](Self::due) has something to say next.
    pub(super) fn next_deadline(&self) -> Duration {
        self.next
    }

    /// What is to be said now.
    pub(super) fn due(&mut self, now: Duration) -> Vec<Say> {
        if now < self.next {
            return Vec::new();
        }
        self.said = self.said.saturating_add(1);
        self.advertised = Some(now);
        self.next = now + if self.said < FIRST_COUNT { FIRST } else { INTERVAL };
        match self.router {
            None if self.said <= FIRST_COUNT => vec![Say::Advertisement, Say::Solicitation],
            _ => vec![Say::Advertisement],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn router(last: u16) -> Ipv6Addr {
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last)
    }

    #[test]
    fn a_link_has_one_router_until_it_falls_silent() {
        let mut link = Link::default();
        assert_eq!(link.router(), None);
        link.advertised("2001:db8::1".parse().unwrap(), at(0));
        assert_eq!(link.router(), None, "not of this link");
        link.advertised(router(1), at(1));
        link.advertised(router(2), at(2));
        assert_eq!(link.router(), Some(router(1)));
        link.advertised(router(1), at(20));
        link.advertised(router(2), at(54));
        assert_eq!(link.router(), Some(router(1)), "heard 34 s ago");
        link.begin(at(54));
        assert_eq!(link.router(), Some(router(1)), "nobody else was heard");
        link.advertised(router(2), at(55));
        assert_eq!(link.router(), Some(router(2)));
        link.advertised(router(1), at(56));
        assert_eq!(link.router(), Some(router(2)), "too late");
    }

    #[test]
    fn advertisements_come_fast_first_and_then_slowly_and_solicitations_stop() {
        let mut link = Link::default();
        link.begin(at(100));
        let both = vec![Say::Advertisement, Say::Solicitation];
        for second in [100, 101, 102] {
            assert_eq!(link.next_deadline(), at(second));
            assert_eq!(link.due(at(second)), both);
            assert_eq!(link.due(at(second)), []);
        }
        assert_eq!(link.next_deadline(), at(112));
        assert_eq!(link.due(at(112)), [Say::Advertisement]);
        assert_eq!(link.next_deadline(), at(122));
        link.begin(at(200));
        link.advertised(router(1), at(200));
        assert_eq!(link.due(at(200)), [Say::Advertisement], "it is known");
    }

    #[test]
    fn who_asks_is_answered_but_not_in_a_loop() {
        let mut link = Link::default();
        link.begin(at(0));
        for second in 0..3 {
            link.due(at(second));
        }
        link.solicited(at(7));
        assert_eq!(link.next_deadline(), at(7));
        link.due(at(7));
        for _ in 0..1000 {
            link.solicited(at(7));
        }
        assert_eq!(link.next_deadline(), at(10));
    }
}
