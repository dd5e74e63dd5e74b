//! The whole of layer 2 on one node, as one value.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::action::{Claim, Claimant, Outcome, Transmission};
use crate::announcer::Announcer;
use crate::filter;
use crate::packet::MacAddr;
use crate::packet::arp::Arp;
use crate::packet::ndp::Ndp;
use crate::responder;
use crate::state::{AddressCounters, Conflict, Interface, InterfaceIndex, Interfaces, Owned, Scope};

/// Most transmissions that one [`Layer2::poll`] hands out (the last address's may exceed it), so that answers to
/// requests never wait for a long train of announcements.
pub const TRANSMISSIONS_PER_POLL: usize = 512;

/// What does not change while a speaker runs.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Time between announcements of an address that is simply there; `None` or zero for none. The actual time is up to a
    /// fifth shorter or longer, and never below [`SHORTEST_GAP`](crate::announcer::SHORTEST_GAP).
    pub refresh: Option<Duration>,
    /// Where jitter comes from. Nodes should differ in it.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { refresh: Some(Duration::from_secs(60)), seed: 0 }
    }
}

/// Answers for the addresses that this node owns, and announces them.
///
/// Time is always an argument: how long it is since an origin of the caller's choice, the same in every call, and never
/// less than in the call before.
#[derive(Debug)]
pub struct Layer2 {
    interfaces: Interfaces,
    addresses: BTreeMap<IpAddr, Owned>,
    announcer: Announcer,
    silent: bool,
    ignored: BTreeMap<&'static str, u64>,
    filter_changed: bool,
}

impl Layer2 {
    /// Nothing owned, no interfaces, not silent.
    pub fn new(settings: Settings) -> Self {
        let Settings { refresh, seed } = settings;
        Self {
            interfaces: Interfaces::default(),
            addresses: BTreeMap::new(),
            announcer: Announcer::new(refresh, seed),
            silent: false,
            ignored: BTreeMap::new(),
            filter_changed: false,
        }
    }

    // --- interfaces -----------------------------------------------------------------------------------------------

    /// An interface came, came back or changed (name, MAC, link-local address): every address that belongs on it is
    /// announced again. Telling the same thing twice does nothing.
    pub fn set_interface(&mut self, interface: Interface, now: Duration) {
        let index = interface.index;
        if self.interfaces.set(interface) {
            self.announce_on(index, now);
        }
    }

    /// An interface went away, went down, or is no longer to be used. Frames from it are ignored from now on.
    pub fn remove_interface(&mut self, index: InterfaceIndex) -> Option<Interface> {
        self.interfaces.remove(index)
    }

