use super::{compile, free, labels, namespace, of_pool, pool, pools_only, selects, verdict};
use crate::config::Config;
use crate::object::{IpAddressPool, LabelSelectorRequirement, Objects, ServiceAllocation};
use crate::verdict::{ConditionType, Kind, Reason};

#[test]
fn one_good_pool() {
    let compilation =
        compile(&pools_only(vec![pool("public-pool", 1, &["192.168.1.240-192.168.1.250", "192.168.1.0/28"])]));
    let public = compilation.config.pool("public-pool").unwrap();
    assert!(public.usable && public.auto_assign);
    assert_eq!(public.free_ranges, public.ranges);
    // The order of the items is the order of use.
    let expected = ["192.168.1.240-192.168.1.250", "192.168.1.0/28"];
    assert_eq!(free(&compilation.config, "public-pool"), expected);
    let verdict = verdict(&compilation.verdicts, Kind::IpAddressPool, "public-pool");
    assert!(verdict.is_accepted() && !verdict.needs_attention());
    assert_eq!((verdict.generation, verdict.uid.as_str()), (7, "uid-public-pool"));
}

#[test]
fn a_bad_pool_is_left_out_alone() {
    let compilation = compile(&pools_only(vec![
        pool("good", 5, &["192.0.2.0/24"]),
        pool("reversed", 1, &["192.0.2.0/24", "fd00::9-fd00::1"]),
        pool("empty", 1, &[]),
    ]));
    assert_eq!(free(&compilation.config, "good"), ["192.0.2.0/24"]);
    assert!(!of_pool(&compilation.verdicts, "good", ConditionType::Conflicted).status);
    for name in ["reversed", "empty"] {
        let left_out = compilation.config.pool(name).unwrap();
        assert!(!left_out.usable && left_out.ranges.is_empty());
        let verdict = verdict(&compilation.verdicts, Kind::IpAddressPool, name);
        assert!(!verdict.is_accepted() && verdict.needs_attention());
        assert_eq!(verdict.conditions.len(), 1);
        assert_eq!(verdict.conditions[0].reason, Reason::InvalidAddresses);
    }
    let reversed = of_pool(&compilation.verdicts, "reversed", ConditionType::Accepted);
    assert_eq!(reversed.message, "\"fd00::9-fd00::1\" ends before it starts: write \"fd00::1-fd00::9\"");
}

fn with_allocation(allocation: ServiceAllocation) -> Objects {
    let mut limited = pool("limited", 1, &["192.0.2.0/24"]);
    limited.service_allocation = Some(allocation);
    Objects {
        pools: vec![limited],
        namespaces: vec![namespace("shop", &[("team", "a")]), namespace("blog", &[("team", "b")])],
        ..Objects::default()
    }
}

fn serves(config: &Config, namespace: &str) -> bool {
    config.pool("limited").unwrap().serves(namespace, &labels(&[("app", "web")]))
}

#[test]
fn an_empty_allocation_serves_everyone_but_pins() {
    let config = compile(&with_allocation(ServiceAllocation::default())).config;
    assert!(serves(&config, "shop") && serves(&config, "anything"));
    let allocation = config.pool("limited").unwrap().allocation.clone().unwrap();
    assert_eq!(allocation.priority, None);
}

#[test]
fn namespaces_by_name_and_by_label_add_up() {
    let config = compile(&with_allocation(ServiceAllocation {
        namespaces: vec!["not-there-yet".into()],
        namespace_selectors: vec![selects(&[("team", "a")])],
        ..ServiceAllocation::default()
    }))
    .config;
    assert!(serves(&config, "shop") && serves(&config, "not-there-yet"));
    assert!(!serves(&config, "blog"));
}

