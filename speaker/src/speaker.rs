//! The loop in the middle: inputs in, decisions out, nobody waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use herald_membership::{Digest, Facts, Leave};
use herald_neighbor::Notice;
use herald_runtime::clock::Monotonic;
use herald_runtime::serve::Readiness;
use herald_runtime::shutdown::Shutdown;
use kube::Client;
use tokio::sync::{mpsc, oneshot, watch as latest};

use crate::announce::wire::{Command, WireEvent};
use crate::bgp::Farewell;
use crate::bgp::wanted::LinkRouter;
use crate::claims::Claims;
use crate::decide::{MemberEvent, Reason, Request, Step, Verdict, World};
use crate::leave::Ending;
use crate::members::{QuietVerdict, describe};
use crate::metrics::SpeakerMetrics;
use crate::report::{Report, Standpoint};
use crate::sessions::{SessionEvent, Sessions};
use crate::watch::node::NodeSeen;
use crate::watch::{self, Seen};

/// Version of the rules by which this speaker decides; told to the others.
const PROTOCOL: u16 = 1;
/// Inputs taken in before a decision is made of them.
const INPUTS_PER_TURN: usize = 1024;
/// How long those that answered may take to tell their facts.
const FACTS_PATIENCE: Duration = Duration::from_millis(500);
/// The longest sleep: a grace time may be longer than a clock can tell.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// How long handing everything over may take at the end.
const HANDOVER_LIMIT: Duration = Duration::from_secs(2);
/// How long a good-bye may take; the membership gives up earlier by itself.
const LEAVE_LIMIT: Duration = Duration::from_millis(500);

/// What comes in.
#[derive(Debug)]
pub struct Inputs {
    /// From the API server.
    pub seen: mpsc::Receiver<Seen>,
    /// From the membership.
    pub members: mpsc::Receiver<MemberEvent>,
    /// From the wire.
    pub wire: mpsc::Receiver<WireEvent>,
    /// From the sessions with routers.
    pub sessions: mpsc::Receiver<SessionEvent>,
    /// From the links of unnumbered peers: the routers there, by name of the interface.
    pub routers: latest::Receiver<BTreeMap<String, LinkRouter>>,
}

/// Where it goes.
#[derive(Debug)]
pub struct Outputs {
    /// To the wire.
    pub wire: mpsc::Sender<Command>,
    /// To the membership: who there should be.
    pub nodes: latest::Sender<Vec<(String, SocketAddr)>>,
    /// To the membership: which of them the API calls ready.
    pub ready: latest::Sender<BTreeSet<String>>,
    /// To the membership: what this speaker is like.
    pub facts: latest::Sender<Facts>,
    /// To the membership: whom to watch closely.
    pub watch: latest::Sender<BTreeSet<String>>,
    /// To the membership: what became of a node that is quiet.
    pub quiet: mpsc::Sender<QuietVerdict>,
    /// To the membership: good-bye.
    pub leave: mpsc::Sender<(Leave, oneshot::Sender<()>)>,
    /// To those who clean up: nodes whose speakers can do so themselves.
    pub fit: latest::Sender<BTreeSet<String>>,
    /// To those who wait to learn this node's own address.
    pub my_node: latest::Sender<Option<NodeSeen>>,
    /// To the watch: Secrets with passwords of routers.
    pub secrets: latest::Sender<BTreeSet<String>>,
    /// To those who look for routers: the links to look at.
    pub links: latest::Sender<BTreeSet<String>>,
    /// To the API server: what is to be said of the whole.
    pub standpoint: latest::Sender<Option<Standpoint>>,
    /// To the API server.
    pub reports: mpsc::Sender<Report>,
}

/// The speaker between its inputs and its outputs.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Speaker {
    /// Name of the own node.
    pub node: String,
    /// UDP port of every speaker's membership.
    pub membership_port: u16,
    /// To watch EndpointSlices, once the Services are known.
    pub client: Client,
    /// To ask for those that the watch has passed over.
    pub lists: watch::Lists,
    /// Where such answers arrive.
    pub seen: mpsc::Sender<Seen>,
    /// What is still missing, for the kubelet.
    pub readiness: Readiness,
    /// What is counted.
    pub metrics: SpeakerMetrics,
    /// The time that decisions go by.
    pub clock: Monotonic,
    /// Finds out whether the end is a restart.
    pub ending: Ending,
    /// How long routers may take to send their traffic elsewhere at the end.
    pub drain_limit: Duration,
    /// Where decisions go.
    pub outputs: Outputs,
}

