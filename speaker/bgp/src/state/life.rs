//! Beginning and ending: the session, and its connections.

use std::time::Duration;

use super::action::{Action, Closing, DownReason};
use super::event::Connection;
use super::link::{Link, Phase};
use super::opening;
use super::reasons;
use super::session::{Mode, Session};
use super::timers::{LASTING, LONGEST_DIAL, LONGEST_PAUSE};
use crate::packet::Notification;

impl Session {
    pub(super) fn start(&mut self) {
        match self.mode {
            Mode::Stopped | Mode::Holding(_) => {
                self.failures = 0;
                self.begin();
            }
            Mode::Listening(_) | Mode::Dialing(_) => self.ignore(),
        }
    }

    /// Leaves Idle.
    pub(super) fn begin(&mut self) {
        if self.config.passive {
            self.mode = Mode::Listening(None);
        } else {
            self.dial();
        }
    }

    pub(super) fn stop(&mut self, reason: Option<&Notification>) {
        if self.mode == Mode::Stopped {
            return self.ignore();
        }
        let keeps = |connection: Connection, session: &Self| {
            let restart = session.links.get(connection).and_then(Link::negotiated)?.graceful_restart.as_ref()?;
            Some(restart.notification)
        };
        for connection in Connection::ALL {
            let closing = match reason {
                None => Closing::Silently,
                Some(reason) if keeps(connection, self) == Some(true) => Closing::Notify(reasons::hard_reset(reason)),
                Some(reason) => Closing::Notify(reason.clone()),
            };
            let Some(link) = self.links.slot(connection).take() else { continue };
            self.close(connection, closing);
            if link.since().is_some() {
                self.down(DownReason::Stopped);
            }
        }
        if let Mode::Dialing(_) = self.mode {
            self.actions.push_back(Action::AbortConnect);
        }
        self.mode = Mode::Stopped;
    }

    /// A connection that stands.
    pub(super) fn connected(&mut self, connection: Connection) {
        match (connection, self.mode) {
            (Connection::Outgoing, Mode::Dialing(_)) => {
                self.mode = Mode::Listening(None);
                self.open_link(connection, None);
            }
            (Connection::Outgoing, _) => {
                self.ignore();
                if self.links.get(connection).is_none() {
                    self.close(connection, Closing::Silently);
                }
            }
            // Without a word: who hears one waits longer than who does not, and may be the one whom we need to connect
            // when this is over (RFC 4271 §8.2.2 asks for no more).
            (Connection::Incoming, Mode::Stopped | Mode::Holding(_)) => self.refuse(Closing::Silently),
            (Connection::Incoming, Mode::Listening(_) | Mode::Dialing(_)) => self.accept(),
        }
    }

    /// Begins with a connection: with our OPEN, unless it is to wait for the peer's.
    pub(super) fn open_link(&mut self, connection: Connection, delay: Option<Duration>) {
        let until = delay.map(|delay| self.after(delay));
        let phase = until.map_or(Phase::OpenSent, Phase::Delayed);
        *self.links.slot(connection) = Some(Link { phase, hold: None, keepalive: None });
        if until.is_none() {
            self.send_open(connection);
        }
    }

    /// Sends our OPEN: OpenSent.
    pub(super) fn send_open(&mut self, connection: Connection) {
        if let Some(link) = self.links.slot(connection) {
            link.phase = Phase::OpenSent;
        }
        self.restart_hold(connection);
        self.actions.push_back(Action::SendOpen(connection, opening::open(&self.config, self.history)));
        self.counters.opens_sent += 1;
    }

    pub(super) fn connect_failed(&mut self, reason: String) {
        let Mode::Dialing(_) = self.mode else { return self.ignore() };
        self.mode = Mode::Listening(None);
        self.failures = self.failures.saturating_add(1);
        self.attempt_failed(DownReason::Transport(reason));
    }