    /// The interfaces in use, by index.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter()
    }

    /// The MACs of this node's interfaces that are *not* in use (excluded, enslaved): what comes from them is our own
    /// word, never somebody else's claim.
    pub fn set_other_local_macs(&mut self, macs: BTreeSet<MacAddr>) {
        self.interfaces.set_other_macs(macs);
    }

    // --- addresses ------------------------------------------------------------------------------------------------

    /// `ip` is ours on the interfaces of `scope`: it is answered from now on and announced at the next [`poll`](Self::poll).
    /// For an address that is ours already, only `scope` changes; it is announced again if an interface was added.
    pub fn own(&mut self, ip: IpAddr, scope: Scope, now: Duration) {
        match self.addresses.get_mut(&ip) {
            Some(owned) if owned.scope == scope => {}
            Some(owned) => {
                let before = std::mem::replace(&mut owned.scope, scope);
                if self.interfaces.carrying(ip, &owned.scope).any(|interface| !before.contains(interface)) {
                    self.announcer.start(ip, now);
                }
            }
            None => {
                self.addresses.insert(ip, Owned { scope, counters: AddressCounters::default(), conflict: None });
                self.announcer.start(ip, now);
                self.filter_changed = true;
            }
        }
    }

    /// `ip` is no longer ours: not one more answer, not one more announcement. Nothing is sent to say so; the new
    /// owner's announcement is what moves traffic. False if it was not ours.
    pub fn disown(&mut self, ip: IpAddr) -> bool {
        self.announcer.stop(ip);
        let was_ours = self.addresses.remove(&ip).is_some();
        self.filter_changed |= was_ours;
        was_ours
    }

    /// The addresses that are ours, in order.
    pub fn owned(&self) -> impl Iterator<Item = (IpAddr, &Scope)> {
        self.addresses.iter().map(|(ip, owned)| (*ip, &owned.scope))
    }

    /// Whether `ip` is ours.
    pub fn owns(&self, ip: IpAddr) -> bool {
        self.addresses.contains_key(&ip)
    }

    /// The interfaces on which `ip` is answered at this moment; none if it is not ours, or all that its scope names are
    /// missing.
    pub fn interfaces_of(&self, ip: IpAddr) -> impl Iterator<Item = &Interface> {
        self.addresses.get(&ip).into_iter().flat_map(move |owned| self.interfaces.carrying(ip, &owned.scope))
    }

    // --- time and frames ------------------------------------------------------------------------------------------

    /// Keeps everything back (true), or lets it go (false): no answer, no announcement. For the time after a start, or
    /// after the network came back, in which it is not known yet who else is there. When it ends, every address is
    /// announced.
    pub fn set_silent(&mut self, silent: bool, now: Duration) {
        if std::mem::replace(&mut self.silent, silent) && !silent {
            self.announce_all(now);
        }
    }

    /// Announces `ip` again, with a burst, as if it had just been won; nothing if it is not ours.
    pub fn announce(&mut self, ip: IpAddr, now: Duration) {
        if self.owns(ip) {
            self.announcer.start(ip, now);
        }
    }

    /// Announces every address again, as after a partition that has healed.
    pub fn announce_all(&mut self, now: Duration) {
        for ip in self.addresses.keys() {
            self.announcer.start(*ip, now);
        }
    }

    /// Announces again every address that belongs on this interface, as after its link came back.
    pub fn announce_on(&mut self, index: InterfaceIndex, now: Duration) {
        if let Some(interface) = self.interfaces.get(index) {
            for (ip, owned) in &self.addresses {
                if interface.carries(*ip, &owned.scope) {
                    self.announcer.start(*ip, now);
                }
            }
        }
    }

    /// The announcements to send now, in the order of their urgency. At most about [`TRANSMISSIONS_PER_POLL`]; if there
    /// are more, [`next_deadline`](Self::next_deadline) is not later than `now`.
    pub fn poll(&mut self, now: Duration) -> Vec<Transmission> {
        let mut transmissions = Vec::new();
        while !self.silent && transmissions.len() < TRANSMISSIONS_PER_POLL {
            let Some(ip) = self.announcer.next_due(now) else { break };
            let Some(owned) = self.addresses.get_mut(&ip) else { continue };
            for interface in self.interfaces.carrying(ip, &owned.scope) {
                for frame in announcement(ip, interface) {
                    owned.counters.gratuitous_sent += 1;
                    transmissions.push(Transmission { interface: interface.index, frame, ip });
                }
            }
        }
        transmissions
    }

    /// When to call [`poll`](Self::poll) next; `None` if there is nothing to wait for until something else changes.
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.silent { None } else { self.announcer.next_deadline() }
    }

    /// A frame was received on an interface.
    ///
    /// `claimant` tells who is behind a MAC that claims an address of ours; it is asked only then. If it is
    /// [`Claimant::Ahead`], the address is disowned before this returns.
    pub fn receive(
        &mut self,
        interface: InterfaceIndex,
        frame: &[u8],
        claimant: impl FnOnce(IpAddr, MacAddr) -> Claimant,
        now: Duration,
    ) -> Outcome {
        match responder::respond(&self.interfaces, &mut self.addresses, self.silent, interface, frame) {
            Ok(responder::Response::Reply(reply)) => reply,
            Ok(responder::Response::Claim { ip, mac }) => Outcome::Claim(
                self.claimed(Claim { ip, mac, interface, claimant: claimant(ip, mac), first: false }, now),
            ),
            Err(reason) => {
                *self.ignored.entry(reason.label()).or_default() += 1;
                Outcome::Ignored(reason)
            }
        }
    }

    fn claimed(&mut self, mut claim: Claim, now: Duration) -> Claim {
        let Some(owned) = self.addresses.get_mut(&claim.ip) else { return claim };
        claim.first = responder::note_conflict(owned, &claim, now);
        match claim.claimant {
            Claimant::Ahead => {
                self.disown(claim.ip);
            }
            Claimant::Behind if responder::may_defend(owned, responder::REASSERT_INTERVAL, now) => {
                self.announcer.start(claim.ip, now);
            }
            Claimant::Foreign if responder::may_defend(owned, responder::DEFEND_INTERVAL, now) => {
                self.announcer.once(claim.ip, now);
            }
            Claimant::Behind | Claimant::Foreign => {}
        }
        claim
    }

    // --- the kernel filter ----------------------------------------------------------------------------------------

    /// The filter for ARP that lets through what concerns the IPv4 addresses that are ours, in at most `limit`
    /// instructions.
    pub fn filter(&self, limit: usize) -> filter::Program {
        let ours = self.addresses.keys().filter_map(|ip| match ip {
            IpAddr::V4(v4) => Some(*v4..=*v4),
            IpAddr::V6(_) => None,
        });
        filter::compile(ours, limit)
    }

    /// Whether [`filter`](Self::filter) differs from what it was when this was last asked. To be asked once after a
    /// batch of changes, so that a thousand new addresses cost one new filter.
    pub fn take_filter_changed(&mut self) -> bool {
        std::mem::take(&mut self.filter_changed)
    }

    // --- what can be seen -----------------------------------------------------------------------------------------

    /// What was received and sent for each address that is ours.
    pub fn counters(&self) -> impl Iterator<Item = (IpAddr, AddressCounters)> {
        self.addresses.iter().map(|(ip, owned)| (*ip, owned.counters))
    }

    /// How many frames were ignored for each reason ([`Ignored::label`](crate::Ignored::label)).
    pub fn ignored(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.ignored.iter().map(|(label, count)| (*label, *count))
    }

    /// Who else said it has `ip` since it is ours, if anybody did. A claim by a speaker counts too.
    pub fn conflict(&self, ip: IpAddr) -> Option<Conflict> {
        self.addresses.get(&ip)?.conflict
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

#[cfg(test)]
mod tests;
