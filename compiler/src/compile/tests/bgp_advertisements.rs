use super::{compile, labels, meta, pool, says, selects};
use crate::bgp::{ExtendedCommunity, StandardCommunity};
use crate::config::BgpAdvertisement;
use crate::object::{self, Objects};
use crate::verdict::{ConditionType, Kind};

fn advertisement() -> object::BgpAdvertisement {
    object::BgpAdvertisement { meta: meta("adv", 1), ..object::BgpAdvertisement::default() }
}

fn objects(advertisement: object::BgpAdvertisement) -> Objects {
    let mut labelled = pool("labelled", 1, &["10.0.1.0/24", "fd00:1::/64"]);
    labelled.meta.labels = labels(&[("site", "north")]);
    let peer = object::BgpPeer { meta: meta("router", 1), ..object::BgpPeer::default() };
    Objects {
        pools: vec![pool("plain", 1, &["10.0.0.0/24"]), labelled, pool("broken", 1, &["nonsense"])],
        bgp_advertisements: vec![advertisement],
        bgp_peers: vec![peer],
        ..Objects::default()
    }
}

fn compiled(advertisement: object::BgpAdvertisement) -> BgpAdvertisement {
    let compilation = compile(&objects(advertisement));
    let accepted = says(&compilation.verdicts, Kind::BgpAdvertisement, "adv", ConditionType::Accepted);
    assert_eq!(accepted, "true Accepted: used as written");
    compilation.config.bgp_advertisements()[0].as_ref().clone()
}

fn pools_of(advertisement: &BgpAdvertisement) -> Vec<&str> {
    advertisement.pools.iter().map(String::as_str).collect()
}

#[test]
fn without_more_it_announces_every_address_to_everybody() {
    let open = compiled(advertisement());
    assert_eq!(pools_of(&open), ["broken", "labelled", "plain"]);
    assert_eq!((open.length_v4, open.length_v6, open.peers.clone()), (32, 128, None));
    assert!(open.announces_to("anybody") && open.selects_node(&labels(&[])) && open.selects_service(&labels(&[])));
    assert_eq!(open.attributes, crate::bgp::Attributes::default());
    assert!(!open.aggregate_always);
}

#[test]
fn every_field_has_a_meaning() {
    let full = compiled(object::BgpAdvertisement {
        aggregation_length: 24,
        aggregation_length_v6: 64,
        local_pref: Some(200),
        communities: vec!["64512:1".into()],
        ip_address_pools: vec!["plain".into()],
        ip_address_pool_selectors: vec![selects(&[("site", "north")])],
        node_selectors: vec![selects(&[("rack", "a")])],
        peers: vec!["router".into()],
        well_known_communities: vec!["no-export".into()],
        extended_communities: vec!["rt:1:2".into()],
        as_path_prepend: Some(16),
        med: Some(0),
        aggregate_always: Some(true),
        ..advertisement()
    });
    assert_eq!(pools_of(&full), ["labelled", "plain"]);
    assert_eq!((full.length_v4, full.length_v6), (24, 64));
    assert!(full.announces_to("router") && !full.announces_to("another"));
    assert!(full.selects_node(&labels(&[("rack", "a")])) && !full.selects_node(&labels(&[])));
    let said = &full.attributes;
    assert_eq!((said.local_pref, said.med, said.prepend), (Some(200), Some(0), Some(16)));
    assert_eq!(said.communities, [0xfc00_0001, 0xffff_ff01].map(StandardCommunity).into());
    assert_eq!(said.extended_communities, [ExtendedCommunity([0, 2, 0, 1, 0, 0, 0, 2])].into());
    assert!(full.aggregate_always);
}

#[test]
fn a_local_pref_of_zero_is_none() {
    let unset = compiled(object::BgpAdvertisement { local_pref: Some(0), ..advertisement() });
    assert_eq!(unset.attributes.local_pref, None);
}

#[test]
fn unknown_pools_and_peers_mean_nothing_and_are_named() {
    let compilation = compile(&objects(object::BgpAdvertisement {
        ip_address_pools: vec!["plain".into(), "lost".into()],
        peers: vec!["gone".into()],
        ..advertisement()
    }));
    let one = &compilation.config.bgp_advertisements()[0];
    assert_eq!(pools_of(one), ["plain"]);
    assert!(!one.announces_to("router"), "a list of unknown peers is not the list of all");
    let verdict = |kind| says(&compilation.verdicts, Kind::BgpAdvertisement, "adv", kind);
    assert!(verdict(ConditionType::Accepted).starts_with("true"));
    assert_eq!(
        verdict(ConditionType::ResolvedRefs),
        "false PoolNotFound: no IPAddressPool is called \"lost\": create it, or correct ipAddressPools; no BGPPeer is \
         called \"gone\": create it, or correct peers"
    );
}

