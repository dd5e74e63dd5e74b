//! One speaker: the real membership and the real decision, joined as the program joins them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use herald_membership::{Config, Digest, DownReason, Facts, KeyRing, Leave, Membership, Output, Phase, Timing};
use herald_runtime::watch::Change;
use herald_speaker::decide::{MemberEvent, Request, Settings, Step, World};
use herald_speaker::watch::Seen;

use crate::truth::{self, Truth};
use crate::wire::{Wire, mac};

/// How long those that answered may take to tell their facts; as in the program.
pub(crate) const FACTS_PATIENCE: Duration = Duration::from_millis(500);

/// What a call to a speaker leads to outside of it.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) sent: Vec<(SocketAddr, Vec<u8>)>,
    /// Something was heard that a decision should follow.
    pub(crate) news: bool,
    /// Start-up silence is over.
    pub(crate) started: bool,
    /// It has said good-bye.
    pub(crate) left: bool,
    /// What it was told of the others, for the story.
    pub(crate) told: Vec<String>,
}

/// What a decision leads to outside of the speaker.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// Addresses that are answered for from now on (true), or no longer.
    pub(crate) changes: Vec<(IpAddr, bool)>,
    /// Nodes that the network is asked for.
    pub(crate) probes: Vec<IpAddr>,
    /// It was about to stop for good, and everything is handed over.
    pub(crate) handed_over: bool,
}

/// A running speaker.
pub(crate) struct Speaker {
    membership: Membership,
    world: World,
    pub(crate) wire: Wire,
    node: usize,
    nodes: usize,
    /// The version of the truth that it has seen; `None`: nothing yet.
    pub(crate) seen: Option<Truth>,
    stopping: bool,
    /// Whether somebody wants the story.
    pub(crate) loud: bool,
    watched: Vec<String>,
}

/// One change on its way to a speaker.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// Everything: the watches have just started, or work again.
    All,
    Slice(usize),
    Node(usize),
    /// The API server can't be reached.
    Broken,
}

impl Speaker {
    pub(crate) fn start(
        node: usize,
        nodes: usize,
        boot_id: u64,
        seed: [u8; 32],
        keys: KeyRing,
        timing: Timing,
        silent_grace: Duration,
    ) -> Self {
        let config = Config {
            node: truth::name(node),
            address: truth::address(node),
            boot_id,
            cluster_uid: "cluster".to_owned(),
            timing,
            seed,
        };
        let membership = Membership::new(config, keys).expect("the configuration is good");
        let mut world = World::new(truth::name(node), Settings { silent_grace, ..Settings::default() });
        world.set_interfaces(BTreeMap::from([("eth0".to_owned(), mac(node))]));
        let wire = Wire::new(node);
        Self { membership, world, wire, node, nodes, seen: None, stopping: false, loud: false, watched: Vec::new() }
    }

    pub(crate) fn receive(&mut self, from: SocketAddr, datagram: &[u8], now: Duration) {
        let _ = self.membership.receive(from, datagram, now);
        // As the shell does: what is due is done after what has come.
        if self.membership.next_deadline().is_some_and(|due| due <= now) {
            self.membership.handle_deadline(now);
        }
    }

    pub(crate) fn wake(&mut self, now: Duration) {
        self.membership.handle_deadline(now);
    }

    pub(crate) fn wake_at(&self) -> Option<Duration> {
        self.membership.next_deadline()
    }

    /// Says good-bye, for a moment or after everything is handed over.
    pub(crate) fn leave(&mut self, how: Leave, now: Duration) {
        self.membership.leave(how, now);
    }

    /// Begins to hand over everything. False: there is nothing that could be.
    pub(crate) fn begin_to_stop(&mut self) -> bool {
        self.stopping = self.world.is_ready();
        if self.stopping {
            self.world.leave();
        }
        self.stopping
    }

    /// The kernel of a node that was asked for answers.
    pub(crate) fn heard(&mut self, node: usize) {
        self.world.heard(truth::address(node).ip(), mac(node), "eth0");
    }

    pub(crate) fn facts_overdue(&mut self) {
        self.world.hear(MemberEvent::FactsOverdue);
    }