/// One input.
enum Input {
    Seen(Seen),
    Member(MemberEvent),
    Wire(WireEvent),
    Session(SessionEvent),
    Routers(BTreeMap<String, LinkRouter>),
    /// Only time has passed.
    Time,
}

impl Speaker {
    /// Runs until the end is asked for, then says good-bye to the other speakers while still answering: a speaker that
    /// will be back asks them to wait, one that stops for good hands over first.
    pub async fn run(self, mut world: World, mut sessions: Sessions, mut inputs: Inputs, mut shutdown: Shutdown) {
        let mut watching_slices = false;
        let mut settled = false;
        let mut facts_overdue = None;
        let mut handed_over_by = None;
        let mut claims = Claims::default();
        let how = loop {
            let first = tokio::select! {
                Some(seen) = inputs.seen.recv() => Input::Seen(seen),
                Some(event) = inputs.members.recv() => Input::Member(event),
                Some(event) = inputs.wire.recv() => Input::Wire(event),
                Some(event) = inputs.sessions.recv() => Input::Session(event),
                Ok(()) = inputs.routers.changed() => Input::Routers(inputs.routers.borrow_and_update().clone()),
                () = until(facts_overdue) => {
                    facts_overdue = None;
                    Input::Member(MemberEvent::FactsOverdue)
                }
                () = until(self.wake_up(&world)) => Input::Time,
                () = until(handed_over_by) => break Leave::Stop,
                () = shutdown.requested(), if handed_over_by.is_none() => {
                    match self.ending.ask(world.my_node()).await {
                        Leave::Stop if world.is_ready() => {
                            let limit = if world.has_withdrawn() { HANDOVER_LIMIT } else { self.drain_limit };
                            world.leave();
                            handed_over_by = Some(tokio::time::Instant::now() + limit);
                        }
                        how => break how,
                    }
                    Input::Time
                }
            };
            // A thousand Services that arrive together are one decision, and one new filter.
            let mut next = Some(first);
            for _ in 0..INPUTS_PER_TURN {
                let Some(input) = next else { break };
                if matches!(input, Input::Member(MemberEvent::Started)) {
                    facts_overdue = Some(tokio::time::Instant::now() + FACTS_PATIENCE);
                }
                self.take(&mut world, &mut claims, &mut sessions, input).await;
                next = (inputs.members.try_recv().map(Input::Member))
                    .or_else(|_| inputs.wire.try_recv().map(Input::Wire))
                    .or_else(|_| inputs.sessions.try_recv().map(Input::Session))
                    .or_else(|_| inputs.seen.try_recv().map(Input::Seen))
                    .ok();
            }
            if world.knows_services() && !watching_slices {
                watching_slices = true;
                watch::start_slices(&self.client, &self.seen);
            }
            self.tell_nodes(&world);
            self.tell_ready(&world);
            let steps = world.decide(self.clock.now());
            let moved = steps.iter().any(|step| !matches!(step, Step::Verdict { .. }));
            for step in steps {
                self.perform(&mut claims, &mut sessions, step).await;
            }
            self.tell_needed(&world);
            self.tell_watched(&world);
            self.tell_standpoint(&world);
            self.tell_fit(&world);
            self.tell_facts(&world, moved);
            self.tell_readiness(&world);
            if world.is_ready() && !settled {
                settled = true;
                self.report(Report::Settled).await;
            }
            let done = || world.has_handed_over() && world.has_withdrawn() && sessions.have_withdrawn();
            if handed_over_by.is_some() && done() {
                break Leave::Stop;
            }
        };
        let farewell = match how {
            Leave::Restart { .. } => Farewell::Restart,
            Leave::Stop => Farewell::Stop,
        };
        tokio::join!(self.leave(how), sessions.farewell(farewell));
        if farewell == Farewell::Stop {
            self.report(Report::Stopped).await;
        }
    }

    /// When to decide again though nothing comes in.
    fn wake_up(&self, world: &World) -> Option<tokio::time::Instant> {
        let longest = self.clock.now() + SLEEP_MAX;
        world.deadline().map(|at| self.clock.instant(at.min(longest)))
    }

