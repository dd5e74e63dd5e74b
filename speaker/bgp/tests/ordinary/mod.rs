//! A speaker that resolves collisions as RFC 4271 §6.8 says, on either end, and does nothing else well: what Herald meets
//! in other routers.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use herald_bgp::packet::{Message, Notification, Open};
use herald_bgp::state::{Action, Closing, Connection, DownReason, Event, Negotiated};
use herald_bgp::{Asn, Family, HoldTime, RouterId};

use super::wires::Speaker;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    OpenSent,
    OpenConfirm,
    Established,
}

#[derive(Debug)]
pub struct OrdinaryPeer {
    asn: Asn,
    router_id: RouterId,
    links: BTreeMap<Connection, Phase>,
    dialing: bool,
    retry: Option<Duration>,
    keepalive: Duration,
    random: u64,
    actions: VecDeque<Action>,
}

impl OrdinaryPeer {
    pub fn new(asn: Asn, router_id: RouterId, seed: u64) -> Self {
        Self {
            asn,
            router_id,
            links: BTreeMap::new(),
            dialing: false,
            retry: None,
            keepalive: Duration::from_secs(20),
            random: seed,
            actions: VecDeque::new(),
        }
    }

    fn dial(&mut self) {
        self.retry = None;
        self.dialing = true;
        self.actions.push_back(Action::Connect);
    }

    /// Tries again after 1 to 2 s.
    fn try_later(&mut self, now: Duration) {
        if self.links.is_empty() && !self.dialing {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.retry = Some(now + Duration::from_millis(1_000 + (self.random >> 33) % 1_000));
        }
    }

    fn lose(&mut self, connection: Connection, closing: Option<Closing>, now: Duration) {
        let Some(phase) = self.links.remove(&connection) else { return };
        self.actions.extend(closing.map(|closing| Action::Close(connection, closing)));
        if phase == Phase::Established {
            self.actions.push_back(Action::Down(DownReason::Stopped));
        }
        self.try_later(now);
    }

    fn connected(&mut self, connection: Connection, now: Duration) {
        if connection == Connection::Outgoing {
            self.dialing = false;
        } else if self.links.contains_key(&connection) {
            self.lose(connection, Some(Closing::Silently), now);
        }
        self.retry = None;
        self.links.insert(connection, Phase::OpenSent);
        let Self { asn, router_id, .. } = *self;
        let hold_time = HoldTime::DEFAULT;
        let open = Open { two_octet_asn: asn.two_octets(), hold_time, router_id, capabilities: Vec::new() };
        self.actions.push_back(Action::SendOpen(connection, open));
    }

    fn opened(&mut self, connection: Connection, open: &Open, now: Duration) {
        let peer = (open.router_id, open.asn().expect("it has one"));
        let loser = if (self.router_id, self.asn) > peer { Connection::Incoming } else { Connection::Outgoing };
        let collision = Closing::Notify(Notification { code: 6, subcode: 7, data: Vec::new() });
        match self.links.get(&connection.other()) {
            Some(Phase::Established) => return self.lose(connection, Some(collision), now),
            Some(Phase::OpenConfirm) => self.lose(loser, Some(collision), now),
            Some(Phase::OpenSent) | None => {}
        }
        if let Some(phase) = self.links.get_mut(&connection) {
            *phase = Phase::OpenConfirm;
            self.actions.push_back(Action::SendKeepalive(connection));
        }
    }

    fn establish(&mut self, connection: Connection) {
        if self.links.insert(connection, Phase::Established) == Some(Phase::OpenConfirm) {
            let negotiated = Negotiated {
                peer_asn: self.asn,
                shown_asn: self.asn,
                external: true,
                peer_router_id: self.router_id,
                hold_time: HoldTime::DEFAULT,
                keepalive: None,
                families: [Family::Ipv4].into(),
                four_octet_asn: false,
                extended_next_hop: false,
                extended_message: false,
                enhanced_refresh: false,
                graceful_restart: None,
                host_name: None,
            };
            self.actions.push_back(Action::Up(connection, Box::new(negotiated)));
        }
    }
}

impl Speaker for OrdinaryPeer {
    fn handle(&mut self, event: Event, now: Duration) {
        match event {
            Event::Start => self.dial(),
            Event::Connected(connection) => self.connected(connection, now),
            Event::ConnectFailed { .. } => {
                self.dialing = false;
                self.try_later(now);
            }
            Event::Closed { connection, .. } => self.lose(connection, None, now),
            Event::Received(connection, Message::Open(open)) => self.opened(connection, &open, now),
            Event::Received(connection, Message::Keepalive) => self.establish(connection),
            Event::Received(connection, _) => self.lose(connection, Some(Closing::Silently), now),
            other => panic!("{other:?}"),
        }
    }

    fn advance(&mut self, now: Duration) {
        if self.retry.is_some_and(|at| at <= now) {
            self.dial();
        }
        if self.keepalive <= now {
            self.keepalive = now + Duration::from_secs(20);
            let confirmed = self.links.iter().filter(|(_, phase)| **phase != Phase::OpenSent);
            self.actions.extend(confirmed.map(|(connection, _)| Action::SendKeepalive(*connection)));
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        Some(self.retry.map_or(self.keepalive, |retry| retry.min(self.keepalive)))
    }

    fn take_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }
}
