//! The session with one peer.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::action::{Action, DownReason};
use super::config::{ConfigError, PeerConfig};
use super::counters::Counters;
use super::event::Event;
use super::jitter::Jitter;
use super::link::{Links, Phase};
use super::negotiated::Negotiated;
use super::opening::History;

/// A caller that leaves more actions than this untaken is not served until it takes them. One call makes 8 at most.
const QUEUE: usize = 64;

/// Where a session stands (RFC 4271 §8.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Not wanted, or waiting after an error.
    Idle,
    /// Connecting.
    Connect,
    /// Waiting for the peer to connect, or for the next attempt.
    Active,
    /// Connected; the peer's OPEN is missing.
    OpenSent,
    /// OPENs are exchanged; the peer's KEEPALIVE is missing.
    OpenConfirm,
    /// Routes can be exchanged.
    Established,
}

/// In the words of RFC 4271.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a session does besides the connections that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing: it is not wanted.
    Stopped,
    /// It waits after an error, until then (IdleHoldTimer).
    Holding(Duration),
    /// It lets the peer connect, and connects itself at that time, if there is one (ConnectRetryTimer).
    Listening(Option<Duration>),
    /// It lets the peer connect, and connects itself, waiting no longer than until then (ConnectRetryTimer).
    Dialing(Duration),
}

/// The session with one peer: events in, actions out.
///
/// The shell calls [`handle`](Self::handle) with what happens, and [`advance`](Self::advance) when
/// [`next_deadline`](Self::next_deadline) has come; after each call it takes and does all actions. Times count from any
/// origin that stays; one that lies before an earlier one counts as the earlier one.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) config: PeerConfig,
    pub(super) mode: Mode,
    pub(super) links: Links,
    /// Failures in a row: they make pauses longer.
    pub(super) failures: u32,
    pub(super) history: History,
    pub(super) clock: Duration,
    pub(super) jitter: Jitter,
    pub(super) actions: VecDeque<Action>,
    pub(super) counters: Counters,
    pub(super) last_error: Option<DownReason>,
}

impl Session {
    /// A session that is not wanted yet.
    ///
    /// # Errors
    /// For a configuration without address family.
    pub fn new(config: PeerConfig) -> Result<Self, ConfigError> {
        if config.families.is_empty() {
            return Err(ConfigError::NoFamily);
        }
        let restarted = config.graceful_restart.is_some_and(|restart| restart.restarted);
        Ok(Self {
            mode: Mode::Stopped,
            links: Links::default(),
            failures: 0,
            history: History { restarting: restarted, forwarding: restarted },
            clock: Duration::ZERO,
            jitter: Jitter::new(config.seed),
            actions: VecDeque::new(),
            counters: Counters::default(),
            last_error: None,
            config,
        })
    }

    /// Takes in what has happened.
    pub fn handle(&mut self, event: Event, now: Duration) {
        if !self.serves(now) {
            return;
        }
        match event {
            Event::Start => self.start(),
            Event::Stop(reason) => self.stop(reason.as_ref()),
            Event::Connected(connection) => self.connected(connection),
            Event::ConnectFailed { reason } => self.connect_failed(reason),
            Event::Closed { connection, reason } => self.lose(connection, None, DownReason::Transport(reason)),
            Event::Received(connection, message) => self.received(connection, message),
            Event::Invalid(connection, notification) => self.refute(connection, notification),
            Event::SendStalled(connection) => self.send_stalled(connection),
            Event::PeerDown { reason } => self.peer_down(&reason),
        }
        self.settle();
    }

    /// Does what is due. Hand over all that has arrived before, lest a peer count as silent because we were.
    pub fn advance(&mut self, now: Duration) {
        if !self.serves(now) {
            return;
        }
        self.fire_due();
        self.settle();
    }

    /// When to call [`advance`](Self::advance); `None` while nothing but an event goes on.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers().map(|(at, _)| at).min()
    }

    /// The next thing to do.
    pub fn take_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Where the session stands: where its furthest connection does.
    #[must_use]
    pub fn state(&self) -> State {
        let connected = self.links.iter().filter_map(|(_, link)| match link.phase {
            Phase::Delayed(_) => None, // The RFC has it in Connect or Active.
            Phase::OpenSent => Some(State::OpenSent),
            Phase::OpenConfirm(_) => Some(State::OpenConfirm),
            Phase::Established(..) => Some(State::Established),
        });
        connected.max().unwrap_or(match self.mode {
            Mode::Stopped | Mode::Holding(_) => State::Idle,
            Mode::Listening(_) => State::Active,
            Mode::Dialing(_) => State::Connect,
        })
    }

    /// What was agreed on, while the session is established.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.links.established().map(|(_, negotiated, _)| negotiated)
    }

    /// Since when the session is established.
    #[must_use]
    pub fn established_since(&self) -> Option<Duration> {
        self.links.established().map(|(.., since)| since)
    }

    /// Why the last session or attempt ended, also while a later one lasts.
    #[must_use]
    pub fn last_error(&self) -> Option<&DownReason> {
        self.last_error.as_ref()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Sets the clock; whether there is room for more actions.
    fn serves(&mut self, now: Duration) -> bool {
        self.clock = self.clock.max(now);
        let room = self.actions.len() < QUEUE;
        if !room {
            self.counters.unserved += 1;
        }
        room
    }

    pub(super) fn ignore(&mut self) {
        self.counters.ignored += 1;
    }
}