    async fn take(&self, world: &mut World, claims: &mut Claims, sessions: &mut Sessions, input: Input) {
        match input {
            Input::Time => {}
            Input::Seen(seen) => {
                self.metrics.update(seen.is_broken());
                for request in world.see(seen) {
                    let Request::ListSlices(service) = request;
                    watch::list_slices(&self.lists, service, &self.seen);
                }
            }
            Input::Member(event) => world.hear(event),
            Input::Routers(routers) => world.set_link_routers(routers),
            Input::Wire(WireEvent::Interfaces(interfaces)) => world.set_interfaces(interfaces),
            Input::Wire(WireEvent::Notice(Notice::Heard { target, mac, interface })) => {
                world.heard(target, mac, &interface);
            }
            Input::Wire(WireEvent::Notice(notice)) => self.hear_claim(world, claims, &notice).await,
            Input::Session(event) => {
                if let Some((peer, families)) = sessions.hear(event) {
                    world.set_session(&peer, families);
                }
            }
        }
    }

    /// Somebody else has said something about an address of ours.
    async fn hear_claim(&self, world: &World, claims: &mut Claims, notice: &Notice<String>) {
        let Some(ip) = claims.hear(notice) else { return };
        tracing::warn!(?notice, "another machine and an address of this node");
        let conflict = claims.conflict(ip).filter(|_| matches!(notice, Notice::Conflict { .. }));
        for (service, uid, verdict) in world.announced_at(ip) {
            let (service, uid) = (service.clone(), uid.to_owned());
            if let Some(conflict) = conflict.clone() {
                self.report(Report::Conflict { service: service.clone(), uid: uid.clone(), conflict }).await;
            }
            self.report(Report::Service { service, uid, said: claims.said(verdict), newly: false }).await;
        }
    }

    async fn perform(&self, claims: &mut Claims, sessions: &mut Sessions, step: Step) {
        match step {
            Step::Own { ip, scope, ahead } => {
                tracing::info!(%ip, ?scope, "announcing");
                self.command(Command::Own { ip, scope, ahead }).await;
            }
            Step::Announce { ip } => self.command(Command::Announce { ip }).await,
            Step::StandIn { ip, scope, mac } => {
                tracing::info!(%ip, ?scope, %mac, "answering in the name of its owner, whose speaker restarts");
                self.command(Command::StandIn { ip, scope, mac }).await;
            }
            Step::Probe { target } => self.command(Command::Probe { target }).await,
            Step::Quiet { node, answers } => {
                let verdict = if answers { QuietVerdict::Deny(node) } else { QuietVerdict::Confirm(node) };
                let _ = self.outputs.quiet.send(verdict).await;
            }
            Step::Speakers(macs) => self.command(Command::Speakers(macs)).await,
            Step::Disown { ip } => {
                tracing::info!(%ip, "no longer announcing");
                claims.forget(ip);
                self.command(Command::Disown { ip }).await;
            }
            Step::Peers { peers, wanted, routes } => sessions.follow(&peers, wanted, routes).await,
            Step::Routes(changes) => sessions.tell(changes).await,
            Step::Routed { service, uid, peers } => {
                self.report(Report::Routes { service, uid, peers: peers.map(Arc::new) }).await;
            }
            Step::Verdict { service, uid, verdict, before } => {
                tracing::debug!(%service, ?verdict, "decided");
                let name = service.to_string();
                let announced = |verdict: &Option<Verdict>| -> BTreeSet<IpAddr> {
                    let announced = verdict.as_ref().and_then(Verdict::announced);
                    announced.into_iter().flat_map(|(addresses, _)| addresses).copied().collect()
                };
                let (old, new) = (announced(&before), announced(&verdict));
                old.difference(&new).for_each(|ip| self.metrics.withdraw(&name, &self.node, *ip));
                new.difference(&old).for_each(|ip| self.metrics.announce(&name, &self.node, *ip));
                if let (false, Some(Reason::PoolGone(pool))) =
                    (old.is_empty(), verdict.as_ref().and_then(Verdict::reason))
                {
                    let (service, uid, pool) = (service.clone(), uid.clone(), pool.clone());
                    self.report(Report::Orphaned { service, uid, addresses: old.iter().copied().collect(), pool })
                        .await;
                }
                let newly = old.is_empty() && !new.is_empty();
                self.report(Report::Service {
                    service,
                    uid,
                    said: verdict.and_then(|verdict| claims.said(&verdict)),
                    newly,
                })
                .await;
            }
        }
    }

    // The tasks behind these two channels only end after this one, and take what comes without waiting for anybody.

