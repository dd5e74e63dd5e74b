//! The kinds of BGP: schemas and compiler refuse the same things in the same words.

use std::sync::LazyLock;

use herald_apiserver_schema::Schema;
use herald_compiler::bgp::{Community, ExtendedCommunity};
use herald_compiler::verdict::{ConditionType, Kind};
use herald_compiler::{Objects, compile};
use herald_crds::{BGPAdvertisement, BGPPeer, border};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{object, refusals, schema};

/// What the compiler refuses an object for; `None` if it takes it.
fn compiler_says(kind: Kind, written: Value) -> Option<String> {
    let mut objects = Objects::default();
    match kind {
        Kind::BgpPeer => {
            let peer: BGPPeer = serde_json::from_value(written).unwrap();
            objects.bgp_peers.push(border::bgp_peer(&peer));
        }
        _ => {
            let advertisement: BGPAdvertisement = serde_json::from_value(written).unwrap();
            objects.bgp_advertisements.push(border::bgp_advertisement(&advertisement));
        }
    }
    let verdicts = compile(&objects).verdicts;
    let accepted = verdicts[0].condition(ConditionType::Accepted).unwrap();
    (!accepted.status).then(|| accepted.message.clone())
}

/// Each `changes` of a good peer must be refused by both in the same words.
#[test]
fn about_peers() {
    let schema = schema("BGPPeer", "v1beta2");
    for changes in [
        json!({"myASN": 0}),
        json!({"peerASN": 0}),
        json!({"dynamicASN": "external"}),
        json!({"peerAddress": ""}),
        json!({"interface": "eth0"}),
        json!({"peerAddress": "router.example"}),
        json!({"sourceAddress": "fe80::1%eth0"}),
        json!({"holdTime": "90"}),
        json!({"holdTime": "2s"}),
        json!({"holdTime": "999ms"}),
        json!({"holdTime": "65536s"}),
        json!({"keepaliveTime": "1ms"}),
        json!({"keepaliveTime": "ten"}),
        json!({"holdTime": "90s", "keepaliveTime": "91s"}),
        json!({"connectTime": "1500ms"}),
        json!({"connectTime": "0"}),
        json!({"routerID": "2001:db8::1"}),
        json!({"routerID": "0.0.0.0"}),
        json!({"password": "a", "passwordSecret": {"name": "b"}}),
        json!({"peerASN": 64512, "ebgpMultiHop": true}),
    ] {
        let mut spec = json!({"myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1"});
        for (field, value) in changes.as_object().unwrap() {
            spec[field] = value.clone();
        }
        let written = object("BGPPeer", "v1beta2", &spec);
        let schema = refusals(&schema, &written, None);
        let compiler = compiler_says(Kind::BgpPeer, written).unwrap();
        assert_eq!(schema.len(), 1, "{changes}: {schema:?}");
        assert!(schema[0].ends_with(&compiler), "{}\n{compiler}", schema[0]);
    }
}

#[test]
fn about_advertisements() {
    let schema = schema("BGPAdvertisement", "v1beta1");
    for spec in [
        json!({"communities": ["1:2:3"]}),
        json!({"communities": ["64512:70000"]}),
        json!({"aggregationLength": 24, "serviceSelectors": [{}]}),
        json!({"herald": {"extendedCommunities": ["rt:1"]}}),
    ] {
        let written = object("BGPAdvertisement", "v1beta1", &spec);
        let schema = refusals(&schema, &written, None);
        let compiler = compiler_says(Kind::BgpAdvertisement, written).unwrap();
        assert!(schema[0].ends_with(&compiler), "{schema:?}\n{compiler}");
    }
}

/// A duration, a community, an extended community, or something like it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec!["rt", "soo", "large", "0x", "192.0.2.1", "h", "m", "s", "ms", "."])
            .prop_map(str::to_owned),
        (0..70_000_u32).prop_map(|number| number.to_string()),
        (4_294_967_290..4_294_967_300_u64).prop_map(|number| number.to_string()),
        "[0-9a-fµ]{0,16}",
    ];
    let joint = proptest::sample::select(vec![":", "", "."]);
    proptest::collection::vec((piece, joint), 1..5)
        .prop_map(|parts| parts.into_iter().map(|(piece, joint)| piece + joint).collect::<String>())
        .prop_map(|text| text.trim_end_matches(':').chars().take(30).collect())
        // Kubernetes refuses leading zeros of an address, the CEL library of these tests takes them.
        .prop_filter("leading zero", |text: &String| {
            !text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 1 && digits.starts_with('0'))
        })
}

static NAMES: LazyLock<Schema> = LazyLock::new(|| schema("Community", "v1beta1"));
static ADVERTISEMENT: LazyLock<Schema> = LazyLock::new(|| schema("BGPAdvertisement", "v1beta1"));
static PEER: LazyLock<Schema> = LazyLock::new(|| schema("BGPPeer", "v1beta2"));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn communities_are_what_both_take(text in text()) {
        let written = object("Community", "v1beta1", &json!({"communities": [{"name": "x", "value": text}]}));
        let schema = refusals(&NAMES, &written, None);
        prop_assert_eq!(schema.is_empty(), Community::parse(&text).is_ok(), "{}: {:?}", text, schema);
    }

    #[test]
    fn extended_communities_are_what_both_take(text in text()) {
        prop_assume!(!text.is_empty());
        let spec = json!({"herald": {"extendedCommunities": [text]}});
        let schema = refusals(&ADVERTISEMENT, &object("BGPAdvertisement", "v1beta1", &spec), None);
        prop_assert_eq!(schema.is_empty(), ExtendedCommunity::parse(&text).is_ok(), "{}: {:?}", text, schema);
    }

    #[test]
    fn hold_times_are_what_both_take(text in text()) {
        prop_assume!(!text.is_empty());
        let spec = json!({"myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1", "holdTime": text});
        let written = object("BGPPeer", "v1beta2", &spec);
        let schema = refusals(&PEER, &written, None);
        let compiler = compiler_says(Kind::BgpPeer, written);
        prop_assert_eq!(schema.is_empty(), compiler.is_none(), "{}: {:?} {:?}", text, schema, compiler);
    }
}