#[test]
fn a_namespace_selector_without_match_serves_nobody() {
    for service_selectors in [vec![], vec![selects(&[("app", "web")])]] {
        let config = compile(&with_allocation(ServiceAllocation {
            namespace_selectors: vec![selects(&[("team", "nobody")])],
            service_selectors,
            ..ServiceAllocation::default()
        }))
        .config;
        assert!(!serves(&config, "shop") && !serves(&config, "anything"));
    }
}

#[test]
fn service_labels_and_namespace_must_both_fit() {
    let config = compile(&with_allocation(ServiceAllocation {
        namespaces: vec!["shop".into()],
        service_selectors: vec![selects(&[("app", "db")]), selects(&[("app", "web")])],
        ..ServiceAllocation::default()
    }))
    .config;
    let limited = config.pool("limited").unwrap();
    assert!(limited.serves("shop", &labels(&[("app", "web")])));
    assert!(!limited.serves("blog", &labels(&[("app", "web")])));
    assert!(!limited.serves("shop", &labels(&[("app", "mail")])));
}

#[test]
fn only_a_positive_priority_ranks() {
    for (written, expected) in [(0, None), (-3, None), (1, Some(1)), (50, Some(50))] {
        let config =
            compile(&with_allocation(ServiceAllocation { priority: written, ..ServiceAllocation::default() })).config;
        let allocation = config.pool("limited").unwrap().allocation.clone();
        assert_eq!(allocation.unwrap().priority, expected);
    }
}

#[test]
fn a_quota_is_at_least_one() {
    let with_quota =
        |max| pools_only(vec![IpAddressPool { max_per_namespace: max, ..pool("limited", 0, &["192.0.2.0/24"]) }]);
    for (written, expected) in [(None, None), (Some(1), Some(1)), (Some(i64::MAX), Some(i64::MAX.unsigned_abs()))] {
        assert_eq!(compile(&with_quota(written)).config.pool("limited").unwrap().max_per_namespace, expected);
    }
    for written in [0, -1, i64::MIN] {
        let compilation = compile(&with_quota(Some(written)));
        let accepted = of_pool(&compilation.verdicts, "limited", ConditionType::Accepted);
        assert_eq!(accepted.reason, Reason::InvalidQuota);
        assert!(accepted.message.contains("write 1 or more"), "{}", accepted.message);
        assert!(!compilation.config.pool("limited").unwrap().usable);
    }
}

#[test]
fn allocation_errors_leave_the_pool_out() {
    let twice = vec![selects(&[("a", "b")]), selects(&[("a", "b")])];
    let mut bad_operator = selects(&[]);
    bad_operator.match_expressions.push(LabelSelectorRequirement {
        key: "zone".into(),
        operator: "Equals".into(),
        values: vec!["a".into()],
    });
    let cases = [
        (
            ServiceAllocation { namespaces: vec!["shop".into(), "shop".into()], ..ServiceAllocation::default() },
            Reason::DuplicateEntry,
            "duplicate definition of namespaces \"shop\"",
        ),
        (
            ServiceAllocation { namespace_selectors: twice.clone(), ..ServiceAllocation::default() },
            Reason::DuplicateEntry,
            "duplicate definition of namespaceSelectors \"a=b\"",
        ),
        (
            ServiceAllocation { service_selectors: twice, ..ServiceAllocation::default() },
            Reason::DuplicateEntry,
            "duplicate definition of serviceSelectors \"a=b\"",
        ),
        (
            ServiceAllocation { service_selectors: vec![bad_operator], ..ServiceAllocation::default() },
            Reason::InvalidSelector,
            "key \"zone\" has the unknown operator \"Equals\"",
        ),
    ];
    for (allocation, reason, text) in cases {
        let compilation = compile(&with_allocation(allocation));
        let accepted = of_pool(&compilation.verdicts, "limited", ConditionType::Accepted);
        assert!(!accepted.status);
        assert_eq!(accepted.reason, reason);
        assert!(accepted.message.contains(text), "{}", accepted.message);
        assert!(!compilation.config.pool("limited").unwrap().usable);
    }
}