    async fn command(&self, command: Command) {
        let _ = self.outputs.wire.send(command).await;
    }

    async fn report(&self, report: Report) {
        let _ = self.outputs.reports.send(report).await;
    }

    fn tell_nodes(&self, world: &World) {
        let mine = world.my_node();
        self.outputs.my_node.send_if_modified(|known| {
            let changed = known.as_ref() != mine;
            if changed {
                *known = mine.cloned();
            }
            changed
        });
        let family = mine.and_then(|node| node.internal_ips.first()).is_some_and(IpAddr::is_ipv6);
        let others: Vec<_> = world
            .nodes()
            .filter(|node| node.name != self.node)
            .filter_map(|node| {
                Some((node.name.clone(), SocketAddr::new(meeting_point(node, family)?, self.membership_port)))
            })
            .collect();
        self.outputs.nodes.send_if_modified(|known| {
            let changed = *known != others;
            *known = others;
            changed
        });
    }

    fn tell_ready(&self, world: &World) {
        let ready = || world.nodes().filter(|node| node.ready && node.name != self.node).map(|node| &node.name);
        self.outputs.ready.send_if_modified(|known| {
            let changed = !ready().eq(known.iter());
            if changed {
                *known = ready().cloned().collect();
            }
            changed
        });
    }

    /// What sessions with routers need to be known.
    fn tell_needed(&self, world: &World) {
        let tell = |to: &latest::Sender<BTreeSet<String>>, needed: &BTreeSet<String>| {
            to.send_if_modified(|known| {
                let changed = known != needed;
                if changed {
                    known.clone_from(needed);
                }
                changed
            });
        };
        tell(&self.outputs.secrets, world.wanted_secrets());
        tell(&self.outputs.links, world.wanted_interfaces());
    }

    fn tell_standpoint(&self, world: &World) {
        if !world.is_ready() {
            return;
        }
        let now = Standpoint::new(world.refused().cloned(), world.alone().map(describe));
        self.outputs.standpoint.send_if_modified(|known| {
            let changed = known.as_ref() != Some(&now);
            if changed {
                *known = Some(now);
            }
            changed
        });
    }

    fn tell_watched(&self, world: &World) {
        self.outputs.watch.send_if_modified(|known| {
            let changed = !world.watched().eq(known.iter().map(String::as_str));
            if changed {
                *known = world.watched().map(str::to_owned).collect();
            }
            changed
        });
    }

    fn tell_fit(&self, world: &World) {
        let fit: BTreeSet<&str> = world.fit().collect();
        self.outputs.fit.send_if_modified(|known| {
            let changed = !fit.iter().copied().eq(known.iter().map(String::as_str));
            if changed {
                *known = fit.into_iter().map(str::to_owned).collect();
            }
            changed
        });
    }

    fn tell_facts(&self, world: &World, moved: bool) {
        self.outputs.facts.send_if_modified(|known| {
            let owned = if moved { Digest::of(world.owned().map(|ip| ip.to_string())) } else { known.owned.clone() };
            let facts = Facts {
                protocol: PROTOCOL,
                freshness: world.freshness(),
                phase: world.phase(),
                interfaces: Digest::of(world.interfaces().map(|(name, _)| name)),
                owned,
                macs: world.interfaces().map(|(_, mac)| mac.octets()).collect(),
            };
            let changed = *known != facts;
            *known = facts;
            changed
        });
    }

    fn tell_readiness(&self, world: &World) {
        let missing = world.missing();
        if missing.is_empty() {
            self.readiness.there(CACHES);
        } else {
            self.readiness.missing(CACHES, format!("still waiting for {}", missing.join(", ")));
        }
        self.metrics.config(world.is_ready(), world.is_current());
    }

    async fn leave(&self, how: Leave) {
        let (done, left) = oneshot::channel();
        if self.outputs.leave.send((how, done)).await.is_ok() {
            // No answer within the limit is an answer.
            let _ = tokio::time::timeout(LEAVE_LIMIT, left).await;
        }
    }
}

/// What readiness calls the view of the cluster.
pub const CACHES: &str = "cluster view";

/// Where a node's speaker is met: its first InternalIP, preferably of our own family.
#[must_use]
pub fn meeting_point(node: &NodeSeen, prefer_v6: bool) -> Option<IpAddr> {
    let own = node.internal_ips.iter().find(|ip| ip.is_ipv6() == prefer_v6);
    own.or(node.internal_ips.first()).copied()
}

async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