    /// Takes in what the API server says.
    pub(crate) fn see(&mut self, news: &News, truth: &Truth, now: Duration) {
        let (services, nodes) = (0..truth.services.len(), 0..self.nodes);
        let seen = match news {
            News::Broken => {
                vec![
                    Seen::Services(Change::Broken("away".to_owned())),
                    Seen::Slices(Change::Broken("away".to_owned())),
                    Seen::Nodes(Change::Broken("away".to_owned())),
                    Seen::Pools(Change::Broken("away".to_owned())),
                    Seen::L2Advertisements(Change::Broken("away".to_owned())),
                ]
            }
            News::All => {
                vec![
                    Seen::Services(Change::Reset(services.clone().map(|s| truth.service_seen(s)).collect())),
                    Seen::Slices(Change::Reset(services.map(|s| truth.slice(s)).collect())),
                    Seen::Nodes(Change::Reset(nodes.map(|n| truth.node_seen(n)).collect())),
                    Seen::Pools(Change::Reset(vec![truth::pool()])),
                    Seen::L2Advertisements(Change::Reset(vec![truth::advertisement(truth.failback)])),
                    Seen::BgpPeers(Change::Reset(vec![])),
                    Seen::BgpAdvertisements(Change::Reset(vec![])),
                    Seen::Communities(Change::Reset(vec![])),
                    Seen::BfdProfiles(Change::Reset(vec![])),
                ]
            }
            News::Slice(service) => vec![Seen::Slices(Change::Applied(truth.slice(*service)))],
            News::Node(node) => vec![Seen::Nodes(Change::Applied(truth.node_seen(*node)))],
        };
        if !matches!(news, News::Broken) {
            self.seen = Some(truth.clone());
        }
        for seen in seen {
            for request in self.world.see(seen) {
                let Request::ListSlices(key) = request;
                let slices = (0..truth.services.len()).filter(|s| truth::service_key(*s) == key);
                let slices = slices.map(|s| truth.slice(s)).collect();
                self.world.see(Seen::SlicesOf(key, slices));
            }
        }
        if matches!(news, News::All) {
            let others = (0..self.nodes).filter(|n| *n != self.node);
            self.membership.set_nodes(others.map(|n| (truth::name(n), truth::address(n))), now);
        }
    }

    /// What the calls since the last time lead to.
    pub(crate) fn effects(&mut self) -> Effects {
        let mut effects = Effects::default();
        while let Some(output) = self.membership.poll_output() {
            let event = match output {
                Output::Send { to, datagram } => {
                    effects.sent.push((to, datagram));
                    continue;
                }
                Output::Left { .. } => {
                    effects.left = true;
                    continue;
                }
                Output::Quiet { node } => MemberEvent::Quiet(node),
                Output::Alone(alone) => MemberEvent::Alone(alone),
                Output::MemberUp { node, .. } => MemberEvent::Up(node),
                Output::MemberDown { node, reason: DownReason::Left(Phase::Restarting { grace }), .. } => {
                    MemberEvent::Away(node, grace)
                }
                Output::MemberDown { node, reason: DownReason::Silent | DownReason::Reported, .. } => {
                    MemberEvent::Silent(node)
                }
                Output::MemberDown { node, .. } => MemberEvent::Down(node),
                Output::FactsChanged { node, facts } => MemberEvent::Facts(node, facts),
                Output::Former { facts } => MemberEvent::Former(facts),
                Output::Started => {
                    effects.started = true;
                    MemberEvent::Started
                }
            };
            effects.news = true;
            if self.loud {
                effects.told.push(match &event {
                    MemberEvent::Facts(of, Facts { freshness, phase, owned, .. }) => {
                        let all = 0..self.world.nodes().count();
                        let owned: Vec<_> = all
                            .map(truth::service_ip)
                            .filter(|ip| owned.contains(&ip.to_string()) == Some(true))
                            .collect();
                        format!("{of} says {freshness:?}, {phase:?}, owns {owned:?}")
                    }
                    other => format!("{other:?}"),
                });
            }
            self.world.hear(event);
        }
        effects
    }

    /// Decides, and tells the others what has become of it.
    pub(crate) fn decide(&mut self, now: Duration) -> Decided {
        let mut decided = Decided::default();
        let mut verdicts = Vec::new();
        for step in self.world.decide(now) {
            self.wire.obey(&step, now);
            match step {
                Step::Own { ip, .. } => decided.changes.push((ip, true)),
                Step::Disown { ip } => decided.changes.push((ip, false)),
                Step::Probe { target } => decided.probes.push(target),
                Step::Quiet { node, answers } => verdicts.push((node, answers)),
                Step::Announce { .. } | Step::StandIn { .. } | Step::Speakers(_) | Step::Verdict { .. } => {}
                Step::Peers { .. } | Step::Routes(_) | Step::Routed { .. } => {}
            }
        }
        let watched: Vec<_> = self.world.watched().map(str::to_owned).collect();
        if watched != self.watched {
            self.membership.watch(watched.iter().map(String::as_str), now);
            self.watched = watched;
        }
        let facts = Facts {
            protocol: 1,
            freshness: self.world.freshness(),
            phase: self.world.phase(),
            interfaces: Digest::of(self.world.interfaces().map(|(name, _)| name)),
            owned: Digest::of(self.world.owned().map(|ip| ip.to_string())),
            macs: self.world.interfaces().map(|(_, mac)| mac.octets()).collect(),
        };
        self.membership.set_facts(facts, now);
        for (node, answers) in verdicts {
            if answers {
                self.membership.deny_quiet(&node, now);
            } else {
                self.membership.confirm_quiet(&node, now);
            }
        }
        decided.handed_over = self.stopping && self.world.has_handed_over();
        decided
    }

    pub(crate) fn decide_at(&self) -> Option<Duration> {
        self.world.deadline()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.world.is_ready()
    }

    /// Whom it believes alive, for the story.
    pub(crate) fn members(&self) -> BTreeSet<usize> {
        self.membership.members().map(|member| truth::number(member.node)).collect()
    }
}
