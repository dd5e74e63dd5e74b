//! Wiring: which task talks to which, and how the program starts and ends.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use herald_membership::{Config, Facts, KeyRing, Timing};
use herald_neighbor::Settings;
use herald_runtime::client;
use herald_runtime::clock::{Monotonic, wall_clock};
use herald_runtime::events::EventSink;
use herald_runtime::flags::CommonFlags;
use herald_runtime::serve::{self, Readiness};
use herald_runtime::shutdown::Shutdown;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch as latest};

use crate::announce::{exclude, interface, wire};
use crate::bgp::unnumbered;
use crate::decide::{self, World};
use crate::flags::{Cordon, Flags};
use crate::leave::Ending;
use crate::members::{self, keys};
use crate::metrics::{BgpMetrics, MembershipMetrics, SpeakerMetrics, WireMetrics};
use crate::report::{self, Writers};
use crate::sessions::Sessions;
use crate::speaker::{CACHES, Inputs, Outputs, Speaker, meeting_point};
use crate::watch::node::NodeSeen;
use crate::watch::{self, Seen, secret};

/// Inputs that may wait for the loop.
const QUEUE: usize = 1024;
/// Events written per second, at most.
const EVENTS_PER_SECOND: u32 = 10;
/// How long Events may take to be written at the end.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);
/// How much longer than draining the end may take: withdrawals have to arrive.
const DRAIN_SLACK: Duration = Duration::from_secs(2);
/// Pause between attempts to learn the cluster's UID.
const UID_RETRY: Duration = Duration::from_secs(1);

/// Pauses before memory that is not needed any more is given back: soon after the start, which needs most, and then now and
/// then.
const GIVING_BACK: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(60)];

/// Runs the speaker until the end is asked for.
///
/// # Errors
/// What the operator has to put right: flags, an address that can't be bound, no client. An API server that is away
/// is no error.
pub async fn run(flags: Flags, mut shutdown: Shutdown) -> anyhow::Result<()> {
    flags.check()?;
    let Flags {
        common,
        health_bind_address,
        node_name,
        ignore_exclude_lb,
        orphan_grace,
        cordon,
        restart_grace,
        restart_proxy,
        l2_refresh,
        l2_exclude_file,
        bgp_drain,
        bgp_listen_address,
        service_bgp_status,
        membership_bind_address,
        membership_port,
        membership_key_dir,
        membership_insecure: _, // checked above: no folder means that it was given
    } = flags;
    let namespace = common.namespace();
    let lb_class = common.lb_class().map(str::to_owned);
    let CommonFlags { kubeconfig, pod_name, metrics_bind_address, .. } = common;

    let clock = Monotonic::start();
    let readiness = Readiness::new();
    readiness.missing(CACHES, "nothing seen yet");
    let mut registry = Registry::default();
    let wire_metrics = WireMetrics::register(&mut registry);
    let speaker_metrics = SpeakerMetrics::register(&mut registry);
    let membership_metrics = MembershipMetrics::register(&mut registry);
    let bgp_metrics = BgpMetrics::register(&mut registry);
    serve::metrics(metrics_bind_address, registry).await?;
    serve::health(health_bind_address, readiness.clone()).await?;
    let client = client::connect(kubeconfig.as_deref()).await?;

    let keys = match membership_key_dir {
        Some(folder) => keys::follow(folder, readiness.clone()),
        None => {
            tracing::warn!("--membership-insecure: anybody on the network can pose as a speaker");
            insecure()
        }
    };

    let (seen_to, seen) = mpsc::channel(QUEUE);
    let (member_events_to, member_events) = mpsc::channel(QUEUE);
    let (wire_events_to, wire_events) = mpsc::channel(QUEUE);
    let (wire_to, wire_commands) = mpsc::channel(QUEUE);
    let (reports_to, reports) = mpsc::channel(QUEUE);
    let (interfaces_to, interfaces) = mpsc::channel(QUEUE);
    let (nodes_to, nodes) = latest::channel(Vec::new());
    let (facts_to, facts) = latest::channel(Facts::default());
    let (fit_to, fit) = latest::channel(BTreeSet::new());
    let (my_node_to, my_node) = latest::channel(None);
    let (ready_to, ready) = latest::channel(BTreeSet::new());
    let (watch_to, watched) = latest::channel(BTreeSet::new());
    let (quiet_to, quiet) = mpsc::channel(QUEUE);
    let (standpoint_to, standpoint) = latest::channel(None);
    let (shown_to, sessions_shown) = latest::channel(report::Sessions::new());
    let (session_events_to, session_events) = mpsc::channel(QUEUE);
    let (secrets_to, secrets) = latest::channel(BTreeSet::new());
    let (links_to, links) = latest::channel(BTreeSet::new());
    let (leave_to, leave) = mpsc::channel(1);

    tokio::spawn(give_back_memory());
    watch::start(&client, &namespace, lb_class, &seen_to);
    secret::follow(&client, &namespace, secrets, Seen::Secret, &seen_to);
    tokio::spawn(interface::follow(exclude::follow(l2_exclude_file), interfaces_to));
    let settings = Settings { seed: random()?, refresh: l2_refresh };
    let wire = tokio::spawn(wire::run(settings, clock, wire_metrics, wire_commands, interfaces, wire_events_to));

    let (events, event_writer) =
        EventSink::start(client.clone(), "metallb-speaker", pod_name.clone(), EVENTS_PER_SECOND);
    tokio::spawn(bgp_metrics.run(sessions_shown.clone()));
    let writers = Writers::new(&client, &namespace, &node_name, my_node.clone(), fit, service_bgp_status);
    let said_elsewhere = report::state::Beside { standpoint, crowded: writers.crowded() };
    let whole =
        report::state::run(client.clone(), namespace.clone(), node_name.clone(), my_node.clone(), said_elsewhere);
    tokio::spawn(whole);
    let reporter = tokio::spawn(report::run(reports, sessions_shown, events, writers));

    let join = Join {
        client: client.clone(),
        node: node_name.clone(),
        bind: membership_bind_address,
        port: membership_port,
        my_node,
    };
    let inputs = members::Inputs { nodes, ready, facts, keys, watch: watched, quiet, leave };
    let mut membership = tokio::spawn(async move {
        let config = join.config().await?;
        tracing::info!(address = %config.address, "meeting the other speakers");
        members::run(config, inputs, clock, membership_metrics, member_events_to).await
    });

    let ending = Ending {
        client: client.clone(),
        namespace,
        pod: pod_name,
        grace: restart_grace,
        ignore_exclude: ignore_exclude_lb,
    };
    let speaker = Speaker {
        ending,
        drain_limit: bgp_drain.saturating_add(DRAIN_SLACK),
        lists: watch::Lists::new(client.clone()),
        node: node_name.clone(),
        membership_port,
        client,
        seen: seen_to,
        readiness,
        metrics: speaker_metrics,
        clock,
        outputs: Outputs {
            wire: wire_to,
            nodes: nodes_to,
            facts: facts_to,
            ready: ready_to,
            watch: watch_to,
            quiet: quiet_to,
            leave: leave_to,
            fit: fit_to,
            my_node: my_node_to,
            standpoint: standpoint_to,
            secrets: secrets_to,
            links: links_to,
            reports: reports_to,
        },
    };
    let settings = decide::Settings {
        ignore_exclude: ignore_exclude_lb,
        heed_cordon: cordon == Cordon::PreferOthers,
        orphan_grace,
        restart_proxy,
        silent_grace: restart_grace,
        bgp_drain,
    };
    let world = World::new(node_name, settings);
    let inputs = Inputs {
        seen,
        members: member_events,
        wire: wire_events,
        sessions: session_events,
        routers: unnumbered::follow(links, clock),
    };
    let mut sessions = Sessions::new(clock, shown_to, session_events_to);
    if let Some(address) = bgp_listen_address {
        sessions.listen(address).with_context(|| format!("--bgp-listen-address: listen on {address}"))?;
    }
    let mut speaking = tokio::spawn(speaker.run(world, sessions, inputs, shutdown.clone()));

    tokio::select! {
        _ = &mut speaking => {}
        // The membership ends before the speaker only by a failure that somebody has to put right.
        result = &mut membership, if !shutdown.is_requested() => {
            result.context("the membership task failed")??;
            shutdown.requested().await;
            let _ = speaking.await;
        }
    }
    // The loop is gone and with it every channel into the tasks; they end by themselves, in this order.
    let _ = wire.await;
    let _ = reporter.await;
    event_writer.flush(FLUSH_LIMIT).await;
    Ok(())
}

