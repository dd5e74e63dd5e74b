//! The whole of layer 2 on one node, as one value.

mod hearing;
mod time;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::action::{Notice, Transmission};
use crate::announcer::Announcer;
use crate::asked::{Asked, TooManyTargets};
use crate::conflict::Conflict;
use crate::deadlines::Deadlines;
use crate::filter;
use crate::pace::Pace;
use crate::packet::MacAddr;
use crate::packet::ndp::solicited_node_group;
use crate::state::{AddressCounters, Held, Interface, InterfaceIndex, Interfaces, Owner, Role, Scope, Standing};
use crate::yielding;

/// Most transmissions that one [`Layer2::poll`] hands out (the last address's may exceed it), so that answers to
/// requests never wait for a long train of announcements.
pub const TRANSMISSIONS_PER_POLL: usize = 512;

/// Notices that are kept until they are [taken](Layer2::take_notice); more are dropped and counted.
pub const NOTICES_KEPT: usize = 32_768;

/// How often a conflict is told while there is no refresh.
const PERIOD_WITHOUT_REFRESH: Duration = Duration::from_secs(60);

/// What does not change while a speaker runs.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Time between announcements of an address that is simply there; zero for none. The actual time is up to a fifth
    /// shorter or longer, and never below [`SHORTEST_GAP`](crate::announcer::SHORTEST_GAP).
    pub refresh: Duration,
    /// Where jitter comes from. Nodes should differ in it.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { refresh: Duration::from_secs(60), seed: 0 }
    }
}

/// Answers for the addresses that this node holds, and announces them.
///
/// Time is always an argument: how long it is since an origin of the caller's choice, the same in every call, and never
/// less than in the call before.
#[derive(Debug)]
pub struct Layer2 {
    interfaces: Interfaces,
    held: BTreeMap<IpAddr, Held>,
    /// MACs of the other speakers.
    speakers: BTreeSet<MacAddr>,
    announcer: Announcer,
    asked: Asked,
    /// Yielded addresses, and when each is probed next.
    yielded: Deadlines,
    probes: Pace,
    /// Addresses with a conflict, and when to look whether it is over.
    conflicts: Deadlines,
    /// How often a conflict that goes on is told.
    period: Duration,
    /// Questions to send at the next poll.
    questions: Vec<Transmission>,
    notices: VecDeque<Notice>,
    notices_dropped: u64,
    silent: bool,
    ignored: BTreeMap<&'static str, u64>,
    filter_changed: bool,
    groups_changed: bool,
}

impl Layer2 {
    /// Nothing held, no interfaces, not silent.
    pub fn new(settings: Settings) -> Self {
        let Settings { refresh, seed } = settings;
        Self {
            interfaces: Interfaces::default(),
            held: BTreeMap::new(),
            speakers: BTreeSet::new(),
            announcer: Announcer::new(refresh, seed),
            asked: Asked::default(),
            yielded: Deadlines::default(),
            probes: Pace::new(yielding::PROBES_PER_SECOND, yielding::PROBES_AT_ONCE),
            conflicts: Deadlines::default(),
            period: if refresh.is_zero() { PERIOD_WITHOUT_REFRESH } else { refresh },
            questions: Vec::new(),
            notices: VecDeque::new(),
            notices_dropped: 0,
            silent: false,
            ignored: BTreeMap::new(),
            filter_changed: false,
            groups_changed: false,
        }
    }

    // --- interfaces -----------------------------------------------------------------------------------------------

    /// An interface came, came back or changed. If others see a difference (name, MAC, link-local address), every
    /// address that belongs on it is announced again. Telling the same thing twice does nothing.
    pub fn set_interface(&mut self, interface: Interface, now: Duration) {
        let index = interface.index;
        if self.interfaces.set(interface) {
            self.groups_changed = true;
            self.announce_on(index, now);
        }
    }

    /// An interface went away, went down, or is no longer to be used. Frames from it are ignored from now on.
    pub fn remove_interface(&mut self, index: InterfaceIndex) -> Option<Interface> {
        self.groups_changed = true;
        self.interfaces.remove(index)
    }

