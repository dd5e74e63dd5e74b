//! Which endpoints a node sends traffic to.
//!
//! This is the rule of kube-proxy since KEP-1669: ready endpoints; if there is
//! none, those that are terminating but still serve. With
//! `externalTrafficPolicy: Local` only the node's own endpoints count, for
//! both steps. Each family is decided by its own endpoints.

use super::frontend::{Endpoint, TrafficPolicy};

/// The endpoints that `node` may use for traffic from outside, under `policy`.
#[must_use]
pub fn external<'a>(endpoints: &[&'a Endpoint], policy: TrafficPolicy, node: &str) -> Vec<&'a Endpoint> {
    match policy {
        TrafficPolicy::Cluster => usable(endpoints, |_| true),
        TrafficPolicy::Local => usable(endpoints, |endpoint| endpoint.node == node),
    }
}

/// The endpoints that any node may use for traffic to the cluster IP.
#[must_use]
pub fn internal<'a>(endpoints: &[&'a Endpoint]) -> Vec<&'a Endpoint> {
    usable(endpoints, |_| true)
}

fn usable<'a>(endpoints: &[&'a Endpoint], in_scope: impl Fn(&Endpoint) -> bool) -> Vec<&'a Endpoint> {
    let scope: Vec<_> = endpoints.iter().filter(|endpoint| in_scope(endpoint)).copied().collect();
    let ready: Vec<_> = scope.iter().filter(|endpoint| endpoint.ready).copied().collect();
    if !ready.is_empty() {
        return ready;
    }
    scope.into_iter().filter(|endpoint| endpoint.serving && endpoint.terminating).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(number: u8, node: &str, state: &str) -> Endpoint {
        Endpoint {
            address: std::net::SocketAddr::from(([10, 244, 0, number], 80)),
            node: node.to_owned(),
            ready: state == "ready",
            serving: state != "failing",
            terminating: state == "terminating",
        }
    }

    /// The last octets of what is chosen.
    fn numbers(chosen: &[&Endpoint]) -> Vec<u8> {
        let last = |text: String| text.rsplit('.').next().unwrap().parse().unwrap();
        chosen.iter().map(|endpoint| last(endpoint.address.ip().to_string())).collect()
    }

    #[test]
    fn the_table_of_kep_1669() {
        let endpoints = [
            endpoint(1, "a", "ready"),
            endpoint(2, "b", "ready"),
            endpoint(3, "b", "terminating"),
            endpoint(4, "c", "terminating"),
            endpoint(5, "d", "failing"),
        ];
        let endpoints: Vec<_> = endpoints.iter().collect();
        let local = |node| numbers(&external(&endpoints, TrafficPolicy::Local, node));
        assert_eq!(numbers(&external(&endpoints, TrafficPolicy::Cluster, "d")), [1, 2]);
        assert_eq!(local("a"), [1]);
        assert_eq!(local("b"), [2], "ready ones only, while there are any");
        assert_eq!(local("c"), [4], "terminating, but still serving");
        assert_eq!(local("d"), [0u8; 0], "failing is not serving");
        assert_eq!(numbers(&internal(&endpoints[2..])), [3, 4]);
    }
}
