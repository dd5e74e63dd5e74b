use serde_json::{Value, json};

use crate::{accepts, refuses};

/// A peer that is in order, with `changes` on top; a null removes a field.
fn peer(changes: &Value) -> Value {
    let mut spec = json!({"myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1"});
    for (field, value) in changes.as_object().unwrap() {
        if value.is_null() {
            spec.as_object_mut().unwrap().remove(field);
        } else {
            spec[field] = value.clone();
        }
    }
    spec
}

#[test]
fn peers_accepted_in_both_versions() {
    for version in ["v1beta1", "v1beta2"] {
        accepts(
            "BGPPeer",
            version,
            [
                peer(&json!({})),
                peer(&json!({"myASN": 4_294_967_295_u32, "peerASN": 4_200_000_000_u32})),
                peer(&json!({"peerASN": null, "dynamicASN": "external"})),
                peer(&json!({"peerASN": 0, "dynamicASN": "internal"})),
                peer(&json!({"peerAddress": null, "interface": "eth0"})),
                peer(&json!({"peerAddress": "2001:db8::1", "sourceAddress": "2001:db8::2"})),
                peer(&json!({"holdTime": "90s", "keepaliveTime": "30s", "connectTime": "10s"})),
                peer(&json!({"holdTime": "1m30s", "keepaliveTime": "1m30s"})),
                peer(&json!({"holdTime": "0s", "keepaliveTime": "0s"})),
                peer(&json!({"holdTime": "3s", "connectTime": "1m"})),
                peer(&json!({"holdTime": "1.5h", "connectTime": "18h12m15s"})),
                peer(&json!({"routerID": "192.0.2.9", "peerPort": 65535, "localASN": 1})),
                peer(&json!({"password": "secret"})),
                peer(&json!({"passwordSecret": {"name": "bgp"}, "password": ""})),
                peer(&json!({"ebgpMultiHop": true, "bfdProfile": "fast", "vrf": "red"})),
                peer(&json!({"enableGracefulRestart": true, "disableMP": true})),
                peer(&json!({"dualStackAddressFamily": true, "nodeSelectors": [{}]})),
                peer(&json!({"herald": {}})),
                peer(&json!({"herald": {"ttlSecurityHops": 1}})),
                peer(&json!({"herald": {"ttlSecurityHops": 254}})),
            ],
        );
    }
}

#[test]
fn peers_refused() {
    for version in ["v1beta1", "v1beta2"] {
        refuses(
            "BGPPeer",
            version,
            [
                (peer(&json!({"myASN": null})), "spec.myASN", ["Required value", ""]),
                (peer(&json!({"myASN": 0})), "spec.myASN", ["0 is not an AS number", "64512 to 65534"]),
                (
                    peer(&json!({"myASN": 4_294_967_296_u64})),
                    "spec.myASN",
                    ["4294967296", "less than or equal to 4294967295"],
                ),
                (peer(&json!({"peerASN": null})), "spec", ["exactly one of peerASN and dynamicASN", "write"]),
                (peer(&json!({"dynamicASN": "external"})), "spec", ["exactly one of peerASN and dynamicASN", "write"]),
                (
                    peer(&json!({"peerASN": null, "dynamicASN": "any"})),
                    "spec.dynamicASN",
                    ["Unsupported value: \"any\"", "\"internal\""],
                ),
                (peer(&json!({"localASN": 0})), "spec.localASN", ["0", "greater than or equal to 1"]),
                (peer(&json!({"peerAddress": null})), "spec", ["exactly one of peerAddress and interface", "write"]),
                (peer(&json!({"peerAddress": ""})), "spec", ["exactly one of peerAddress and interface", "write"]),
                (peer(&json!({"interface": "eth0"})), "spec", ["exactly one of peerAddress and interface", "write"]),
                (
                    peer(&json!({"peerAddress": "router.example"})),
                    "spec.peerAddress",
                    ["\"router.example\" is not an IP address", "write one like 192.0.2.1"],
                ),
                (
                    peer(&json!({"sourceAddress": "192.0.2.0/24"})),
                    "spec.sourceAddress",
                    ["\"192.0.2.0/24\" is not an IP address", "write one like 192.0.2.1"],
                ),
                (peer(&json!({"peerPort": 0})), "spec.peerPort", ["0", "greater than or equal to 1"]),
                (peer(&json!({"peerPort": 65536})), "spec.peerPort", ["65536", "less than or equal to 65535"]),
                (
                    peer(&json!({"routerID": "2001:db8::1"})),
                    "spec.routerID",
                    ["\"2001:db8::1\" is not a router ID", "like an IPv4 address"],
                ),
                (
                    peer(&json!({"routerID": "one"})),
                    "spec.routerID",
                    ["\"one\" is not a router ID", "like an IPv4 address"],
                ),
                (peer(&json!({"holdTime": "90"})), "spec.holdTime", ["\"90\" is not a duration", "like 90s"]),
                (peer(&json!({"holdTime": "-90s"})), "spec.holdTime", ["\"-90s\" is not a duration", "like 90s"]),
                (
                    peer(&json!({"holdTime": "2s"})),
                    "spec.holdTime",
                    ["holdTime \"2s\" is not possible", "3s to 65535s"],
                ),
                (peer(&json!({"holdTime": "500ms"})), "spec.holdTime", ["holdTime \"500ms\" is not possible", "0s"]),
                (peer(&json!({"holdTime": "19h"})), "spec.holdTime", ["holdTime \"19h\" is not possible", "65535s"]),
                (peer(&json!({"keepaliveTime": "x"})), "spec.keepaliveTime", ["\"x\" is not a duration", "like 90s"]),
                (
                    peer(&json!({"routerID": "0.0.0.0"})),
                    "spec.routerID",
                    ["\"0.0.0.0\" is not a router ID", "like an IPv4 address"],
                ),
                (
                    peer(&json!({"keepaliveTime": "999ms"})),
                    "spec.keepaliveTime",
                    ["keepaliveTime \"999ms\" is not possible", "write 1s or more"],
                ),
                (
                    peer(&json!({"herald": {"ttlSecurityHops": 0}})),
                    "spec.herald.ttlSecurityHops",
                    ["0", "greater than or equal to 1"],
                ),
                (
                    peer(&json!({"herald": {"ttlSecurityHops": 255}})),
                    "spec.herald.ttlSecurityHops",
                    ["255", "less than or equal to 254"],
                ),
                (
                    peer(&json!({"holdTime": "90s", "keepaliveTime": "91s"})),
                    "spec",
                    ["keepaliveTime \"91s\" is longer than holdTime \"90s\"", "write a third"],
                ),
                (
                    peer(&json!({"connectTime": "1500ms"})),
                    "spec.connectTime",
                    ["connectTime \"1500ms\" is not possible", "whole seconds"],
                ),
                (
                    peer(&json!({"connectTime": "0s"})),
                    "spec.connectTime",
                    ["connectTime \"0s\" is not possible", "1s to 65535s"],
                ),
                (
                    peer(&json!({"password": "a", "passwordSecret": {"name": "b"}})),
                    "spec",
                    ["password and passwordSecret must not both be given", "remove password"],
                ),
                (peer(&json!({"password": "p".repeat(81)})), "spec.password", ["Too long", "80"]),
                (
                    peer(&json!({"peerASN": 64512, "ebgpMultiHop": true})),
                    "spec",
                    ["peerASN 64512 is our own", "remove ebgpMultiHop"],
                ),
            ],
        );
    }
}

