//! Sessions with routers.

use std::collections::BTreeSet;
use std::time::Duration;

use herald_bgp::state::State;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::store;
use crate::bgp::Status;
use crate::report::{SessionSeen, Sessions};

/// Between two looks at the sessions, if much happens.
const PACE: Duration = Duration::from_millis(100);

/// A peer, as MetalLB labels it: `address:port`, IPv6 in brackets. The name of its VRF follows, if it is in one: the same
/// address may be in several.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct Peer {
    peer: String,
}

/// A number for each peer.
#[derive(Debug)]
struct Series<T> {
    family: T,
    value: fn(&Status) -> u64,
}

/// What is known of the sessions with routers.
///
/// Of what is counted by message, the names are those of MetalLB's FRR mode, where they are counters without `_total`:
/// counters by nature, gauges by type, as those of layer 2.
#[derive(Debug)]
pub struct BgpMetrics {
    gauges: Vec<Series<Family<Peer, Gauge>>>,
    counters: Vec<Series<Family<Peer, Counter>>>,
    /// Peers that have series.
    known: BTreeSet<Peer>,
}

/// Name, what it says, and how it is had.
type Definition = (&'static str, &'static str, fn(&Status) -> u64);

/// `metallb_bgp_…`, as gauges.
const METALLB_GAUGES: [Definition; 11] = [
    ("session_up", "1 while the session is established", |of| u64::from(of.state == State::Established)),
    ("announced_prefixes_total", "Prefixes that the peer has", |of| of.sent.iter().map(|count| *count as u64).sum()),
    ("pending_prefixes_total", "Prefixes that the peer is to have", |of| of.desired as u64),
    ("opens_sent", "OPEN messages sent", |of| of.counters.opens_sent),
    ("opens_received", "OPEN messages received", |of| of.counters.opens_received),
    ("notifications_sent", "NOTIFICATION messages sent", |of| of.counters.notifications_sent),
    ("updates_total_received", "UPDATE messages received", |of| of.counters.updates_received),
    ("keepalives_sent", "KEEPALIVE messages sent", |of| of.counters.keepalives_sent),
    ("keepalives_received", "KEEPALIVE messages received", |of| of.counters.keepalives_received),
    ("total_sent", "Messages sent", |of| {
        let counters = &of.counters;
        of.updates_sent + counters.opens_sent + counters.notifications_sent + counters.keepalives_sent
    }),
    ("total_received", "Messages received", |of| {
        let counters = &of.counters;
        let more = counters.keepalives_received + counters.refreshes_received;
        counters.updates_received + counters.opens_received + counters.notifications_received + more
    }),
];

/// `metallb_bgp_…_total`.
const METALLB_COUNTERS: [Definition; 1] = [("updates", "UPDATE messages sent", |of| of.updates_sent)];

/// `herald_bgp_…`.
const HERALD_GAUGES: [Definition; 4] = [
    ("session_state", "1 Idle, 2 Connect, 3 Active, 4 OpenSent, 5 OpenConfirm, 6 Established", |of| match of.state {
        State::Idle => 1,
        State::Connect => 2,
        State::Active => 3,
        State::OpenSent => 4,
        State::OpenConfirm => 5,
        State::Established => 6,
    }),
    ("received_prefixes", "Prefixes that the peer announces, none of which is used", |of| {
        of.received.map_or(0, |count| count as u64)
    }),
    ("received_over_limit", "1 if the peer announces more prefixes than are counted", |of| {
        u64::from(of.received.is_none())
    }),
    ("families_without_next_hop", "Families agreed on and not announced for want of a next hop", |of| {
        of.without_next_hop.len() as u64
    }),
];

/// `herald_bgp_…_total`.
const HERALD_COUNTERS: [Definition; 10] = [
    ("sessions_established", "Times the session was established", |of| of.counters.established),
    ("sessions_lost", "Times the session was lost", |of| of.counters.lost),
    ("attempts_failed", "Attempts to establish the session that failed", |of| of.counters.failed),
    ("connects", "Attempts to connect", |of| of.counters.connects),
    ("connections_refused", "Connections of the peer that were refused", |of| of.counters.refused),
    ("collisions", "Connections closed because there were two", |of| of.counters.collisions),
    ("notifications_received", "NOTIFICATION messages received", |of| of.counters.notifications_received),
    ("route_refreshes_received", "ROUTE-REFRESH messages received", |of| of.counters.refreshes_received),
    ("route_refreshes_ignored", "Of them, with nothing to do", |of| of.counters.refreshes_ignored),
    ("events_ignored", "Events that meant nothing in the state they came in", |of| of.counters.ignored),
];