    /// BFD or the like has found that the peer is gone. While there is no connection that is no news.
    pub(super) fn peer_down(&mut self, reason: &str) {
        if self.links.is_empty() {
            return self.ignore();
        }
        for connection in Connection::ALL {
            if self.links.get(connection).is_some() {
                let closing = Closing::Notify(reasons::bfd_down());
                self.lose(connection, Some(closing), DownReason::PeerDown(reason.to_owned()));
            }
        }
    }

    /// Ends a connection whose peer has done wrong, or nothing at all.
    pub(super) fn refute(&mut self, connection: Connection, notification: Notification) {
        let closing = Closing::Notify(notification.clone());
        self.lose(connection, Some(closing), DownReason::Sent(notification));
    }

    /// A connection is lost: closed by the other side, or to be closed in this way.
    pub(super) fn lose(&mut self, connection: Connection, closing: Option<Closing>, reason: DownReason) {
        let Some(link) = self.links.slot(connection).take() else { return self.ignore() };
        if let Some(closing) = closing {
            self.close(connection, closing);
        }
        // RFC 4271 §8.2.2: who loses the transport before OPENs are exchanged goes on listening.
        let listens =
            matches!(link.phase, Phase::Delayed(_) | Phase::OpenSent) && matches!(reason, DownReason::Transport(_));
        self.failures = match link.since() {
            Some(since) if self.clock.saturating_sub(since) >= LASTING => 1,
            _ => self.failures.saturating_add(1),
        };
        if link.since().is_some() {
            self.down(reason);
        } else {
            self.attempt_failed(reason);
        }
        if self.links.is_empty() && !listens {
            self.hold_idle();
        }
    }

    /// Waits in Idle for as long as it takes.
    fn hold_idle(&mut self) {
        if let Mode::Dialing(_) = self.mode {
            self.actions.push_back(Action::AbortConnect);
        }
        let pause = self.pause(LONGEST_PAUSE);
        if pause.is_zero() {
            self.begin();
        } else {
            self.mode = Mode::Holding(self.after(pause));
        }
    }

    /// Connects or not, as the connections ask for, at the end of each call.
    pub(super) fn settle(&mut self) {
        let busy = self.links.get(Connection::Outgoing).is_some()
            || self.links.iter().any(|(_, link)| link.negotiated().is_some());
        match self.mode {
            Mode::Dialing(_) if busy => {
                self.actions.push_back(Action::AbortConnect);
                self.mode = Mode::Listening(None);
            }
            Mode::Listening(Some(_)) if busy => self.mode = Mode::Listening(None),
            Mode::Listening(None) if !busy && !self.config.passive => {
                // A connection of the peer's may yet come to something.
                let least = if self.links.is_empty() { Duration::ZERO } else { LONGEST_DIAL };
                match self.pause(self.config.connect_retry).max(least) {
                    Duration::ZERO => self.dial(),
                    pause => self.mode = Mode::Listening(Some(self.after(pause))),
                }
            }
            Mode::Stopped | Mode::Holding(_) | Mode::Listening(_) | Mode::Dialing(_) => {}
        }
    }

    pub(super) fn close(&mut self, connection: Connection, closing: Closing) {
        self.counters.notifications_sent += u64::from(matches!(closing, Closing::Notify(_)));
        self.actions.push_back(Action::Close(connection, closing));
    }

    pub(super) fn refuse(&mut self, closing: Closing) {
        self.counters.refused += 1;
        self.counters.notifications_sent += u64::from(matches!(closing, Closing::Notify(_)));
        self.actions.push_back(Action::Refuse(closing));
    }

    /// The session is no longer established.
    pub(super) fn down(&mut self, reason: DownReason) {
        self.counters.lost += 1;
        self.last_error = Some(reason.clone());
        self.actions.push_back(Action::Down(reason));
    }

    /// An attempt has come to nothing: worth a word, if it was the only one.
    pub(super) fn attempt_failed(&mut self, reason: DownReason) {
        if self.links.is_empty() {
            self.counters.failed += 1;
            self.last_error = Some(reason.clone());
            self.actions.push_back(Action::Failed(reason));
        }
    }
}