#[test]
fn the_advertisements_of_a_pool() {
    let mut all = objects(advertisement());
    all.bgp_advertisements.push(object::BgpAdvertisement {
        meta: meta("another", 2),
        ip_address_pools: vec!["labelled".into()],
        ..object::BgpAdvertisement::default()
    });
    let config = compile(&all).config;
    let names = |pool| -> Vec<&str> { config.bgp_advertisements_of(pool).map(|one| one.name.as_str()).collect() };
    assert_eq!(names("labelled"), ["adv", "another"]);
    assert_eq!(names("plain"), ["adv"]);
    assert_eq!(names("none"), Vec::<&str>::new());
}

#[test]
fn an_aggregate_that_holds_more_than_the_pool_is_named_by_its_family() {
    let lengths = |v4, v6| object::BgpAdvertisement {
        aggregation_length: v4,
        aggregation_length_v6: v6,
        ip_address_pools: vec!["labelled".into()],
        ..advertisement()
    };
    let accepted = |v4, v6| {
        let compilation = compile(&objects(lengths(v4, v6)));
        assert_eq!(compilation.config.bgp_advertisements().len(), 1, "it is used all the same");
        says(&compilation.verdicts, Kind::BgpAdvertisement, "adv", ConditionType::Accepted)
    };
    assert!(accepted(24, 64).starts_with("true"));
    assert_eq!(
        accepted(20, 128),
        "false AggregationTooShort: aggregationLength 20 is too short for 10.0.1.0/24 (pool \"labelled\", at best a /24): \
         a /20 would hold addresses outside of it, so IPv4 addresses there are announced one by one. Write \
         aggregationLength 24 or more, or advertise that pool separately"
    );
    let v6 = accepted(24, 48);
    assert!(v6.contains("aggregationLengthV6 48 is too short for fd00:1::/64"), "{v6}");
    assert!(!v6.contains("IPv4"), "{v6}");
    let both = accepted(8, 48);
    assert!(both.contains("aggregationLength 8 ") && both.contains("aggregationLengthV6 48 "), "{both}");
}

#[test]
fn ranges_hold_what_their_largest_block_holds() {
    for (item, shortest) in [
        ("10.0.0.10-10.0.0.20", 30),
        ("10.0.0.1-10.0.0.254", 26),
        ("10.0.0.0-10.0.0.255", 24),
        ("10.0.0.1-10.0.0.2", 32),
        ("0.0.0.0/0", 0),
        ("::/0", 0),
        ("::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
        ("fd00::1/128", 128),
    ] {
        assert_eq!(crate::AddressRange::parse(item).unwrap().shortest_prefix(), shortest, "{item}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_alone() {
    let cases = [
        (
            object::BgpAdvertisement { aggregation_length: 0, ..advertisement() },
            "aggregationLength is 0: write a number",
        ),
        (object::BgpAdvertisement { aggregation_length: 33, ..advertisement() }, "from 1 to 32"),
        (object::BgpAdvertisement { aggregation_length_v6: -1, ..advertisement() }, "aggregationLengthV6 is -1"),
        (object::BgpAdvertisement { aggregation_length_v6: 129, ..advertisement() }, "from 1 to 128"),
        (
            object::BgpAdvertisement {
                aggregation_length: 24,
                service_selectors: vec![selects(&[])],
                ..advertisement()
            },
            "serviceSelectors need host routes: remove aggregationLength",
        ),
        (
            object::BgpAdvertisement {
                aggregation_length_v6: 64,
                service_selectors: vec![selects(&[])],
                ..advertisement()
            },
            "serviceSelectors need host routes",
        ),
        (
            object::BgpAdvertisement { local_pref: Some(-1), ..advertisement() },
            "localPref is -1: write a number from 0",
        ),
        (object::BgpAdvertisement { med: Some(1 << 32), ..advertisement() }, "herald.med is 4294967296"),
        (object::BgpAdvertisement { as_path_prepend: Some(17), ..advertisement() }, "from 0 to 16"),
        (
            object::BgpAdvertisement { well_known_communities: vec!["no_export".into()], ..advertisement() },
            "\"no_export\" is no well-known community: write one of no-export",
        ),
        (
            object::BgpAdvertisement { extended_communities: vec!["rt:1".into()], ..advertisement() },
            "\"rt:1\" is not an extended community",
        ),
        (
            object::BgpAdvertisement { peers: vec!["a".into(), "a".into()], ..advertisement() },
            "duplicate definition of peers \"a\"",
        ),
        (
            object::BgpAdvertisement { communities: vec!["1:1".into(), "1:1".into()], ..advertisement() },
            "duplicate definition of communities \"1:1\"",
        ),
        (
            object::BgpAdvertisement { node_selectors: vec![selects(&[("no key", "")])], ..advertisement() },
            "is not a label key",
        ),
    ];
    for (bad, words) in cases {
        let mut all = objects(bad);
        all.bgp_advertisements
            .push(object::BgpAdvertisement { meta: meta("other", 2), ..object::BgpAdvertisement::default() });
        let compilation = compile(&all);
        let names: Vec<_> = compilation.config.bgp_advertisements().iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["other"]);
        let accepted = says(&compilation.verdicts, Kind::BgpAdvertisement, "adv", ConditionType::Accepted);
        assert!(accepted.starts_with("false ") && accepted.contains(words), "{accepted}\nlacks {words:?}");
    }
}
