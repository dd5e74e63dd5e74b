//! The speakers on other nodes: who is alive, who is away for a moment only, and whose view counts.
//!
//! ```text
//!               Up                    facts: current
//!   unknown ─────────► alive, silent ───────────────► alive ──┐
//!      ▲                               Away, Silent      │    │ Down: its node is gone, or it stops for good
//!      │        grace over, or its node is gone          ▼    ▼
//!      └──────────────────────────────────────────── away   unknown
//! ```
//!
//! A speaker that *restarts* says so, and for how long it may take ([`MemberEvent::Away`]); one that was killed or gets no
//! processor is silent ([`MemberEvent::Silent`]). In both cases its node may go on forwarding what is sent to it, so what
//! it owned stays where it is: it counts as a candidate like any other, for those addresses, until it is back with a
//! fresh view, until its grace time is over, or until its node turns out to be gone ([`Speakers::give_up`]). Who is next
//! in line finds out whether it is, and answers new neighbours meanwhile (`stand_in`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_election::Presence;
use herald_membership::{Digest, Facts, Freshness, Phase};

use super::freshness::Views;
use super::step::MemberEvent;

/// The speakers on other nodes.
#[derive(Debug)]
pub(super) struct Speakers {
    /// How long one that fell silent is waited for.
    silent_grace: Duration,
    /// One whose facts are not known yet (protocol 0) is no candidate: it may have just started and not see the
    /// cluster yet.
    alive: BTreeMap<Arc<str>, Facts>,
    away: BTreeMap<Arc<str>, Away>,
    views: Views,
    /// What speakers last said of their interfaces, also those that are not alive any more: how they are recognised on
    /// the wire. Only of nodes that exist.
    macs: BTreeMap<Arc<str>, Vec<[u8; 6]>>,
}

/// A speaker that may be back in a moment.
#[derive(Debug)]
struct Away {
    grace: Duration,
    /// When the grace time is over; set at the next [`Speakers::turn`].
    until: Option<Duration>,
    /// What it said last before it went.
    facts: Facts,
}

/// What a change of one speaker means for the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Somebody else may be elected.
    pub(super) changed: bool,
    /// The speaker no longer has these addresses of those that were asked about: it has handed them over, or has seen
    /// that they were not its own.
    pub(super) released: Vec<IpAddr>,
}

/// What the passing of time has changed.
#[derive(Debug)]
pub(super) struct Turn {
    /// Others than before are left out because their view is stale.
    pub(super) views_changed: bool,
    /// Nodes whose speakers were away, and are waited for no more.
    pub(super) given_up: Vec<Arc<str>>,
}

impl Speakers {
    /// Nobody yet. One that falls silent, on a node that answers, is waited for so long.
    pub(super) fn new(silent_grace: Duration) -> Self {
        let (alive, away, macs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { silent_grace, alive, away, views: Views::default(), macs }
    }

    /// Takes in what the membership says. `mine` are the addresses that this node owns.
    pub(super) fn hear(&mut self, event: &MemberEvent, mine: impl Iterator<Item = IpAddr>) -> Heard {
        let changed = match event {
            MemberEvent::Up(node) => {
                self.alive.insert(node.clone(), Facts::default());
                true
            }
            MemberEvent::Down(node) => {
                let was_away = self.away.remove(node).is_some();
                self.alive.remove(node).is_some() || was_away
            }
            MemberEvent::Away(node, grace) => self.lose(node, *grace),
            MemberEvent::Silent(node) => self.lose(node, self.silent_grace),
            MemberEvent::Facts(node, facts) => return self.say(node, facts, mine),
            MemberEvent::Quiet(_)
            | MemberEvent::Alone(_)
            | MemberEvent::Former(_)
            | MemberEvent::Started
            | MemberEvent::FactsOverdue => false,
        };
        Heard { changed, released: Vec::new() }
    }

    /// A speaker is not alive any more, and may be back within `grace`.
    fn lose(&mut self, node: &Arc<str>, grace: Duration) -> bool {
        let facts = self.alive.remove(node);
        facts.is_some_and(|facts| self.go_away(node, grace, facts))
    }

    /// A speaker goes, with these facts, to be back within `grace`.
    fn go_away(&mut self, node: &Arc<str>, grace: Duration, facts: Facts) -> bool {
        if facts.protocol > 0 && !grace.is_zero() {
            // If it is not back yet from the last time, it has nothing new to say of what it owns.
            let facts = match self.away.remove(node) {
                Some(before) => before.facts,
                None => facts,
            };
            self.away.insert(node.clone(), Away { grace, until: None, facts });
        }
        true
    }

    fn say(&mut self, node: &Arc<str>, facts: &Facts, mine: impl Iterator<Item = IpAddr>) -> Heard {
        let Some(known) = self.alive.get_mut(node) else { return Heard::default() };
        if known == facts {
            return Heard::default();
        }
        // Who is met anew and has decided already was cut off: until a moment ago it may have had anything. (A process that
        // has just started is blind at first.)
        let met = known.protocol == 0 && facts.protocol > 0 && facts.freshness != Freshness::Blind;
        let released = if known.owned == facts.owned {
            Vec::new()
        } else {
            let had = |ip: &IpAddr| {
                let ip = ip.to_string();
                (met || known.owned.contains(&ip) == Some(true)) && facts.owned.contains(&ip) != Some(true)
            };
            mine.filter(had).collect()
        };
        // Its last words; what follows is silence, or another process that knows nothing yet.
        if let Phase::Restarting { grace } = facts.phase {
            let facts = Facts { phase: Phase::Running, ..facts.clone() };
            self.alive.remove(node);
            self.go_away(node, grace, facts);
            return Heard { changed: true, released };
        }
        *known = facts.clone();
        if !facts.macs.is_empty() {
            self.macs.insert(node.clone(), facts.macs.clone());
        }
        if is_settled(facts) {
            self.away.remove(node);
        }
        Heard { changed: true, released }
    }

    /// Time has come to `now`; this speaker is `me`, whose view is `current` or not.
    pub(super) fn turn(&mut self, me: &str, current: bool, now: Duration) -> Turn {
        for away in self.away.values_mut() {
            away.until.get_or_insert(now.saturating_add(away.grace));
        }
        let over = self.away.iter().filter(|(_, away)| away.until.is_some_and(|until| now >= until));
        let given_up: Vec<_> = over.map(|(node, _)| node.clone()).collect();
        self.away.retain(|node, _| !given_up.contains(node));
        let others = self.alive.iter().filter(|(_, facts)| facts.protocol > 0);
        let others = others.map(|(name, facts)| (name.clone(), facts.freshness == Freshness::Current));
        let views_changed = self.views.update(others.chain([(Arc::from(me), current)]), now);
        Turn { views_changed, given_up }
    }

    /// When time alone may change something.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        self.away.values().filter_map(|away| away.until).chain(self.views.deadline(now)).min()
    }

