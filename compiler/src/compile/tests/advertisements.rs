use super::{compile, labels, meta, pool, selects, verdict};
use crate::config::L2Advertisement;
use crate::object::{self, Objects, PreferredNodeSelector};
use crate::verdict::{ConditionType, Kind, Reason};

fn advertisement() -> object::L2Advertisement {
    object::L2Advertisement { meta: meta("l2adv", 1), ..object::L2Advertisement::default() }
}

fn objects(advertisement: object::L2Advertisement) -> Objects {
    let mut labelled = pool("labelled", 1, &["10.0.1.0/24"]);
    labelled.meta.labels = labels(&[("site", "north")]);
    Objects {
        pools: vec![pool("plain", 1, &["10.0.0.0/24"]), labelled, pool("broken", 1, &["nonsense"])],
        l2_advertisements: vec![advertisement],
        ..Objects::default()
    }
}

fn compiled(advertisement: object::L2Advertisement) -> L2Advertisement {
    let compilation = compile(&objects(advertisement));
    compilation.config.l2_advertisements()[0].clone()
}

fn pools_of(advertisement: &L2Advertisement) -> Vec<&str> {
    advertisement.pools.iter().map(String::as_str).collect()
}

#[test]
fn without_pools_it_covers_all() {
    assert_eq!(pools_of(&compiled(advertisement())), ["broken", "labelled", "plain"]);
}

#[test]
fn names_and_selectors_add_up() {
    let both = compiled(object::L2Advertisement {
        ip_address_pools: vec!["plain".into()],
        ip_address_pool_selectors: vec![selects(&[("site", "north")])],
        ..advertisement()
    });
    assert_eq!(pools_of(&both), ["labelled", "plain"]);
    let none = compiled(object::L2Advertisement {
        ip_address_pool_selectors: vec![selects(&[("site", "south")])],
        ..advertisement()
    });
    assert_eq!(pools_of(&none), Vec::<&str>::new());
}

#[test]
fn unknown_pools_are_remembered_and_said() {
    let objects =
        objects(object::L2Advertisement { ip_address_pools: vec!["plain".into(), "typo".into()], ..advertisement() });
    let compilation = compile(&objects);
    let advertisement = &compilation.config.l2_advertisements()[0];
    assert_eq!(pools_of(advertisement), ["plain"]);
    assert!(advertisement.unknown_pools.contains("typo"));
    let verdict = verdict(&compilation.verdicts, Kind::L2Advertisement, "l2adv");
    assert!(verdict.is_accepted() && verdict.needs_attention());
    let references = verdict.condition(ConditionType::ResolvedRefs).unwrap();
    assert_eq!((references.status, references.reason), (false, Reason::PoolNotFound));
    assert!(references.message.contains("\"typo\""), "{}", references.message);
}

#[test]
fn the_advertisements_of_a_pool() {
    let mut all = objects(advertisement());
    all.l2_advertisements.push(object::L2Advertisement {
        meta: meta("another", 2),
        ip_address_pools: vec!["labelled".into()],
        ..object::L2Advertisement::default()
    });
    let config = compile(&all).config;
    let names = |pool| -> Vec<&str> {
        config.l2_advertisements_of(pool).map(|advertisement| advertisement.name.as_str()).collect()
    };
    assert_eq!(names("labelled"), ["another", "l2adv"]);
    assert_eq!(names("plain"), ["l2adv"]);
}

#[test]
fn selectors_and_interfaces_restrict() {
    let limited = compiled(object::L2Advertisement {
        node_selectors: vec![selects(&[("zone", "a")]), selects(&[("zone", "b")])],
        service_selectors: vec![selects(&[("app", "web")])],
        interfaces: vec!["eth0".into()],
        ..advertisement()
    });
    assert!(limited.selects_node(&labels(&[("zone", "b")])));
    assert!(!limited.selects_node(&labels(&[("zone", "c")])));
    assert!(limited.selects_service(&labels(&[("app", "web")])));
    assert!(!limited.selects_service(&labels(&[])));
    assert!(limited.allows_interface("eth0") && !limited.allows_interface("eth1"));
    let open = compiled(advertisement());
    assert!(open.selects_node(&labels(&[])) && open.selects_service(&labels(&[])));
    assert!(open.allows_interface("anything"));
}

fn prefers(weight: i32, pairs: &[(&str, &str)]) -> PreferredNodeSelector {
    PreferredNodeSelector { weight, preference: selects(pairs) }
}

#[test]
fn weights_add_up_on_eligible_nodes_only() {
    let preferring = compiled(object::L2Advertisement {
        node_selectors: vec![selects(&[("zone", "a")])],
        preferred_node_selectors: vec![prefers(100, &[("disk", "fast")]), prefers(5, &[]), prefers(5, &[])],
        ..advertisement()
    });
    assert_eq!(preferring.score(&labels(&[("zone", "a"), ("disk", "fast")])), 110);
    assert_eq!(preferring.score(&labels(&[("zone", "a")])), 10);
    assert_eq!(preferring.score(&labels(&[("zone", "b"), ("disk", "fast")])), 0);
}

#[test]
fn errors_leave_only_this_advertisement_out() {
    let same_node_twice = vec![selects(&[("a", "b")]), selects(&[("a", "b")])];
    let cases = [
        (
            object::L2Advertisement { ip_address_pools: vec!["plain".into(), "plain".into()], ..advertisement() },
            Reason::DuplicateEntry,
        ),
        (object::L2Advertisement { node_selectors: same_node_twice, ..advertisement() }, Reason::DuplicateEntry),
        (
            object::L2Advertisement { service_selectors: vec![selects(&[("no key", "b")])], ..advertisement() },
            Reason::InvalidSelector,
        ),
        (
            object::L2Advertisement { preferred_node_selectors: vec![prefers(101, &[])], ..advertisement() },
            Reason::InvalidWeight,
        ),
    ];
    for (bad, reason) in cases {
        let mut all = objects(bad);
        all.l2_advertisements
            .push(object::L2Advertisement { meta: meta("other", 2), ..object::L2Advertisement::default() });
        let compilation = compile(&all);
        let names: Vec<_> = compilation.config.l2_advertisements().iter().map(|a| &a.name).collect();
        assert_eq!(names, ["other"]);
        let verdict = verdict(&compilation.verdicts, Kind::L2Advertisement, "l2adv");
        let accepted = verdict.condition(ConditionType::Accepted).unwrap();
        assert_eq!((accepted.status, accepted.reason), (false, reason));
    }
}
