//! Whatever the API server can store ends as a verdict on that object: arbitrary Services, pools and namespaces go
//! the whole way, from their JSON to what is written, and nothing panics, stalls or goes on for ever.

use herald_crds::{IPAddressPool, border};
use herald_runtime::watch::Change;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::compile::SeenPool;
use crate::watch::{LeanService, SeenState};

/// What people and broken tools write where a text is expected.
fn text() -> impl Strategy<Value = String> {
    const STRANGE: &[&str] = &[
        "",
        " ",
        "\u{0}",
        "None",
        "a,b",
        ",",
        ",,,,",
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.1,2001:db8::1",
        "2001:db8::1,192.0.2.1",
        "2001:DB8::0001",
        "::",
        "::ffff:192.0.2.1",
        "0.0.0.0",
        "255.255.255.255",
        "999.1.1.1",
        "0.0.0.0/0",
        "::/0",
        "192.0.2.0/30",
        "192.0.2.0/33",
        "192.0.2.9-192.0.2.1",
        "192.0.2.1-2001:db8::1",
        "fe80::1%eth0",
        "10.0.0.0/8",
        "2001:db8::/64",
        "p",
        "q",
        "shop",
        "In",
        "NotIn",
        "Exists",
        "True",
        "False",
        "LoadBalancer",
        "Local",
        "Cluster",
        "PreferDualStack",
        "RequireDualStack",
        "SingleStack",
        "TCP",
        "UDP",
        "SCTP",
        "🦀",
        "\u{202e}txt",
        "metallb.io/Allocated",
        "Retained",
        "Orphaned",
        "Duplicate",
    ];
    prop_oneof![
        8 => proptest::sample::select(STRANGE).prop_map(str::to_owned),
        1 => ".{0,12}",
        1 => proptest::sample::select(&["x", "1", ",", "é"]).prop_map(|one| one.repeat(5000)),
    ]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-2..4_i64, Just(i64::MIN), Just(i64::MAX), Just(70_000), any::<i64>()]
}

/// An object with some of these fields.
fn fields(all: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let each = all.into_iter().map(|(name, value)| {
        proptest::option::weighted(0.6, value)
            .prop_map(move |value| value.map(|value| (name.to_owned(), value)))
            .boxed()
    });
    each.collect::<Vec<_>>().prop_map(|some| Value::Object(some.into_iter().flatten().collect())).boxed()
}

fn string() -> BoxedStrategy<Value> {
    text().prop_map(Value::String).boxed()
}

fn texts() -> BoxedStrategy<Value> {
    vec(string(), 0..5).prop_map(Value::Array).boxed()
}

fn labels() -> BoxedStrategy<Value> {
    btree_map(text(), text(), 0..3).prop_map(|labels| json!(labels)).boxed()
}

fn list(item: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![vec(item, 0..4).prop_map(Value::Array), Just(Value::Null)].boxed()
}

/// One of the names that mean something, so that fields are hit at all.
fn annotations() -> BoxedStrategy<Value> {
    fields(vec![
        ("metallb.io/address-pool", string()),
        ("metallb.universe.tf/address-pool", string()),
        ("metallb.io/loadBalancerIPs", string()),
        ("metallb.io/allow-shared-ip", string()),
        ("metallb.io/ip-allocated-from-pool", string()),
        ("metallb.io/reallocate", string()),
        ("metallb.io/allocator-epoch", string()),
    ])
}

