use serde_json::json;

use crate::{accepts, refuses};

#[test]
fn names_for_communities() {
    let one = |name: &str, value: &str| json!({"communities": [{"name": name, "value": value}]});
    accepts("Community", "v1beta1", [one("vpn", "64512:1"), one("far", "large:64512:1:2"), json!({"communities": []})]);
    refuses(
        "Community",
        "v1beta1",
        [
            (one("x", "no-export"), "spec.communities[0].value", ["\"no-export\" is not a community", "write it like"]),
            (
                one("x", "64512:70000"),
                "spec.communities[0].value",
                ["\"64512:70000\" is not a community", "write it like"],
            ),
            (
                json!({"communities": [{"name": "a", "value": "1:1"}, {"name": "a", "value": "1:2"}]}),
                "spec.communities",
                ["every name must be given once", "rename"],
            ),
        ],
    );
}

#[test]
fn what_herald_adds_to_advertisements() {
    let herald = |fields: serde_json::Value| json!({"herald": fields});
    accepts(
        "BGPAdvertisement",
        "v1beta1",
        [
            herald(json!({})),
            herald(json!({"wellKnownCommunities": [
                "no-export", "no-advertise", "no-export-subconfed", "no-peer", "graceful-shutdown", "accept-own",
                "blackhole", "llgr-stale", "no-llgr",
            ]})),
            herald(json!({"extendedCommunities": ["rt:64512:4294967295", "soo:65536:65535", "rt:4294967295:0"]})),
            herald(json!({"extendedCommunities": ["rt:192.0.2.1:65535", "0x030C00000000ff01"]})),
            herald(json!({"asPathPrepend": 0, "med": 0, "aggregateAlways": false})),
            herald(json!({"asPathPrepend": 16, "med": 4_294_967_295_u32, "aggregateAlways": true})),
        ],
    );
    let extended = |text: &str| json!({"herald": {"extendedCommunities": [text]}});
    let words = |text: &str| {
        let words = [format!("\"{text}\" is not an extended community"), "rt:64512:100".to_owned()];
        words.map(|word| -> &'static str { word.leak() })
    };
    let place = "spec.herald.extendedCommunities[0]";
    let wrong =
        ["rt:1", "ro:1:2", "rt:1:4294967296", "rt:65536:65536", "rt:4294967296:1", "0x01", "rt:192.0.2.1:65536"];
    refuses("BGPAdvertisement", "v1beta1", wrong.map(|text| (extended(text), place, words(text))));
    refuses(
        "BGPAdvertisement",
        "v1beta1",
        [
            (
                herald(json!({"wellKnownCommunities": ["NO_EXPORT"]})),
                "spec.herald.wellKnownCommunities[0]",
                ["Unsupported value: \"NO_EXPORT\"", "\"no-export\""],
            ),
            (
                herald(json!({"wellKnownCommunities": ["no-export", "no-export"]})),
                "spec.herald.wellKnownCommunities[1]",
                ["Duplicate value", "\"no-export\""],
            ),
            (herald(json!({"asPathPrepend": 17})), "spec.herald.asPathPrepend", ["17", "less than or equal to 16"]),
            (herald(json!({"asPathPrepend": -1})), "spec.herald.asPathPrepend", ["-1", "greater than or equal to 0"]),
            (
                herald(json!({"med": 4_294_967_296_u64})),
                "spec.herald.med",
                ["4294967296", "less than or equal to 4294967295"],
            ),
        ],
    );
}