/// Gives back what lists of thousands of objects have needed.
async fn give_back_memory() {
    let [first, second, then] = GIVING_BACK;
    for pause in [first, second].into_iter().chain(std::iter::repeat(then)) {
        tokio::time::sleep(pause).await;
        herald_sys::memory::give_back();
    }
}

/// How this speaker finds out where and as whom it meets the others.
struct Join {
    client: Client,
    node: String,
    bind: Option<IpAddr>,
    port: u16,
    my_node: latest::Receiver<Option<NodeSeen>>,
}

impl Join {
    async fn config(mut self) -> anyhow::Result<Config> {
        let ip = match self.bind {
            Some(ip) => ip,
            None => self.internal_ip().await?,
        };
        let boot_id = u64::try_from(wall_clock().as_millisecond()).context("the clock is before 1970")?;
        let mut seed = [0; 32];
        fill(&mut seed)?;
        Ok(Config {
            address: SocketAddr::new(ip, self.port),
            boot_id,
            cluster_uid: self.cluster_uid().await,
            timing: Timing::default(),
            seed,
            node: self.node,
        })
    }

    async fn internal_ip(&mut self) -> anyhow::Result<IpAddr> {
        let mut warned = false;
        loop {
            {
                let node = self.my_node.borrow_and_update();
                let ip = node.as_ref().and_then(|node| meeting_point(node, node.internal_ips.first()?.is_ipv6()));
                if let Some(ip) = ip {
                    return Ok(ip);
                }
                if node.is_some() && !warned {
                    warned = true;
                    tracing::warn!(
                        node = self.node,
                        "the Node has no InternalIP to meet the other speakers on; give --membership-bind-address"
                    );
                }
            }
            self.my_node.changed().await?;
        }
    }

    /// The UID of namespace kube-system stands for the cluster, as everywhere in Kubernetes.
    async fn cluster_uid(&self) -> String {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let mut warned = false;
        loop {
            match namespaces.get("kube-system").await {
                Ok(namespace) => return namespace.metadata.uid.unwrap_or_default(),
                Err(error) if !warned => {
                    warned = true;
                    tracing::warn!("namespace kube-system can't be read, will try again: {error}");
                }
                Err(_) => {}
            }
            tokio::time::sleep(UID_RETRY).await;
        }
    }
}

/// A ring without a secret, and nobody who would ever replace it.
fn insecure() -> latest::Receiver<Option<KeyRing>> {
    let (ring_to, ring) = latest::channel(Some(KeyRing::insecure()));
    // Kept open for as long as the program runs: a closed channel would end the membership.
    tokio::spawn(async move { ring_to.closed().await });
    ring
}

fn random() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

fn fill(bytes: &mut [u8]) -> anyhow::Result<()> {
    getrandom::fill(bytes).map_err(|error| anyhow::anyhow!("the kernel gives no random numbers: {error}"))
}
