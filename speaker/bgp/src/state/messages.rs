//! What the peer says.

use super::action::{Action, Closing, DownReason};
use super::event::Connection;
use super::link::Phase;
use super::opening::History;
use super::reasons;
use super::session::Session;
use super::validate::negotiate;
use crate::packet::{Message, Open, RefreshKind, RouteRefresh};

impl Session {
    pub(super) fn received(&mut self, connection: Connection, message: Message) {
        if self.links.get(connection).is_some() {
            self.count(&message);
        }
        let Some(link) = self.links.get(connection) else { return self.ignore() };
        match (&link.phase, message) {
            (_, Message::Notification(notification)) => {
                self.lose(connection, Some(Closing::Silently), DownReason::Received(notification));
            }
            (Phase::Delayed(_) | Phase::OpenSent, Message::Open(open)) => self.opened(connection, &open),
            (Phase::OpenConfirm(_), Message::Keepalive) => self.establish(connection),
            (Phase::Established(..), Message::Keepalive | Message::Update(_)) => self.restart_hold(connection),
            (Phase::Established(..), Message::RouteRefresh(refresh)) => self.refreshed(connection, refresh),
            (Phase::Established(..), Message::OtherRefresh) => {
                self.counters.refreshes_ignored += 1;
                self.restart_hold(connection);
            }
            // RFC 4271 §6.6 with the subcodes of RFC 6608.
            (Phase::Delayed(_), _) => self.refute(connection, reasons::unexpected(0)),
            (Phase::OpenSent, _) => self.refute(connection, reasons::unexpected(1)),
            (Phase::OpenConfirm(_), _) => self.refute(connection, reasons::unexpected(2)),
            (Phase::Established(..), Message::Open(_)) => self.refute(connection, reasons::unexpected(3)),
        }
    }

    fn count(&mut self, message: &Message) {
        let counter = match message {
            Message::Open(_) => &mut self.counters.opens_received,
            Message::Update(_) => &mut self.counters.updates_received,
            Message::Notification(_) => &mut self.counters.notifications_received,
            Message::Keepalive => &mut self.counters.keepalives_received,
            Message::RouteRefresh(_) | Message::OtherRefresh => &mut self.counters.refreshes_received,
        };
        *counter += 1;
    }

    /// The peer's OPEN: OpenConfirm, if it is right and the connection is not one too many.
    fn opened(&mut self, connection: Connection, open: &Open) {
        let negotiated = match negotiate(&self.config, open) {
            Ok(negotiated) => negotiated,
            Err(notification) => return self.refute(connection, notification),
        };
        if !self.survives(connection, &negotiated) {
            return;
        }
        if self.links.get(connection).is_some_and(|link| matches!(link.phase, Phase::Delayed(_))) {
            self.send_open(connection);
        }
        if let Some(link) = self.links.slot(connection) {
            link.phase = Phase::OpenConfirm(Box::new(negotiated));
        }
        self.restart_hold(connection);
        self.send_keepalive(connection);
    }

    /// The peer's KEEPALIVE: Established.
    fn establish(&mut self, connection: Connection) {
        let clock = self.clock;
        let Some(negotiated) = self.links.get(connection).and_then(|link| link.negotiated()).cloned() else { return };
        self.prevail(connection, &negotiated);
        if let Some(link) = self.links.slot(connection) {
            link.phase = Phase::Established(Box::new(negotiated.clone()), clock);
        }
        self.restart_hold(connection);
        self.history = History { restarting: false, forwarding: true };
        self.counters.established += 1;
        self.actions.push_back(Action::Up(connection, Box::new(negotiated)));
    }

    fn refreshed(&mut self, connection: Connection, RouteRefresh { family, kind }: RouteRefresh) {
        self.restart_hold(connection);
        let agreed = self.negotiated().is_some_and(|negotiated| negotiated.families.contains(&family));
        if agreed && kind == RefreshKind::Request {
            self.actions.push_back(Action::Refresh(family));
        } else {
            self.counters.refreshes_ignored += 1;
        }
    }
}
