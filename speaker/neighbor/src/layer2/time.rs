//! What happens because time passes.

use std::net::IpAddr;
use std::time::Duration;

use super::{Layer2, TRANSMISSIONS_PER_POLL};
use crate::action::{Notice, Purpose, Transmission};
use crate::announcer::Round;
use crate::event;
use crate::packet::arp::Arp;
use crate::packet::ndp::Ndp;
use crate::state::Interface;
use crate::yielding::{PROBE_INTERVAL, Turn};

impl Layer2 {
    /// The frames to send now, in the order of their urgency. At most about [`TRANSMISSIONS_PER_POLL`]; if there are more,
    /// [`next_deadline`](Self::next_deadline) is not later than `now`.
    pub fn poll(&mut self, now: Duration) -> Vec<Transmission> {
        let mut transmissions = std::mem::take(&mut self.questions);
        self.filter_changed |= self.asked.expire(now);
        self.end_conflicts(now);
        self.turn_yielded(now, &mut transmissions);
        while !self.silent && transmissions.len() < TRANSMISSIONS_PER_POLL {
            let Some(round) = self.announcer.next_due(now) else { break };
            self.announce_round(round, &mut transmissions);
        }
        transmissions
    }

    /// When to call [`poll`](Self::poll) next, if nothing else changes before; `None` if there is nothing to wait for.
    pub fn next_deadline(&self) -> Option<Duration> {
        let announcements = if self.silent { None } else { self.announcer.next_deadline() };
        let probes = self.yielded.next().map(|at| at.max(self.probes.ready_at()));
        [announcements, probes, self.conflicts.next(), self.asked.next_deadline()].into_iter().flatten().min()
    }

    fn announce_round(&mut self, Round { ip, refresh }: Round, transmissions: &mut Vec<Transmission>) {
        let Some(held) = self.held.get_mut(&ip) else { return };
        for interface in self.interfaces.carrying(ip, &held.scope) {
            for frame in announcement(ip, interface) {
                held.counters.gratuitous_sent += 1;
                let interface = interface.index;
                transmissions.push(Transmission { interface, frame, ip, purpose: Purpose::Announcement });
            }
            if refresh {
                // Who has the address and keeps quiet about it answers this.
                transmissions.extend(probe(interface, ip));
            }
        }
        if let Some(conflict) = held.owner_mut().and_then(|owner| owner.conflict.as_mut())
            && refresh
        {
            conflict.refresh();
        }
    }

    /// Probes the yielded addresses whose turn it is, or takes them back.
    fn turn_yielded(&mut self, now: Duration, transmissions: &mut Vec<Transmission>) {
        while transmissions.len() < TRANSMISSIONS_PER_POLL
            && self.yielded.next().is_some_and(|at| at <= now)
            && self.probes.admit(now)
        {
            let Some(ip) = self.yielded.pop(now) else { break };
            let Some(held) = self.held.get_mut(&ip) else { continue };
            let turn = held.owner_mut().and_then(|owner| owner.yielded.as_mut()).map(|yielded| yielded.turn());
            match turn {
                Some(Turn::Resume) => self.resume(ip, now),
                Some(Turn::Probe) => {
                    self.yielded.set(ip, now + PROBE_INTERVAL);
                    let on = self.interfaces.carrying(ip, &held.scope);
                    transmissions.extend(on.filter_map(|interface| probe(interface, ip)));
                }
                None => {}
            }
        }
    }

    /// Ends the yielding of an address.
    pub(super) fn resume(&mut self, ip: IpAddr, now: Duration) {
        self.yielded.clear(ip);
        let Some(owner) = self.held.get_mut(&ip).and_then(|held| held.owner_mut()) else { return };
        if owner.yielded.take().is_some() {
            self.announcer.start(ip, now);
            self.notice(Notice::Resumed { ip });
        }
    }

    fn end_conflicts(&mut self, now: Duration) {
        while let Some(ip) = self.conflicts.pop(now) {
            let Some(owner) = self.held.get_mut(&ip).and_then(|held| held.owner_mut()) else { continue };
            let Some(conflict) = owner.conflict else { continue };
            // Heard again since the deadline was set.
            if conflict.over_at(self.period) > now {
                self.conflicts.set(ip, conflict.over_at(self.period));
                continue;
            }
            owner.conflict = None;
            if conflict.is_told() {
                self.notice(Notice::ConflictOver { ip });
            }
        }
    }
}

/// The frames of one round of one address on one interface.
fn announcement(ip: IpAddr, interface: &Interface) -> Vec<Vec<u8>> {
    match ip {
        IpAddr::V4(v4) => vec![
            Arp::announcement_request(interface.mac, v4).encode(),
            Arp::announcement_reply(interface.mac, v4).encode(),
        ],
        IpAddr::V6(v6) => {
            let from = interface.link_local.into_iter();
            from.map(|from| Ndp::announcement(interface.mac, from, v6).encode()).collect()
        }
    }
}

/// The question for `ip` on one interface.
pub(super) fn probe(interface: &Interface, ip: IpAddr) -> Option<Transmission> {
    let frame = event::question(interface, ip)?;
    Some(Transmission { interface: interface.index, frame, ip, purpose: Purpose::Probe })
}