    /// The node of a speaker that is away does not answer either: nobody waits for it any more. True if it was away.
    pub(super) fn give_up(&mut self, node: &str) -> bool {
        self.away.remove(node).is_some()
    }

    /// How the speaker on another node is, as a candidate for what it does not keep while it is away.
    pub(super) fn presence(&self, node: &str) -> Presence {
        match self.alive.get(node) {
            // One that has not seen the cluster yet announces nothing, however stale all others are.
            Some(facts) if facts.protocol > 0 && facts.freshness != Freshness::Blind => {
                let leaving = matches!(facts.phase, Phase::Draining | Phase::Stopping);
                Presence::Alive { current: self.views.counts(node), leaving }
            }
            _ => Presence::Absent,
        }
    }

    /// Whether a speaker that is away may have owned `address` when it went: it counts as a candidate like any other.
    pub(super) fn keeps(&self, node: &str, address: IpAddr) -> bool {
        let Some(away) = self.away.get(node) else { return false };
        away.facts.owned.contains(&address.to_string()) != Some(false)
    }

    /// Whether a speaker that is left out because its view is stale counts all the same for `address`: it says that it owns
    /// that (or may, if it has too many to say), and others may not have left it out yet.
    pub(super) fn counts_on(&self, node: &str, address: IpAddr) -> bool {
        let says_so = |facts: &Facts| facts.owned.contains(&address.to_string()) != Some(false);
        self.views.counts_for_its_own(node) && self.alive.get(node).is_some_and(says_so)
    }

    /// Whether a speaker that is away said that it owns `address` when it went: nobody else has taken it since.
    pub(super) fn kept(&self, node: &str, address: IpAddr) -> bool {
        let Some(away) = self.away.get(node) else { return false };
        away.facts.owned.contains(&address.to_string()) == Some(true)
    }

    /// Whether this node's speaker answers for itself just now: it is alive, and not about to be.
    pub(super) fn is_away(&self, node: &str) -> bool {
        self.away.contains_key(node)
    }

    /// Whether this speaker's own view is fresh enough to count.
    pub(super) fn counts(&self, me: &str) -> bool {
        self.views.counts(me)
    }

    /// What a node's speaker says of itself, or said before it went away for a moment.
    pub(super) fn facts(&self, node: &str) -> Option<&Facts> {
        let away = || self.away.get(node).map(|away| &away.facts);
        self.alive.get(node).filter(|facts| facts.protocol > 0).or_else(away)
    }

    /// What a node's speaker says that it owns; `None` if it isn't alive.
    pub(super) fn owned(&self, node: &str) -> Option<&Digest> {
        self.alive.get(node).map(|facts| &facts.owned)
    }

    /// Whether all that are alive have told their facts.
    pub(super) fn all_have_spoken(&self) -> bool {
        self.alive.values().all(|facts| facts.protocol > 0)
    }

    /// Whether a node's speaker is one of these.
    pub(super) fn is_fit(&self, node: &str) -> bool {
        self.alive.get(node).is_some_and(is_settled)
    }

    /// Those that stay and see the cluster as it is.
    pub(super) fn fit(&self) -> impl Iterator<Item = &str> {
        self.alive.iter().filter(|(_, facts)| is_settled(facts)).map(|(node, _)| &**node)
    }

    /// MACs of a node's speaker, as it last told them.
    pub(super) fn macs_of(&self, node: &str) -> &[[u8; 6]] {
        self.macs.get(node).map_or(&[], Vec::as_slice)
    }

    /// MACs of all speakers that were ever heard of.
    pub(super) fn macs(&self) -> impl Iterator<Item = [u8; 6]> + '_ {
        self.macs.values().flatten().copied()
    }

    /// Nodes whose speakers' MACs are known though they are not alive.
    pub(super) fn silent(&self) -> BTreeSet<&str> {
        let silent = self.macs.keys().filter(|node| self.facts(node).is_none());
        silent.map(|node| &**node).collect()
    }

    /// Only these nodes exist.
    pub(super) fn forget_others(&mut self, exists: impl Fn(&str) -> bool) {
        self.macs.retain(|node, _| exists(node) || self.alive.contains_key(node));
    }
}

/// Whether a speaker stays and sees the cluster as it is.
fn is_settled(facts: &Facts) -> bool {
    facts.protocol > 0 && facts.freshness == Freshness::Current && facts.phase == Phase::Running
}
