//! The layer-2 half of one speaker: the real [`Layer2`] on one interface.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herald_neighbor::packet::arp::Arp;
use herald_neighbor::{
    Interface, InterfaceAddress, InterfaceIndex, Layer2, MacAddr, Notice, Outcome, Settings, Standing,
};
use herald_speaker::decide::Step;

use crate::truth;

const LINK: InterfaceIndex = InterfaceIndex(2);
/// A host that is no node.
const CLIENT: MacAddr = MacAddr(2, 1, 0, 0, 0, 1);
const CLIENTS_IP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 250);

/// The MAC of a node.
pub(crate) fn mac(node: usize) -> MacAddr {
    let [high, low] = u16::try_from(node).unwrap_or(u16::MAX).to_be_bytes();
    MacAddr::from([2, 0, 0, 0, high, low])
}

/// Whose MAC that is.
pub(crate) fn node_of(mac: MacAddr) -> usize {
    let [.., high, low] = mac.octets();
    usize::from(u16::from_be_bytes([high, low]))
}

/// For whom a frame is; `None`: for everybody.
pub(crate) fn destination(frame: &[u8]) -> Option<usize> {
    let to = frame.first_chunk::<6>().map(|bytes| MacAddr::from(*bytes))?;
    (!to.is_broadcast()).then(|| node_of(to))
}

/// What one node answers and announces.
#[derive(Debug)]
pub(crate) struct Wire {
    layer2: Layer2,
}

impl Wire {
    pub(crate) fn new(node: usize) -> Self {
        let seed = u64::try_from(node).unwrap_or(0);
        let mut layer2 = Layer2::new(Settings { seed, ..Settings::default() });
        let addresses = vec![InterfaceAddress { ip: truth::address(node).ip(), prefix: 16 }];
        let interface = Interface { index: LINK, name: "eth0".to_owned(), mac: mac(node), link_local: None, addresses };
        layer2.set_interface(interface, Duration::ZERO);
        Self { layer2 }
    }

    /// Does what was decided, as the shell does.
    pub(crate) fn obey(&mut self, step: &Step, now: Duration) {
        match step {
            Step::Own { ip, scope, ahead } => self.layer2.own(*ip, scope.clone(), ahead.clone(), now),
            Step::Disown { ip } => {
                self.layer2.disown(*ip);
            }
            Step::StandIn { ip, scope, mac } => self.layer2.stand_in(*ip, scope.clone(), *mac),
            Step::Speakers(macs) => self.layer2.set_speakers(macs.clone()),
            Step::Announce { ip } => self.layer2.announce(*ip, now),
            // The simulation asks by itself: the kernels answer.
            Step::Probe { .. }
            | Step::Quiet { .. }
            | Step::Verdict { .. }
            | Step::Peers { .. }
            | Step::Routes(_)
            | Step::Routed { .. } => {}
        }
    }

    /// A frame arrives. Returns the answer.
    pub(crate) fn receive(&mut self, frame: &[u8], now: Duration) -> Option<Vec<u8>> {
        match self.layer2.receive(LINK, frame, now) {
            Outcome::Reply { frame, .. } => Some(frame),
            Outcome::Claim(_) | Outcome::Heard | Outcome::Ignored(_) => None,
        }
    }

    /// The frames that are due.
    pub(crate) fn poll(&mut self, now: Duration) -> Vec<Vec<u8>> {
        self.layer2.poll(now).into_iter().map(|transmission| transmission.frame).collect()
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.layer2.next_deadline()
    }

    /// What was given way for (true) or taken back since the last time.
    pub(crate) fn turns(&mut self) -> Vec<(IpAddr, bool)> {
        let mut turns = Vec::new();
        while let Some(notice) = self.layer2.take_notice() {
            match notice {
                Notice::Yielded { ip, .. } => turns.push((ip, true)),
                Notice::Resumed { ip } => turns.push((ip, false)),
                Notice::Conflict { .. } | Notice::ConflictOver { .. } | Notice::Heard { .. } => {}
            }
        }
        turns
    }

    /// Whether it answers for an address in its own name.
    pub(crate) fn owns(&self, ip: IpAddr) -> bool {
        self.layer2.standing(ip) == Some(Standing::Owner)
    }

    /// What a client that asks everybody for `ip` is told here.
    pub(crate) fn tells(&mut self, ip: IpAddr, now: Duration) -> Option<MacAddr> {
        let IpAddr::V4(target) = ip else { return None };
        let reply = self.receive(&Arp::request(CLIENT, CLIENTS_IP, target).encode(), now)?;
        Arp::decode(&reply).ok().map(|arp| arp.sender_mac)
    }
}
