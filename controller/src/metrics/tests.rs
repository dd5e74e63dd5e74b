//! What `/metrics` shows.

use herald_ipam::PoolUsage;

use super::*;

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    text
}

#[test]
fn the_names_that_dashboards_know() {
    let mut registry = Registry::default();
    let mut metrics = Metrics::registered(&mut registry);
    let usage = PoolUsage { assigned_v4: 3, available_v4: 8, available_v6: u64::MAX, ..PoolUsage::default() };
    let counted = Counted { decisions: 5, refusals: 2, failures: 1, conflicts: 4 };
    let mut summary = Summary { missing: None, pools: vec![("p".into(), usage)], duplicates: 6, counted };
    metrics.follow(&summary, true, 7);
    metrics.follow(&summary, true, 7);
    let shown = text(&registry);
    for line in [
        "metallb_allocator_ipv4_addresses_total{pool=\"p\"} 11",
        "metallb_allocator_ipv6_addresses_total{pool=\"p\"} 9223372036854775807",
        "metallb_allocator_addresses_total{pool=\"p\"} 9223372036854775807",
        "metallb_allocator_addresses_in_use_total{pool=\"p\"} 3",
        "metallb_k8s_client_updates_total 5",
        "metallb_k8s_client_update_errors_total 2",
        "metallb_k8s_client_config_loaded_bool 1",
        "metallb_k8s_client_config_stale_bool 1",
        "herald_controller_duplicate_addresses 6",
        "herald_controller_write_conflicts_total 4",
        "herald_controller_request_failures_total 1",
        "herald_controller_events_dropped_total 7",
    ] {
        assert!(shown.lines().any(|one| one == line), "{line} is not in\n{shown}");
    }
    summary.pools.clear();
    summary.missing = Some("x");
    metrics.follow(&summary, false, 7);
    let shown = text(&registry);
    assert!(!shown.contains("pool=\"p\"") && shown.contains("config_loaded_bool 0"), "{shown}");
    assert!(shown.contains("config_stale_bool 0"));
}
