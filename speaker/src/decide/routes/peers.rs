//! The routers that this node speaks with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use herald_bgp::Family;

use crate::bgp::Secrets;
use crate::bgp::wanted::{self, Found, Here, LinkRouter, Wanted};
use crate::decide::World;
use crate::watch::secret::SecretSeen;

/// The routers that this node speaks with, and what that takes.
#[derive(Debug, Default)]
pub(in crate::decide) struct Peers {
    wanted: Wanted,
    /// The sessions of `wanted`, under names that are shared.
    names: BTreeSet<Arc<str>>,
    /// Those that were not wanted like this the last time.
    new: Vec<Arc<str>>,
    /// The families that each session carries, if it does.
    carried: BTreeMap<Arc<str>, BTreeSet<Family>>,
    carried_changed: bool,
    secrets: Secrets,
    wanted_secrets: BTreeSet<String>,
    routers: BTreeMap<String, LinkRouter>,
    wanted_interfaces: BTreeSet<String>,
}

/// What is wanted of this node: sessions, and what has to be found out for them.
#[derive(Debug, Default)]
pub(super) struct Wish {
    wanted: Wanted,
    secrets: BTreeSet<String>,
    interfaces: BTreeSet<String>,
}

/// What the BGPPeers want of this node.
pub(super) fn wish(world: &World) -> Wish {
    let Some(node) = world.my_node() else { return Wish::default() };
    let (peers, known) = (world.config.bgp_peers(), &world.routes.peers);
    // A process that has just started is one that went on forwarding: to routers that knew none before it makes no
    // difference (RFC 4724 §4.1).
    let here = Here { node, restarted: true };
    let found = Found { secrets: &known.secrets, routers: &known.routers };
    Wish {
        wanted: wanted::wanted(peers, here, found),
        secrets: wanted::secrets(peers, node),
        interfaces: wanted::interfaces(peers, node),
    }
}

impl Peers {
    /// This is wanted from now on; true if it is something new.
    pub(super) fn follow(&mut self, wish: Wish) -> bool {
        let Wish { wanted, secrets, interfaces } = wish;
        self.secrets.retain(&secrets);
        (self.wanted_secrets, self.wanted_interfaces) = (secrets, interfaces);
        if self.wanted == wanted {
            return false;
        }
        let old = std::mem::replace(&mut self.wanted, wanted);
        self.names = self.wanted.sessions.keys().map(|name| name.as_str().into()).collect();
        let is_new = |name: &&Arc<str>| old.sessions.get(&***name) != self.wanted.sessions.get(&***name);
        self.new = self.names.iter().filter(is_new).cloned().collect();
        let carrying = self.carried.len();
        self.carried.retain(|name, _| self.names.contains(name));
        self.carried_changed |= self.carried.len() < carrying;
        true
    }

    /// What is wanted.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The sessions that are new or not as they were, since the last time that something was.
    pub(super) fn changed(&self) -> &[Arc<str>] {
        &self.new
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn secrets(&self) -> &BTreeSet<String> {
        &self.wanted_secrets
    }

    pub(super) fn interfaces(&self) -> &BTreeSet<String> {
        &self.wanted_interfaces
    }

    /// A Secret was read; true if that changes something.
    pub(in crate::decide) fn set_secret(&mut self, name: &str, seen: SecretSeen) -> bool {
        // Of one that is not wanted any more nothing is kept.
        self.wanted_secrets.contains(name) && self.secrets.take(name, seen)
    }

    /// These routers are at the other ends of links; true if that changes something.
    pub(in crate::decide) fn set_routers(&mut self, routers: BTreeMap<String, LinkRouter>) -> bool {
        let changed = self.routers != routers;
        self.routers = routers;
        changed
    }

    /// The session with a peer carries these families now.
    pub(super) fn carry(&mut self, name: &str, families: BTreeSet<Family>) {
        let Some(name) = self.names.get(name).cloned() else { return };
        let before = match families.is_empty() {
            true => self.carried.remove(&name),
            false => self.carried.insert(Arc::clone(&name), families),
        };
        self.carried_changed |= before.as_ref() != self.carried.get(&name);
    }

    /// Whether a session has begun or ceased to carry routes since this was asked the last time.
    pub(super) fn take_changes(&mut self) -> bool {
        std::mem::take(&mut self.carried_changed)
    }

    /// The peers whose sessions carry routes, with the families.
    pub(super) fn carried(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeSet<Family>)> {
        self.carried.iter()
    }
}