fn service() -> impl Strategy<Value = Value> {
    let port = fields(vec![("port", (0..70_000_i32).prop_map(|port| json!(port)).boxed()), ("protocol", string())]);
    let spec = fields(vec![
        ("loadBalancerClass", prop_oneof![9 => Just(Value::Null), 1 => string()].boxed()),
        ("loadBalancerIP", string()),
        ("clusterIP", string()),
        ("clusterIPs", prop_oneof![Just(json!(["10.96.0.1"])), Just(json!(["fd00::1", "10.96.0.1"])), texts()].boxed()),
        ("ipFamilyPolicy", string()),
        ("externalTrafficPolicy", string()),
        ("selector", labels()),
        ("ports", list(port)),
    ]);
    let condition = fields(vec![("type", string()), ("status", string()), ("reason", string()), ("message", string())]);
    let ingress = fields(vec![("ip", string()), ("hostname", string())]);
    let balancer = list(ingress).prop_map(|ingress| json!({ "ingress": ingress })).boxed();
    let status = fields(vec![("loadBalancer", balancer), ("conditions", list(condition))]);
    let name = proptest::sample::select(&["a", "b", "c", "d"]);
    let metadata = (name, text(), labels(), annotations());
    (metadata, spec, status, 0..9_u8).prop_map(|((name, namespace, labels, annotations), mut spec, status, kind)| {
        spec["type"] = if kind == 0 { json!("ClusterIP") } else { json!("LoadBalancer") };
        json!({
            "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": labels, "annotations": annotations},
            "spec": spec, "status": status,
        })
    })
}

fn pool_object() -> impl Strategy<Value = Value> {
    let term = fields(vec![("key", string()), ("operator", string()), ("values", texts())]);
    let selector =
        fields(vec![("matchLabels", labels()), ("matchExpressions", vec(term, 0..3).prop_map(Value::Array).boxed())])
            .prop_filter("the schema requires both", |selector| {
                let terms = selector["matchExpressions"].as_array();
                terms.is_none_or(|terms| {
                    terms.iter().all(|term| term["key"].is_string() && term["operator"].is_string())
                })
            })
            .boxed();
    let selectors = || vec(selector.clone(), 0..3).prop_map(Value::Array).boxed();
    let priority = number().prop_map(|number| json!(number)).boxed();
    let allocation = fields(vec![
        ("priority", priority.clone()),
        ("namespaces", texts()),
        ("namespaceSelectors", selectors()),
        ("serviceSelectors", selectors()),
    ]);
    let flag = || any::<bool>().prop_map(Value::Bool).boxed();
    let usable = prop_oneof![Just(json!(["192.0.2.0/30"])), Just(json!(["192.0.2.0/31", "2001:db8::/127"]))];
    let spec = fields(vec![
        ("addresses", prop_oneof![usable, texts()].boxed()),
        ("autoAssign", flag()),
        ("avoidBuggyIPs", flag()),
        ("serviceAllocation", allocation),
        ("herald", fields(vec![("maxPerNamespace", priority)])),
    ]);
    (proptest::sample::select(&["p", "q", "r"]), labels(), spec, number()).prop_map(
        |(name, labels, spec, generation)| {
            json!({
                "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
                "metadata": {"name": name, "uid": name, "labels": labels, "generation": generation},
                "spec": spec,
            })
        },
    )
}