impl BgpMetrics {
    /// Metrics that `registry` exports.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let (mut gauges, mut counters) = (Vec::new(), Vec::new());
        let all = [
            ("metallb_bgp", &METALLB_GAUGES[..], &METALLB_COUNTERS[..]),
            ("herald_bgp", &HERALD_GAUGES, &HERALD_COUNTERS),
        ];
        for (prefix, of_gauges, of_counters) in all {
            let registry = registry.sub_registry_with_prefix(prefix);
            for (name, help, value) in of_gauges {
                let family = Family::default();
                registry.register(*name, *help, Family::clone(&family));
                gauges.push(Series { family, value: *value });
            }
            for (name, help, value) in of_counters {
                let family = Family::default();
                registry.register(*name, *help, Family::clone(&family));
                counters.push(Series { family, value: *value });
            }
        }
        Self { gauges, counters, known: BTreeSet::new() }
    }

    /// Follows the sessions until their end: whoever waits for the API server does not delay this.
    pub async fn run(mut self, mut sessions: watch::Receiver<Sessions>) {
        while sessions.changed().await.is_ok() {
            self.follow(&sessions.borrow_and_update());
            tokio::time::sleep(PACE).await;
        }
    }

    /// This is how the sessions are doing. Peers that are gone have no series any more.
    pub fn follow(&mut self, sessions: &Sessions) {
        let none = Status::default();
        let now: BTreeSet<Peer> = sessions.values().map(label).collect();
        for gone in self.known.difference(&now) {
            self.gauges.iter().for_each(|series| _ = series.family.remove(gone));
            self.counters.iter().for_each(|series| _ = series.family.remove(gone));
        }
        for seen in sessions.values() {
            let (peer, status) = (label(seen), seen.status.as_ref().unwrap_or(&none));
            for Series { family, value } in &self.gauges {
                family.get_or_create(&peer).set(i64::try_from(value(status)).unwrap_or(i64::MAX));
            }
            for Series { family, value } in &self.counters {
                store(&family.get_or_create(&peer), value(status));
            }
        }
        self.known = now;
    }
}

fn label(seen: &SessionSeen) -> Peer {
    let SessionSeen { address, port, vrf, .. } = seen;
    let peer = if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") };
    Peer { peer: vrf.iter().fold(peer, |peer, vrf| format!("{peer} {vrf}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    fn seen(address: &str, vrf: Option<&str>, status: Result<Status, String>) -> SessionSeen {
        SessionSeen {
            address: address.to_owned(),
            port: 179,
            vrf: vrf.map(str::to_owned),
            own_as: 64512,
            status,
            doubt: None,
        }
    }

    #[test]
    fn the_names_that_dashboards_know_and_nothing_of_peers_that_are_gone() {
        let mut registry = Registry::default();
        let mut metrics = BgpMetrics::register(&mut registry);
        let mut up = Status { state: State::Established, sent: [3, 4], desired: 8, ..Status::default() };
        up.updates_sent = 5;
        up.counters.keepalives_received = 6;
        up.received = None;
        let all = [
            ("a", seen("192.0.2.1", None, Ok(up.clone()))),
            ("b", seen("2001:db8::1", Some("red"), Err("no password".to_owned()))),
        ];
        let mut sessions: Sessions = all.map(|(name, seen)| (name.to_owned(), seen)).into();
        metrics.follow(&sessions);
        let shown = text(&registry);
        for line in [
            "metallb_bgp_session_up{peer=\"192.0.2.1:179\"} 1",
            "metallb_bgp_session_up{peer=\"[2001:db8::1]:179 red\"} 0",
            "metallb_bgp_updates_total{peer=\"192.0.2.1:179\"} 5",
            "metallb_bgp_announced_prefixes_total{peer=\"192.0.2.1:179\"} 7",
            "metallb_bgp_pending_prefixes_total{peer=\"192.0.2.1:179\"} 8",
            "metallb_bgp_keepalives_received{peer=\"192.0.2.1:179\"} 6",
            "metallb_bgp_total_received{peer=\"192.0.2.1:179\"} 6",
            "herald_bgp_session_state{peer=\"192.0.2.1:179\"} 6",
            "herald_bgp_received_over_limit{peer=\"192.0.2.1:179\"} 1",
            "herald_bgp_sessions_lost_total{peer=\"[2001:db8::1]:179 red\"} 0",
        ] {
            assert!(shown.lines().any(|one| one == line), "{line} is not in\n{shown}");
        }
        sessions.remove("a");
        metrics.follow(&sessions);
        let shown = text(&registry);
        assert!(!shown.contains("192.0.2.1") && shown.contains("2001:db8::1"), "{shown}");
        metrics.follow(&Sessions::new());
        assert!(!text(&registry).contains("peer="));
    }
}
