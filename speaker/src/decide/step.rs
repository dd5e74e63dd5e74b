//! What goes into a decision and what comes out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_compiler::BgpPeer;
use herald_membership::{Alone, Facts};
use herald_neighbor::{MacAddr, Scope};

use super::verdict::Verdict;
use crate::bgp::Routes;
use crate::bgp::wanted::Wanted;
use crate::watch::service::ServiceKey;

/// What the membership says of the other speakers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberEvent {
    /// This node's speaker is alive there.
    Up(Arc<str>),
    /// It is not any more, and its node does not answer either; or it said that it stops for good.
    Down(Arc<str>),
    /// It fell silent. Whether its node lives is not known: a process that was killed, or gets no processor, says as
    /// little as a machine without power.
    Silent(Arc<str>),
    /// It restarts, and has asked to be waited for so long.
    Away(Arc<str>, Duration),
    /// It has missed its heartbeats; its node should be looked for on layer 2.
    Quiet(Arc<str>),
    /// There should be other speakers, and none has answered for long.
    Alone(Option<Alone>),
    /// It says this about itself.
    Facts(Arc<str>, Facts),
    /// This node's last speaker said this when it restarted.
    Former(Facts),
    /// The others had their chance to answer: from now on, silence means absence.
    Started,
    /// Those that answered had their chance to tell their facts.
    FactsOverdue,
}

impl MemberEvent {
    /// The node that it is about.
    pub(super) fn node(&self) -> Option<&str> {
        match self {
            Self::Up(node)
            | Self::Down(node)
            | Self::Silent(node)
            | Self::Away(node, _)
            | Self::Quiet(node)
            | Self::Facts(node, _) => Some(node),
            Self::Alone(_) | Self::Former(_) | Self::Started | Self::FactsOverdue => None,
        }
    }
}

/// What the world needs to know to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The EndpointSlices of this Service.
    ListSlices(ServiceKey),
}

/// One consequence of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Answer for `ip` on these interfaces.
    Own {
        /// The address.
        ip: IpAddr,
        /// Where.
        scope: Scope,
        /// MACs of speakers that are not known to be alive, but would own it if they were.
        ahead: BTreeSet<MacAddr>,
    },
    /// Say again that `ip` is here: another node has just given it up.
    Announce {
        /// The address.
        ip: IpAddr,
    },
    /// Answer for `ip` in the name of its owner, whose speaker restarts.
    StandIn {
        /// The address.
        ip: IpAddr,
        /// Where.
        scope: Scope,
        /// The owner's MAC there.
        mac: MacAddr,
    },
    /// Ask the network for a node's own address.
    Probe {
        /// The address.
        target: IpAddr,
    },
    /// What became of a node that was quiet: does it answer on layer 2?
    Quiet {
        /// The node.
        node: Arc<str>,
        /// It answers.
        answers: bool,
    },
    /// These MACs are the other speakers'.
    Speakers(BTreeSet<MacAddr>),
    /// Stop answering for `ip`.
    Disown {
        /// The address.
        ip: IpAddr,
    },
    /// The verdict about a Service has changed; `None`: there is no such Service (any more).
    Verdict {
        /// The Service.
        service: ServiceKey,
        /// Its UID, for Events.
        uid: String,
        /// What was decided.
        verdict: Option<Verdict>,
        /// What was decided the last time.
        before: Option<Verdict>,
    },
    /// Speak with these routers, and with no others.
    Peers {
        /// The BGPPeers that select this node.
        peers: Vec<BgpPeer>,
        /// What they mean here.
        wanted: Wanted,
        /// All that those are to be told with which a session is new or not as it was.
        routes: BTreeMap<String, Routes>,
    },
    /// What routers are told of these prefixes, by name of the BGPPeer.
    Routes(BTreeMap<String, Routes>),
    /// Other routers than before have the routes of a Service from here.
    Routed {
        /// The Service.
        service: ServiceKey,
        /// Its UID, for Events.
        uid: String,
        /// Names of the BGPPeers, none while no session carries them. `None`: it has no routes from here.
        peers: Option<BTreeSet<String>>,
    },
}
