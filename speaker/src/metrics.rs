//! What the speaker counts, under MetalLB's names where it has them.

mod bgp;

use std::io;
use std::net::IpAddr;

use herald_membership::{DropReason, Membership};
use herald_neighbor::Claimant;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub use bgp::BgpMetrics;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Address {
    ip: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KeyRole {
    key: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Claims {
    claimant: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Announced {
    service: String,
    protocol: &'static str,
    node: String,
    ip: String,
}

/// Counted by the wire.
///
/// The three per-address series are counters by nature but gauges by type: MetalLB's names lack the `_total` that the
/// exposition format appends to every counter, and dashboards ask for them by those names.
#[derive(Clone, Debug, Default)]
pub struct WireMetrics {
    requests_received: Family<Address, Gauge>,
    responses_sent: Family<Address, Gauge>,
    gratuitous_sent: Family<Address, Gauge>,
    ignored: Family<Reason, Counter>,
    send_failures: Family<Reason, Counter>,
    /// Errors while receiving.
    pub receive_failures: Counter,
    /// Kernel filters that could not be replaced.
    pub filter_failures: Counter,
    /// Things the wire saw and nobody was told, because too much was waiting.
    pub events_dropped: Counter,
    claims: Family<Claims, Counter>,
    /// Questions sent: who else has this address, who has that node's.
    pub probes_sent: Counter,
    /// Questions not sent, because too many others were open.
    pub probes_dropped: Counter,
    /// Frames that the kernel dropped because we read too slowly.
    pub frames_dropped: Counter,
    /// Groups of IPv6 that could not be joined, or left.
    pub membership_failures: Counter,
}

impl WireMetrics {
    /// Metrics that `registry` exports.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let layer2 = registry.sub_registry_with_prefix("metallb_layer2");
        layer2.register("requests_received", "ARP requests for owned addresses", metrics.requests_received.clone());
        layer2.register("responses_sent", "Answers to such requests", metrics.responses_sent.clone());
        layer2.register("gratuitous_sent", "Announcements that nobody asked for", metrics.gratuitous_sent.clone());
        let layer2 = registry.sub_registry_with_prefix("herald_layer2");
        layer2.register("ignored", "Received frames that were neither answered nor a claim", metrics.ignored.clone());
        layer2.register("send_failures", "Frames that could not be sent", metrics.send_failures.clone());
        layer2.register("receive_failures", "Errors while receiving", metrics.receive_failures.clone());
        layer2.register("filter_failures", "Kernel filters not replaced", metrics.filter_failures.clone());
        layer2.register("events_dropped", "Observations lost to a full queue", metrics.events_dropped.clone());
        layer2.register("claims", "Packets in which others claimed owned addresses", metrics.claims.clone());
        layer2.register("probes_sent", "Questions who has an address", metrics.probes_sent.clone());
        layer2.register("probes_dropped", "Questions not sent, too many were open", metrics.probes_dropped.clone());
        layer2.register("frames_dropped", "Frames lost to a full receive queue", metrics.frames_dropped.clone());
        let failures = metrics.membership_failures.clone();
        layer2.register("membership_failures", "IPv6 groups not joined or left", failures);
        metrics
    }

    /// A request for `ip` was answered.
    pub fn request_received(&self, ip: IpAddr) {
        self.requests_received.get_or_create(&Address { ip: ip.to_string() }).inc();
    }

    /// The answer was sent.
    pub fn response_sent(&self, ip: IpAddr) {
        self.responses_sent.get_or_create(&Address { ip: ip.to_string() }).inc();
    }

    /// An announcement of `ip` was sent.
    pub fn gratuitous_sent(&self, ip: IpAddr) {
        self.gratuitous_sent.get_or_create(&Address { ip: ip.to_string() }).inc();
    }

    /// Another machine claimed an address of ours.
    pub fn claimed(&self, claimant: Claimant) {
        let claimant = match claimant {
            Claimant::Ahead => "speaker_ahead",
            Claimant::Behind => "speaker_behind",
            Claimant::Foreign => "foreign",
        };
        self.claims.get_or_create(&Claims { claimant }).inc();
    }

    /// `ip` is no longer ours: its series end, so that they don't pile up as addresses come and go.
    pub fn forget(&self, ip: IpAddr) {
        let address = Address { ip: ip.to_string() };
        for family in [&self.requests_received, &self.responses_sent, &self.gratuitous_sent] {
            family.remove(&address);
        }
    }

    /// A frame was ignored.
    pub fn ignored(&self, reason: &'static str) {
        self.ignored.get_or_create(&Reason { reason }).inc();
    }

    /// A frame could not be sent.
    pub fn send_failed(&self, error: &io::Error) {
        let reason = match error.kind() {
            io::ErrorKind::WouldBlock => "buffer_full",
            io::ErrorKind::NetworkDown => "interface_down",
            _ => "other",
        };
        self.send_failures.get_or_create(&Reason { reason }).inc();
    }
}

/// Counted by the decider.
#[derive(Clone, Debug, Default)]
pub struct SpeakerMetrics {
    announced: Family<Announced, Gauge>,
    updates: Counter,
    update_errors: Counter,
    config_loaded: Gauge,
    config_stale: Gauge,
}

impl SpeakerMetrics {
    /// Metrics that `registry` exports.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("metallb_speaker_announced", "1 per announced address", metrics.announced.clone());
        let client = registry.sub_registry_with_prefix("metallb_k8s_client");
        client.register("updates", "Object updates processed", metrics.updates.clone());
        client.register("update_errors", "Watches that broke", metrics.update_errors.clone());
        client.register("config_loaded_bool", "1 if a configuration was loaded", metrics.config_loaded.clone());
        client.register("config_stale_bool", "1 if the configuration may be out of date", metrics.config_stale.clone());
        metrics
    }

    /// An update was taken in; `broken` if it said that a watch is broken.
    pub fn update(&self, broken: bool) {
        if broken {
            self.update_errors.inc();
        } else {
            self.updates.inc();
        }
    }

    /// Whether a configuration is in use, and whether it may be out of date.
    pub fn config(&self, loaded: bool, current: bool) {
        self.config_loaded.set(loaded.into());
        self.config_stale.set((loaded && !current).into());
    }

    /// `ip` of `service` is announced from `node` by ARP or NDP.
    pub fn announce(&self, service: &str, node: &str, ip: IpAddr) {
        self.announced.get_or_create(&announced(service, node, ip)).set(1);
    }

    /// It is no longer.
    pub fn withdraw(&self, service: &str, node: &str, ip: IpAddr) {
        self.announced.remove(&announced(service, node, ip));
    }
}

fn announced(service: &str, node: &str, ip: IpAddr) -> Announced {
    Announced { service: service.to_owned(), protocol: "layer2", node: node.to_owned(), ip: ip.to_string() }
}

/// Counted by the membership.
#[derive(Clone, Debug, Default)]
pub struct MembershipMetrics {
    dropped: Family<Reason, Counter>,
    received: Counter,
    sent: Counter,
    suspicions: Counter,
    watch: Family<Outcome, Counter>,
    late_wakeups: Counter,
    peers_with_next: Gauge,
    sealed_with: Family<KeyRole, Gauge>,
    alone: Gauge,
    members: Gauge,
}

impl MembershipMetrics {
    /// Metrics that `registry` exports.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let membership = registry.sub_registry_with_prefix("herald_membership");
        membership.register("dropped", "Datagrams dropped", metrics.dropped.clone());
        membership.register("received", "Datagrams received", metrics.received.clone());
        membership.register("sent", "Datagrams sent", metrics.sent.clone());
        membership.register("suspicions", "Members suspected of being down", metrics.suspicions.clone());
        membership.register("watch", "Outcomes of the fast watch", metrics.watch.clone());
        membership.register("late_wakeups", "Own timers that fired late", metrics.late_wakeups.clone());
        membership.register(
            "peers_with_next",
            "Live speakers that accept the next key",
            metrics.peers_with_next.clone(),
        );
        membership.register(
            "peers_sealing",
            "Live speakers by which of our keys seals what they send",
            metrics.sealed_with.clone(),
        );
        membership.register(
            "alone",
            "1 if no other speaker has answered for long although other Nodes are ready: UDP 7946 blocked?",
            metrics.alone.clone(),
        );
        membership.register("members", "Live speakers, without this one", metrics.members.clone());
        metrics
    }

    /// Takes over what the membership has counted.
    pub fn set(&self, membership: &Membership) {
        let counters = membership.counters();
        for reason in DropReason::ALL {
            let count = counters.dropped(reason);
            if count > 0 {
                store(&self.dropped.get_or_create(&Reason { reason: reason.label() }), count);
            }
        }
        store(&self.received, counters.received);
        store(&self.sent, counters.sent);
        store(&self.suspicions, counters.suspicions);
        let watch = [
            ("quiet", counters.quiet),
            ("confirmed", counters.quiet_confirmed),
            ("denied", counters.quiet_denied),
            ("discarded", counters.watch_discarded),
            ("refused", counters.watchers_refused),
        ];
        for (outcome, count) in watch.into_iter().filter(|(_, count)| *count > 0) {
            store(&self.watch.get_or_create(&Outcome { outcome }), count);
        }
        store(&self.late_wakeups, counters.late_wakeups);
        self.peers_with_next.set(i64::try_from(membership.peers_with_next()).unwrap_or(i64::MAX));
        let sealed = membership.sealed_with();
        for (key, count) in [("current", Some(sealed.current)), ("next", sealed.next), ("previous", sealed.previous)] {
            let key = KeyRole { key };
            let Some(count) = count else {
                self.sealed_with.remove(&key);
                continue;
            };
            self.sealed_with.get_or_create(&key).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.alone.set(membership.alone().is_some().into());
        self.members.set(i64::try_from(membership.members().count()).unwrap_or(i64::MAX));
    }
}

fn store(counter: &Counter, value: u64) {
    counter.inner().store(value, std::sync::atomic::Ordering::Relaxed);
}
