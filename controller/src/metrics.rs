//! Metrics, under the names of the API that Herald is compatible with.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::allocate::{Counted, Summary};

#[cfg(test)]
mod tests;

/// What each series is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pool {
    pool: String,
}

/// A gauge for each pool. Values beyond its numbers are its largest.
type PoolGauge = Family<Pool, Gauge>;

/// The controller's metrics.
#[derive(Debug, Default)]
pub struct Metrics {
    total: PoolGauge,
    total_v4: PoolGauge,
    total_v6: PoolGauge,
    used: PoolGauge,
    used_v4: PoolGauge,
    used_v6: PoolGauge,
    retained: PoolGauge,
    duplicates: Gauge,
    updates: Counter,
    update_errors: Counter,
    leading: Gauge,
    config_loaded: Gauge,
    config_stale: Gauge,
    conflicts: Counter,
    failures: Counter,
    events_dropped: Counter<u64, AtomicU64>,
    /// Pools that have series.
    pools: BTreeSet<String>,
    /// What was counted when the counters were last set.
    counted: Counted,
    dropped: u64,
}

impl Metrics {
    /// All metrics, registered.
    #[must_use]
    pub fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let allocator = registry.sub_registry_with_prefix("metallb_allocator");
        for (name, help, gauge) in [
            ("addresses_total", "Usable addresses of the pool", &metrics.total),
            ("ipv4_addresses_total", "Usable IPv4 addresses of the pool", &metrics.total_v4),
            ("ipv6_addresses_total", "Usable IPv6 addresses of the pool", &metrics.total_v6),
            ("addresses_in_use_total", "Distinct addresses of the pool in use", &metrics.used),
            ("ipv4_addresses_in_use_total", "Distinct IPv4 addresses of the pool in use", &metrics.used_v4),
            ("ipv6_addresses_in_use_total", "Distinct IPv6 addresses of the pool in use", &metrics.used_v6),
            (
                "retained_addresses",
                "Addresses in use that came from the pool and are outside of it now",
                &metrics.retained,
            ),
        ] {
            allocator.register(name, help, gauge.clone());
        }
        let client = registry.sub_registry_with_prefix("metallb_k8s_client");
        client.register("updates", "Services decided", metrics.updates.clone());
        client.register("update_errors", "Services decided that got no address", metrics.update_errors.clone());
        let loaded = "1 once the configuration was loaded";
        client.register("config_loaded_bool", loaded, metrics.config_loaded.clone());
        let stale = "1 while running on an old configuration";
        client.register("config_stale_bool", stale, metrics.config_stale.clone());
        let own = registry.sub_registry_with_prefix("herald_controller");
        let duplicates = "Addresses on Services that may not have them beside each other";
        own.register("duplicate_addresses", duplicates, metrics.duplicates.clone());
        own.register("write_conflicts", "Writes refused because the Service had changed", metrics.conflicts.clone());
        own.register("request_failures", "Requests without an answer to rely on", metrics.failures.clone());
        own.register("leading", "1 while this controller leads and writes", metrics.leading.clone());
        own.register("events_dropped", "Events dropped because too many waited", metrics.events_dropped.clone());
        metrics
    }

    /// Whether this controller leads.
    pub fn leading(&self, leads: bool) {
        self.leading.set(i64::from(leads));
    }

    /// Follows the state of things. `stale`: some configuration can't be watched just now.
    pub fn follow(&mut self, summary: &Summary, stale: bool, events_dropped: u64) {
        let Summary { missing, pools, duplicates, counted } = summary;
        let present: BTreeSet<String> = pools.iter().map(|(name, _)| name.clone()).collect();
        for gone in self.pools.difference(&present) {
            for gauge in self.pool_gauges() {
                gauge.remove(&Pool { pool: gone.clone() });
            }
        }
        for (name, usage) in pools {
            let [v4, v6] = [usage.assigned_v4, usage.assigned_v6].map(number);
            let [free_v4, free_v6] = [usage.available_v4, usage.available_v6].map(number);
            let (total_v4, total_v6) = (v4.saturating_add(free_v4), v6.saturating_add(free_v6));
            let values = [
                total_v4.saturating_add(total_v6),
                total_v4,
                total_v6,
                v4.saturating_add(v6),
                v4,
                v6,
                number(usage.retained),
            ];
            for (gauge, value) in self.pool_gauges().into_iter().zip(values) {
                gauge.get_or_create(&Pool { pool: name.clone() }).set(value);
            }
        }
        self.pools = present;
        self.duplicates.set(i64::try_from(*duplicates).unwrap_or(i64::MAX));
        self.config_loaded.set(i64::from(missing.is_none()));
        self.config_stale.set(i64::from(stale));
        let Counted { decisions, refusals, failures, conflicts } = *counted;
        self.updates.inc_by(decisions - self.counted.decisions);
        self.update_errors.inc_by(refusals - self.counted.refusals);
        self.failures.inc_by(failures - self.counted.failures);
        self.conflicts.inc_by(conflicts - self.counted.conflicts);
        self.events_dropped.inc_by(events_dropped.saturating_sub(self.dropped));
        self.counted = *counted;
        self.dropped = events_dropped;
    }

    fn pool_gauges(&self) -> [&PoolGauge; 7] {
        [&self.total, &self.total_v4, &self.total_v6, &self.used, &self.used_v4, &self.used_v6, &self.retained]
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