    /// The interfaces in use, by index.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter()
    }

    /// One of the MACs of this node's interfaces that are *not* in use (excluded, enslaved), while it is `present`: what
    /// comes from them is our own word, never somebody else's claim.
    pub fn set_other_local_mac(&mut self, mac: MacAddr, present: bool) {
        self.interfaces.set_other_mac(mac, present);
    }

    // --- addresses ------------------------------------------------------------------------------------------------

    /// `ip` is ours on the interfaces of `scope`: it is answered from now on and announced at the next [`poll`](Self::poll).
    /// Claims from the MACs `ahead` come before ours. For an address that is ours already, only scope and `ahead` change;
    /// it is announced again if an interface was added, or if it was yielded to somebody who is not ahead any more.
    pub fn own(&mut self, ip: IpAddr, scope: Scope, ahead: BTreeSet<MacAddr>, now: Duration) {
        match self.held.get_mut(&ip) {
            Some(Held { scope: known, role: Role::Owner(owner), .. }) => {
                owner.ahead = ahead;
                let resumes = owner.yielded.is_some_and(|yielded| !owner.ahead.contains(&yielded.owner()));
                if *known != scope {
                    self.groups_changed = true;
                    let before = std::mem::replace(known, scope);
                    let wider = self.interfaces.carrying(ip, known).any(|interface| !before.contains(interface));
                    if wider && owner.yielded.is_none() {
                        self.announcer.start(ip, now);
                    }
                }
                if resumes {
                    self.resume(ip, now);
                }
            }
            _ => {
                let owner = Owner { ahead, ..Owner::default() };
                self.hold(ip, Held::new(scope, Role::Owner(owner)));
                self.announcer.start(ip, now);
            }
        }
    }

    /// Requests for `ip` are answered with its owner's MAC, until [`own`](Self::own) or [`disown`](Self::disown). It is
    /// never announced. If it was ours, it no longer is.
    pub fn stand_in(&mut self, ip: IpAddr, scope: Scope, mac: MacAddr) {
        match self.held.get_mut(&ip) {
            Some(Held { scope: known, role: Role::StandIn(owner), .. }) if *known == scope => *owner = mac,
            _ => {
                self.disown(ip);
                self.hold(ip, Held::new(scope, Role::StandIn(mac)));
            }
        }
    }

    /// `ip` is no longer ours: not one more answer, not one more announcement. Nothing is sent to say so; the new
    /// owner's announcement is what moves traffic. False if it was not held.
    pub fn disown(&mut self, ip: IpAddr) -> bool {
        self.announcer.stop(ip);
        self.yielded.clear(ip);
        self.conflicts.clear(ip);
        let was_held = self.held.remove(&ip).is_some();
        self.filter_changed |= was_held;
        self.groups_changed |= was_held;
        was_held
    }

    fn hold(&mut self, ip: IpAddr, held: Held) {
        self.filter_changed |= self.held.insert(ip, held).is_none();
        self.groups_changed = true;
    }

    /// MACs of all other speakers. A claim by one of them is no conflict as long as it may not have heard yet.
    pub fn set_speakers(&mut self, speakers: BTreeSet<MacAddr>) {
        if self.speakers == speakers {
            return;
        }
        let newly: Vec<IpAddr> = self
            .held
            .iter_mut()
            .filter_map(|(ip, held)| Some((*ip, held.owner_mut()?)))
            .filter_map(|(ip, owner)| {
                // A stranger turns out to be a speaker that has just started.
                let known = owner.conflict.take_if(|conflict| speakers.contains(&conflict.mac))?;
                known.is_told().then_some(ip)
            })
            .collect();
        self.speakers = speakers;
        for ip in newly {
            self.conflicts.clear(ip);
            self.notice(Notice::ConflictOver { ip });
        }
    }

    /// The addresses that are held, in order.
    pub fn held(&self) -> impl Iterator<Item = (IpAddr, &Scope, Standing)> {
        self.held.iter().map(|(ip, held)| (*ip, &held.scope, held.standing()))
    }

    /// What is done for `ip`, if it is held.
    pub fn standing(&self, ip: IpAddr) -> Option<Standing> {
        self.held.get(&ip).map(Held::standing)
    }

    /// The interfaces on which `ip` is answered at this moment; none if it is not held or yielded, or all that its scope
    /// names are missing.
    pub fn interfaces_of(&self, ip: IpAddr) -> impl Iterator<Item = &Interface> {
        let held = self.held.get(&ip).filter(|held| held.standing() != Standing::Yielded);
        held.into_iter().flat_map(move |held| self.interfaces.carrying(ip, &held.scope))
    }

    // --- announcing and asking ------------------------------------------------------------------------------------

    /// Keeps everything back (true), or lets it go (false): no answer, no announcement. For the time after a start, or
    /// after the network came back, in which it is not known yet who else is there. When it ends, every address is
    /// announced.
    pub fn set_silent(&mut self, silent: bool, now: Duration) {
        if std::mem::replace(&mut self.silent, silent) && !silent {
            self.announce_all(now);
        }
    }

    /// Announces `ip` again, with a burst, as if it had just been won; nothing if it is not ours or yielded.
    pub fn announce(&mut self, ip: IpAddr, now: Duration) {
        if self.standing(ip) == Some(Standing::Owner) {
            self.announcer.start(ip, now);
        }
    }

    /// Announces every address again, as after a partition that has healed.
    pub fn announce_all(&mut self, now: Duration) {
        for (ip, _) in self.held.iter().filter(|(_, held)| held.standing() == Standing::Owner) {
            self.announcer.start(*ip, now);
        }
    }

    /// Announces again every address that belongs on this interface, as after its link came back.
    pub fn announce_on(&mut self, index: InterfaceIndex, now: Duration) {
        if let Some(interface) = self.interfaces.get(index) {
            for (ip, held) in &self.held {
                if held.standing() == Standing::Owner && interface.carries(*ip, &held.scope) {
                    self.announcer.start(*ip, now);
                }
            }
        }
    }

    /// Asks the network once who has `target`, at the next [`poll`](Self::poll), on the interfaces in its network (on all,
    /// if none is). Answers within a second come as [`Notice::Heard`].
    ///
    /// # Errors
    /// [`TooManyTargets`] while too many others are being asked for; nothing is asked then.
    pub fn probe(&mut self, target: IpAddr, now: Duration) -> Result<(), TooManyTargets> {
        self.filter_changed |= self.asked.ask(target, now)?;
        self.questions.retain(|question| question.ip != target);
        let questions = self.interfaces.towards(target).into_iter().filter_map(|on| time::probe(on, target));
        self.questions.extend(questions);
        Ok(())
    }

    // --- what the kernel is to do ---------------------------------------------------------------------------------

    /// The filter for ARP that lets through what concerns the IPv4 addresses that are held or asked for, in at most
    /// `limit` instructions.
    pub fn arp_filter(&self, limit: usize) -> filter::Program {
        let concerned = self.concerned().filter_map(|ip| match ip {
            IpAddr::V4(v4) => Some(v4..=v4),
            IpAddr::V6(_) => None,
        });
        filter::compile_arp(concerned, limit)
    }

    /// The filter for neighbour discovery, as [`arp_filter`](Self::arp_filter) for ARP.
    pub fn ndp_filter(&self, limit: usize) -> filter::Program {
        let concerned = self.concerned().filter_map(|ip| match ip {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(v6..=v6),
        });
        filter::compile_ndp(concerned, limit)
    }

    /// Whether any IPv6 address is held or asked for: if not, nobody needs to listen for neighbour discovery.
    pub fn concerns_ipv6(&self) -> bool {
        let beyond_ipv4 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        self.held.range(beyond_ipv4..).next().is_some() || self.asked.targets().any(|ip| ip.is_ipv6())
    }

    fn concerned(&self) -> impl Iterator<Item = IpAddr> {
        self.held.keys().copied().chain(self.asked.targets())
    }

    /// Whether the filters differ from what they were when this was last asked. To be asked once after a batch of changes,
    /// so that a thousand new addresses cost one new filter.
    pub fn take_filter_changed(&mut self) -> bool {
        std::mem::take(&mut self.filter_changed)
    }

    /// The groups in which solicitations for held addresses arrive on this interface, which it has to have joined.
    pub fn groups(&self, interface: &Interface) -> BTreeSet<Ipv6Addr> {
        let held = self.held.iter().filter(|(ip, held)| interface.carries(**ip, &held.scope));
        held.filter_map(|(ip, _)| match ip {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(solicited_node_group(*v6)),
        })
        .collect()
    }

    /// Whether [`groups`](Self::groups) may differ from what they were when this was last asked.
    pub fn take_groups_changed(&mut self) -> bool {
        std::mem::take(&mut self.groups_changed)
    }

    // --- what can be seen -----------------------------------------------------------------------------------------

    /// The oldest thing that the decider has not been told yet.
    pub fn take_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Whether there is anything to tell the decider.
    pub fn has_notice(&self) -> bool {
        !self.notices.is_empty()
    }

    /// How many notices nobody took in time.
    pub fn notices_dropped(&self) -> u64 {
        self.notices_dropped
    }

    fn notice(&mut self, notice: Notice) {
        if self.notices.len() < NOTICES_KEPT {
            self.notices.push_back(notice);
        } else {
            self.notices_dropped += 1;
        }
    }

    /// What was received and sent for each address that is held.
    pub fn counters(&self) -> impl Iterator<Item = (IpAddr, AddressCounters)> {
        self.held.iter().map(|(ip, held)| (*ip, held.counters))
    }

    /// How many frames were ignored for each reason ([`Ignored::label`](crate::Ignored::label)).
    pub fn ignored(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.ignored.iter().map(|(label, count)| (*label, *count))
    }

    /// Who else said it has `ip` since it is ours, if anybody did. A claim by a speaker behind us counts too.
    pub fn conflict(&self, ip: IpAddr) -> Option<Conflict> {
        self.held.get(&ip)?.owner()?.conflict
    }
}

#[cfg(test)]
mod tests;
