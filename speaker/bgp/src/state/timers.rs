//! Timers: how long, which there are, and what happens when one expires.
//!
//! | timer | runs | for |
//! |---|---|---|
//! | IdleHold | in Idle, after an error | 0, 1, 2, 4, … s, up to 120 s, by failures in a row |
//! | ConnectRetry | in Active | the same, up to `connect_retry` |
//! | ConnectRetry | in Connect | `connect_retry`, between 5 s and 10 s |
//! | DelayOpen | on an accepted connection, before our OPEN | `delay_open` |
//! | Hold | in OpenSent | 4 min |
//! | Hold | in OpenConfirm | the hold time agreed on; without one 4 min |
//! | Hold | in Established | the hold time agreed on, since the last message |
//! | Keepalive | in OpenConfirm and Established | a third of the hold time, or as configured |
//! | send hold | in Established, kept by the shell | twice the hold time, 8 min or more |
//!
//! All but the hold timers are scattered: 75 to 100 % of that.

use std::time::Duration;

use super::action::{Action, Closing, DownReason};
use super::event::Connection;
use super::link::Phase;
use super::reasons;
use super::session::{Mode, Session};
use super::validate::SHORTEST_KEEPALIVE;

/// Hold timer before a hold time is agreed on (RFC 4271 §8.2.2: "4 minutes is suggested").
pub(super) const LARGE_HOLD: Duration = Duration::from_secs(4 * 60);
/// The shortest longest pause: who asks for none is not to knock in a loop.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after an error.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// A session that lasted this long was no flap: what comes next starts anew.
pub(super) const LASTING: Duration = Duration::from_secs(60);
/// An attempt to connect takes this long at least: SYNs are sent at 0, 1 and 3 s.
pub(super) const SHORTEST_DIAL: Duration = Duration::from_secs(5);
/// An attempt to connect takes no longer than this: a new one knocks sooner than an old one, whose pauses have grown.
pub(super) const LONGEST_DIAL: Duration = Duration::from_secs(10);
/// RFC 9687 §4.
const SHORTEST_SEND_HOLD: Duration = Duration::from_secs(8 * 60);
/// What a person is told of an attempt that nobody answered.
pub(super) const NO_ANSWER: &str =
    "no answer to the attempt to connect: nobody there, a firewall, or another TCP MD5 password";
/// More timers than this never expire in one call.
const AT_ONCE: usize = 8;

/// What expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    IdleHold,
    ConnectRetry,
    DelayOpen(Connection),
    Hold(Connection),
    Keepalive(Connection),
}

impl Session {
    /// How old the oldest octet unsent may get before [`SendStalled`](super::Event::SendStalled) is to be told (RFC
    /// 9687); `None` while there is no limit.
    #[must_use]
    pub fn send_hold_time(&self) -> Option<Duration> {
        let hold = self.negotiated()?.hold_time.duration()?;
        Some(SHORTEST_SEND_HOLD.max(hold * 2))
    }

    /// All that run, and when they expire.
    pub(super) fn timers(&self) -> impl Iterator<Item = (Duration, Timer)> {
        let own = match self.mode {
            Mode::Stopped | Mode::Listening(None) => None,
            Mode::Holding(at) => Some((at, Timer::IdleHold)),
            Mode::Listening(Some(at)) | Mode::Dialing(at) => Some((at, Timer::ConnectRetry)),
        };
        let links = self.links.iter().flat_map(|(connection, link)| {
            let delay = match link.phase {
                Phase::Delayed(at) => Some((at, Timer::DelayOpen(connection))),
                _ => None,
            };
            let hold = link.hold.map(|at| (at, Timer::Hold(connection)));
            let keepalive = link.keepalive.map(|at| (at, Timer::Keepalive(connection)));
            delay.into_iter().chain(hold).chain(keepalive)
        });
        own.into_iter().chain(links)
    }

    /// Lets expire what is due, in its order.
    pub(super) fn fire_due(&mut self) {
        for _ in 0..AT_ONCE {
            let due = self.timers().filter(|(at, _)| *at <= self.clock).min_by_key(|(at, _)| *at);
            match due {
                Some((_, timer)) => self.fire(timer),
                None => break,
            }
        }
    }

    pub(super) fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::IdleHold => self.begin(),
            Timer::ConnectRetry => self.dial_again(),
            Timer::DelayOpen(connection) => self.send_open(connection),
            Timer::Hold(connection) => self.refute(connection, reasons::hold_expired()),
            Timer::Keepalive(connection) => self.send_keepalive(connection),
        }
    }

    fn dial_again(&mut self) {
        if let Mode::Dialing(_) = self.mode {
            self.actions.push_back(Action::AbortConnect);
            self.failures = self.failures.saturating_add(1);
            self.attempt_failed(DownReason::Transport(NO_ANSWER.to_owned()));
        }
        self.dial();
    }

    /// Connects, for as long as one attempt may take.
    pub(super) fn dial(&mut self) {
        self.actions.push_back(Action::Connect);
        self.counters.connects += 1;
        let patience = self.config.connect_retry.clamp(SHORTEST_DIAL, LONGEST_DIAL);
        self.mode = Mode::Dialing(self.after(patience));
    }

    /// Sends a KEEPALIVE and sets the timer for the next.
    pub(super) fn send_keepalive(&mut self, connection: Connection) {
        let Some(link) = self.links.get(connection) else { return };
        let interval = link.negotiated().and_then(|negotiated| negotiated.keepalive);
        // Not before a second has passed, scattered or not.
        let next = interval.map(|interval| self.after(interval).max(self.clock.saturating_add(SHORTEST_KEEPALIVE)));
        if let Some(link) = self.links.slot(connection) {
            link.keepalive = next;
        }
        self.actions.push_back(Action::SendKeepalive(connection));
        self.counters.keepalives_sent += 1;
    }

    /// The peer lives: sets its hold timer anew.
    pub(super) fn restart_hold(&mut self, connection: Connection) {
        let clock = self.clock;
        let Some(link) = self.links.slot(connection) else { return };
        let agreed = link.negotiated().map(|negotiated| negotiated.hold_time.duration());
        let established = link.since().is_some();
        link.hold = match agreed {
            Some(None) if established => None,
            Some(agreed) => Some(clock.saturating_add(agreed.unwrap_or(LARGE_HOLD))),
            None => Some(clock.saturating_add(LARGE_HOLD)),
        };
    }

    /// The pause that so many failures in a row ask for: the first one none.
    pub(super) fn pause(&self, longest: Duration) -> Duration {
        let seconds = self.failures.checked_sub(2).map_or(0, |power| 1_u64 << power.min(32));
        Duration::from_secs(seconds).min(longest.max(SHORTEST_PAUSE))
    }

    /// The time `duration` from now, scattered.
    pub(super) fn after(&mut self, duration: Duration) -> Duration {
        self.clock.saturating_add(self.jitter.of(duration))
    }

    /// The peer, or its host, takes nothing any more: nor would it take a NOTIFICATION.
    pub(super) fn send_stalled(&mut self, connection: Connection) {
        let reason = DownReason::Unsent(reasons::send_hold_expired());
        self.lose(connection, Some(Closing::Silently), reason);
    }
}