#[test]
fn advertisements_accepted() {
    accepts(
        "BGPAdvertisement",
        "v1beta1",
        [
            json!({}),
            json!({"aggregationLength": 1, "aggregationLengthV6": 64, "localPref": 0}),
            json!({"aggregationLength": 32, "serviceSelectors": [{"matchLabels": {"a": "b"}}]}),
            json!({"aggregationLength": 24, "serviceSelectors": []}),
            json!({"localPref": 4_294_967_295_u32, "peers": ["a", "b"]}),
            json!({"communities": ["64512:100", "0:0", "65535:65535", "no-advertise"]}),
            json!({"communities": ["large:1:2:3", "large:4294967295:0:4294967295"]}),
        ],
    );
}

#[test]
fn advertisements_refused() {
    let communities = |value: &str| json!({"communities": [value]});
    refuses(
        "BGPAdvertisement",
        "v1beta1",
        [
            (json!({"aggregationLength": 0}), "spec.aggregationLength", ["0", "greater than or equal to 1"]),
            (json!({"aggregationLength": 33}), "spec.aggregationLength", ["33", "less than or equal to 32"]),
            (json!({"aggregationLengthV6": 129}), "spec.aggregationLengthV6", ["129", "less than or equal to 128"]),
            (json!({"localPref": -1}), "spec.localPref", ["-1", "greater than or equal to 0"]),
            (
                json!({"aggregationLength": 24, "serviceSelectors": [{}]}),
                "spec",
                ["serviceSelectors need host routes", "remove aggregationLength"],
            ),
            (
                json!({"aggregationLengthV6": 64, "serviceSelectors": [{}]}),
                "spec",
                ["serviceSelectors need host routes", "remove aggregationLength"],
            ),
            (
                communities("64512:65536"),
                "spec.communities[0]",
                ["\"64512:65536\" is not a community", "write it like"],
            ),
            (communities("1:2:3"), "spec.communities[0]", ["\"1:2:3\" is not a community", "write it like"]),
            (
                communities("large:1:2:4294967296"),
                "spec.communities[0]",
                ["\"large:1:2:4294967296\" is not a community", "write it like"],
            ),
            (communities("a:b"), "spec.communities[0]", ["\"a:b\" is not a community", "write it like"]),
            (json!({"communities": ["1:2", "1:2"]}), "spec.communities[1]", ["Duplicate value", "\"1:2\""]),
            (json!({"peers": ["a", "a"]}), "spec.peers[1]", ["Duplicate value", "\"a\""]),
        ],
    );
}

#[test]
fn bfd_profiles() {
    accepts(
        "BFDProfile",
        "v1beta1",
        [
            json!({}),
            json!({"receiveInterval": 10, "transmitInterval": 60000, "detectMultiplier": 2, "echoInterval": 50}),
            json!({"echoMode": true, "passiveMode": true, "minimumTtl": 254, "detectMultiplier": 255}),
        ],
    );
    let out_of = |field: &str, value: i64| json!({field: value});
    refuses(
        "BFDProfile",
        "v1beta1",
        [
            (out_of("receiveInterval", 9), "spec.receiveInterval", ["9", "greater than or equal to 10"]),
            (out_of("transmitInterval", 60001), "spec.transmitInterval", ["60001", "less than or equal to 60000"]),
            (out_of("echoInterval", 0), "spec.echoInterval", ["0", "greater than or equal to 10"]),
            (out_of("detectMultiplier", 1), "spec.detectMultiplier", ["1", "greater than or equal to 2"]),
            (out_of("detectMultiplier", 256), "spec.detectMultiplier", ["256", "less than or equal to 255"]),
            (out_of("minimumTtl", 255), "spec.minimumTtl", ["255", "less than or equal to 254"]),
        ],
    );
}