/// The controller's whole way with these objects; returns an error instead of a verdict that is missing.
fn live(services: &[Value], pools: &[Value], namespaces: &[(String, Value)]) -> Result<(), TestCaseError> {
    let read = |pool: &Value| serde_json::from_value::<IPAddressPool>(pool.clone()).map(|pool| SeenPool::of(&pool));
    let mut seen = std::collections::BTreeMap::new();
    for pool in pools.iter().map(read) {
        let pool = pool.map_err(|error| TestCaseError::fail(error.to_string()))?;
        seen.insert(pool.object.meta.name.clone(), pool);
    }
    let mut c = Cluster::new(seen.into_values().collect());
    c.index.observe(Observed::State(Change::<SeenState>::Reset(vec![])), c.now);
    for (number, (name, labels)) in namespaces.iter().enumerate() {
        let meta = serde_json::from_value(json!({"name": name, "labels": labels, "uid": number.to_string()}));
        let meta = meta.map_err(|error| TestCaseError::fail(error.to_string()))?;
        c.index.namespaces(Change::Applied(border::namespace(&meta)), c.now);
    }
    for service in services {
        let service: LeanService =
            serde_json::from_value(service.clone()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut seen = SeenService::of(service);
        c.version += 1;
        seen.resource_version = c.version.to_string();
        let key = seen.key().clone();
        c.server.services.insert(key.clone(), seen);
        c.show(&key);
    }
    for _ in 0..3 {
        c.settle();
        c.now += Duration::from_secs(2);
    }
    prop_assert_eq!(c.settle(), 0, "it comes to rest");
    for (key, service) in &c.server.services {
        let ours = service.is_load_balancer && service.class.is_none();
        prop_assert_eq!(service.condition.is_some(), ours || service.condition.is_some());
        if ours {
            let condition = service.condition.as_ref();
            let said = condition.is_some_and(|one| !one.reason.is_empty() && !one.message.is_empty());
            prop_assert!(said, "{} got no verdict", key);
            let served = condition.is_some_and(|one| one.status);
            prop_assert_eq!(served, !service.request.shown.is_empty(), "{}: {:?}", key, condition);
            prop_assert!(!service.reallocate, "{} is asked for ever", key);
        }
    }
    for pool in &c.server.pools {
        let accepted = pool.status.conditions.iter().find(|one| one.type_ == "Accepted");
        prop_assert!(accepted.is_some_and(|one| !one.message.is_empty() && one.message.len() < 32_768));
        prop_assert!(pool.status.counters.is_some());
    }
    prop_assert!(c.server.state.is_some());
    // A restart reads all of it again, and agrees.
    c.restart();
    prop_assert_eq!(c.settle(), 0, "a restart writes nothing");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_can_be_stored_ends_as_a_verdict(
        services in vec(service(), 1..6),
        pools in vec(pool_object(), 0..4),
        namespaces in vec((text(), labels()), 0..3),
    ) {
        live(&services, &pools, &namespaces)?;
    }
}

#[test]
fn every_field_at_its_limit() {
    let long = |count: usize| "x".repeat(count);
    let many = |count: usize| {
        (0..count).map(|number| format!("10.{}.{}.0/24", number / 256, number % 256)).collect::<Vec<_>>()
    };
    let terms: Vec<_> =
        (0..256).map(|number| json!({"key": format!("k{number}"), "operator": "In", "values": [long(63)]})).collect();
    let pool = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
        "metadata": {"name": long(253), "uid": "p", "generation": i64::MAX},
        "spec": {
            "addresses": many(2048),
            "serviceAllocation": {
                "priority": i64::MAX,
                "namespaces": (0..1024).map(|number| format!("{number}{}", long(240))).collect::<Vec<_>>(),
                "namespaceSelectors": [{"matchExpressions": terms}], "serviceSelectors": [],
            },
            "herald": {"maxPerNamespace": i64::MAX},
        },
    });
    let annotations = json!({
        "metallb.io/address-pool": long(253), "metallb.io/loadBalancerIPs": "1,".repeat(130_000),
        "metallb.io/allow-shared-ip": long(260_000), "metallb.io/reallocate": long(1000),
    });
    // As much as the API server's limit on the size of an object lets through.
    let ports: Vec<_> = (1..=20_000).map(|port| json!({"port": port, "protocol": "TCP"})).collect();
    let ingress: Vec<_> =
        (0..15_000).map(|number| json!({"ip": format!("10.9.{}.{}", number / 256, number % 256)})).collect();
    let service = |name: &str, namespace: &str| {
        json!({
            "metadata": {"name": name, "namespace": namespace, "uid": name, "annotations": annotations},
            "spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.1"], "ports": ports},
            "status": {"loadBalancer": {"ingress": ingress}},
        })
    };
    let services = [service(&long(63), &format!("7{}", long(240))), service("other", &long(63))];
    live(&services, &[pool], &[]).unwrap();
}
