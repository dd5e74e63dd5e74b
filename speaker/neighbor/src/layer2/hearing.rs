//! Frames that come in, and what they change.

use std::net::IpAddr;
use std::time::Duration;

use super::Layer2;
use crate::action::{Claim, Claimant, Ignored, Notice, Outcome};
use crate::conflict::{Conflict, Consequences};
use crate::packet::MacAddr;
use crate::responder::{self, Meaning};
use crate::state::{InterfaceIndex, Owner};
use crate::yielding::{PROBE_INTERVAL, Yielded};

impl Layer2 {
    /// A frame was received on an interface.
    pub fn receive(&mut self, interface: InterfaceIndex, frame: &[u8], now: Duration) -> Outcome {
        let received = (interface, frame);
        let response =
            responder::respond(&self.interfaces, &mut self.held, &mut self.asked, self.silent, received, now);
        if let Some((target, mac)) = response.heard {
            self.notice(Notice::Heard { target, mac, interface });
        }
        match response.meaning {
            Ok(Meaning::Reply(reply)) => reply,
            Ok(Meaning::Claim { ip, mac }) => Outcome::Claim(self.claimed(ip, mac, interface, now)),
            Err(Ignored::NotOwned) if response.heard.is_some() => Outcome::Heard,
            Err(reason) => {
                *self.ignored.entry(reason.label()).or_default() += 1;
                Outcome::Ignored(reason)
            }
        }
    }

    fn claimed(&mut self, ip: IpAddr, mac: MacAddr, interface: InterfaceIndex, now: Duration) -> Claim {
        let mut claim = Claim { ip, mac, interface, claimant: Claimant::Foreign, first: false };
        let Some(owner) = self.held.get_mut(&ip).and_then(|held| held.owner_mut()) else { return claim };
        claim.claimant = match () {
            () if owner.ahead.contains(&mac) => Claimant::Ahead,
            () if self.speakers.contains(&mac) => Claimant::Behind,
            () => Claimant::Foreign,
        };
        let Owner { yielded, conflict, .. } = owner;
        match (claim.claimant, yielded) {
            (Claimant::Ahead, Some(yielded)) => yielded.hear(mac),
            (Claimant::Ahead, yielded) => {
                *yielded = Some(Yielded::to(mac));
                claim.first = true;
                self.announcer.stop(ip);
                self.yielded.set(ip, now + PROBE_INTERVAL);
                self.notice(Notice::Yielded { ip, mac });
            }
            // Whoever that is, it is not for us to defend the address now.
            (Claimant::Behind | Claimant::Foreign, Some(_)) => {}
            (claimant, None) => {
                let Consequences { first, defend, tell } = Conflict::hear(conflict, &claim, self.period, now);
                let over_at = conflict.as_ref().map_or(now, |conflict| conflict.over_at(self.period));
                self.conflicts.set_if_none(ip, over_at);
                claim.first = first;
                match claimant {
                    Claimant::Foreign if defend => self.announcer.once(ip, now),
                    _ if defend => self.announcer.start(ip, now),
                    _ => {}
                }
                if tell {
                    self.notice(Notice::Conflict { ip, mac, interface });
                }
            }
        }
        claim
    }
}
