//! The routers that this node speaks with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use herald_compiler::BgpPeer;
use herald_compiler::config::Authentication;
use herald_compiler::object::Password;

use crate::decide::World;
use crate::watch::node::NodeSeen;

/// A router that this node is to speak with, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerWish {
    /// What the user wants.
    pub peer: BgpPeer,
    /// The password, or why there is none; `None` if none is wanted.
    pub password: Option<Result<Password, String>>,
    /// This node.
    pub node: NodeSeen,
}

/// The routers that this node speaks with, and how far that has come.
#[derive(Debug, Default)]
pub(in crate::decide) struct Peers {
    wishes: BTreeMap<Arc<str>, PeerWish>,
    /// Those that were not wished like this the last time.
    new: BTreeSet<Arc<str>>,
    /// The families that each session carries, if it does.
    sessions: BTreeMap<Arc<str>, BTreeSet<herald_bgp::Family>>,
    sessions_changed: bool,
    /// Names of the Secrets that are wanted.
    secrets: BTreeSet<String>,
    /// What is known of them; of what is not in here it is not known yet whether it exists.
    passwords: BTreeMap<String, Result<Password, String>>,
}

/// What is wished of this node, and the Secrets for that.
#[derive(Debug)]
pub(super) struct Wishes {
    wishes: BTreeMap<Arc<str>, PeerWish>,
    secrets: BTreeSet<String>,
}

/// The peers that select this node. One whose Secret was not looked up yet waits for that.
pub(super) fn wishes(world: &World) -> Wishes {
    let mut all = Wishes { wishes: BTreeMap::new(), secrets: BTreeSet::new() };
    let Some(node) = world.my_node() else { return all };
    for peer in world.config.bgp_peers().iter().filter(|peer| peer.selects_node(&node.labels)) {
        let password = match &peer.authentication {
            None => None,
            Some(Authentication::Password(password)) => Some(Ok(password.clone())),
            Some(Authentication::Secret(name)) => {
                all.secrets.insert(name.clone());
                let Some(known) = world.routes.peers.passwords.get(name) else { continue };
                Some(known.clone())
            }
        };
        let wish = PeerWish { peer: peer.clone(), password, node: node.clone() };
        all.wishes.insert(peer.name.as_str().into(), wish);
    }
    all
}

impl Peers {
    /// These are wished from now on; `Some` with all if that is something new.
    pub(super) fn wish(&mut self, wishes: Wishes) -> Option<BTreeMap<Arc<str>, PeerWish>> {
        let Wishes { wishes, secrets } = wishes;
        self.passwords.retain(|name, _| secrets.contains(name));
        self.secrets = secrets;
        if self.wishes == wishes {
            return None;
        }
        let old = std::mem::replace(&mut self.wishes, wishes);
        let new = self.wishes.iter().filter(|(name, wish)| old.get(*name) != Some(*wish));
        self.new = new.map(|(name, _)| Arc::clone(name)).collect();
        let gone = old.keys().filter(|name| !self.wishes.contains_key(*name));
        for name in gone {
            self.sessions_changed |= self.sessions.remove(name).is_some();
        }
        Some(self.wishes.clone())
    }

    /// Whether a peer was wished otherwise before, or not at all.
    pub(super) fn is_new(&self, name: &str) -> bool {
        self.new.contains(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.wishes.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wishes.is_empty()
    }

    pub(super) fn secrets(&self) -> &BTreeSet<String> {
        &self.secrets
    }

    /// What is known of a Secret; true if that is something new.
    pub(in crate::decide) fn set_password(&mut self, name: String, password: Result<Password, String>) -> bool {
        // Of one that is not wanted any more nothing is kept.
        self.secrets.contains(&name) && self.passwords.insert(name, password.clone()) != Some(password)
    }

    /// The session with a peer carries these families now.
    pub(super) fn set_session(&mut self, name: &str, families: BTreeSet<herald_bgp::Family>) {
        let Some((name, _)) = self.wishes.get_key_value(name) else { return };
        let name = Arc::clone(name);
        let before = match families.is_empty() {
            true => self.sessions.remove(&name),
            false => self.sessions.insert(Arc::clone(&name), families),
        };
        self.sessions_changed |= before.unwrap_or_default() != self.sessions.get(&name).cloned().unwrap_or_default();
    }

    /// Whether a session has come or gone since this was asked the last time.
    pub(super) fn take_session_changes(&mut self) -> bool {
        std::mem::take(&mut self.sessions_changed)
    }

    /// The peers whose sessions carry routes, with the families.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeSet<herald_bgp::Family>)> {
        self.sessions.iter()
    }
}
