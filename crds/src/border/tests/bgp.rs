use herald_compiler::object::{BgpAdvertisement, BgpPeer, CommunityAlias, ObjectMeta, Password};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::border::{bfd_profile, bgp_advertisement, bgp_peer, community};

fn read<T: DeserializeOwned>(spec: Value) -> T {
    serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": spec})).unwrap()
}

fn named() -> ObjectMeta {
    ObjectMeta { name: "x".into(), ..ObjectMeta::default() }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn every_field_of_a_peer_crosses() {
    let peer = bgp_peer(&read(json!({
        "myASN": 1, "peerASN": 2, "dynamicASN": "external", "localASN": 3,
        "peerAddress": "192.0.2.1", "interface": "eth0", "sourceAddress": "192.0.2.2", "peerPort": 1790,
        "holdTime": "9s", "keepaliveTime": "3s", "connectTime": "1s", "routerID": "192.0.2.3",
        "nodeSelectors": [{"matchLabels": {"k": "node"}}],
        "password": "p", "passwordSecret": {"name": "s", "namespace": "elsewhere"}, "bfdProfile": "fast",
        "enableGracefulRestart": true, "ebgpMultiHop": true, "vrf": "red", "disableMP": true,
        "dualStackAddressFamily": true, "herald": {"ttlSecurityHops": 5},
    })));
    assert_eq!(peer.node_selectors[0].match_labels["k"], "node");
    let expected = BgpPeer {
        meta: named(),
        my_asn: 1,
        peer_asn: Some(2),
        dynamic_asn: text("external"),
        local_asn: Some(3),
        peer_address: text("192.0.2.1"),
        interface: text("eth0"),
        source_address: text("192.0.2.2"),
        peer_port: 1790,
        hold_time: text("9s"),
        keepalive_time: text("3s"),
        connect_time: text("1s"),
        router_id: text("192.0.2.3"),
        node_selectors: peer.node_selectors.clone(),
        password: Some(Password::new("p".into())),
        password_secret: text("s"),
        bfd_profile: text("fast"),
        enable_graceful_restart: true,
        ebgp_multi_hop: true,
        vrf: text("red"),
        dual_stack_address_family: true,
        ttl_security_hops: Some(5),
    };
    assert_eq!(peer, expected);
}

#[test]
fn defaults_are_the_schemas() {
    let peer = bgp_peer(&read(json!({"myASN": 1})));
    assert_eq!(peer, BgpPeer { meta: named(), my_asn: 1, peer_port: 179, ..BgpPeer::default() });
    let advertisement = bgp_advertisement(&read(json!({})));
    assert_eq!(advertisement, BgpAdvertisement { meta: named(), ..BgpAdvertisement::default() });
}

#[test]
fn every_field_of_an_advertisement_crosses() {
    let advertisement = bgp_advertisement(&read(json!({
        "aggregationLength": 24, "aggregationLengthV6": 64, "localPref": 200, "communities": ["1:2"],
        "ipAddressPools": ["a"], "ipAddressPoolSelectors": [{"matchLabels": {"k": "pool"}}],
        "nodeSelectors": [{"matchLabels": {"k": "node"}}], "peers": ["r"],
        "serviceSelectors": [{"matchLabels": {"k": "service"}}],
        "herald": {
            "wellKnownCommunities": ["no-export"], "extendedCommunities": ["rt:1:2"], "asPathPrepend": 2, "med": 5,
            "aggregateAlways": true,
        },
    })));
    let label = |selectors: &[herald_compiler::object::LabelSelector]| selectors[0].match_labels["k"].clone();
    assert_eq!(label(&advertisement.ip_address_pool_selectors), "pool");
    assert_eq!(label(&advertisement.node_selectors), "node");
    assert_eq!(label(&advertisement.service_selectors), "service");
    let expected = BgpAdvertisement {
        meta: named(),
        aggregation_length: 24,
        aggregation_length_v6: 64,
        local_pref: Some(200),
        communities: vec!["1:2".into()],
        ip_address_pools: vec!["a".into()],
        ip_address_pool_selectors: advertisement.ip_address_pool_selectors.clone(),
        node_selectors: advertisement.node_selectors.clone(),
        peers: vec!["r".into()],
        service_selectors: advertisement.service_selectors.clone(),
        well_known_communities: vec!["no-export".into()],
        extended_communities: vec!["rt:1:2".into()],
        as_path_prepend: Some(2),
        med: Some(5),
        aggregate_always: Some(true),
    };
    assert_eq!(advertisement, expected);
}

#[test]
fn communities_and_bfd_profiles_cross() {
    let names = community(&read(json!({"communities": [{"name": "vpn", "value": "1:2"}, {}]})));
    assert_eq!(names.communities[0], CommunityAlias { name: "vpn".into(), value: "1:2".into() });
    assert_eq!(names.communities[1], CommunityAlias::default());
    let profile = bfd_profile(&read(json!({
        "receiveInterval": 1, "transmitInterval": 2, "detectMultiplier": 3, "echoInterval": 4, "echoMode": true,
        "passiveMode": true, "minimumTtl": 5,
    })));
    let settings = profile.settings;
    assert_eq!((settings.receive_interval, settings.transmit_interval), (Some(1), Some(2)));
    assert_eq!((settings.detect_multiplier, settings.echo_interval, settings.minimum_ttl), (Some(3), Some(4), Some(5)));
    assert!(settings.echo_mode && settings.passive_mode);
}
