//! Communities and names for them.

use schemars::Schema;
use serde_json::json;

use super::{extend, extend_items, rule, rule_naming, validations};

/// Communities in one advertisement, and names in one Community object.
const COMMUNITIES_MAX: u32 = 256;
/// Longest community or name of one.
const COMMUNITY_MAX: u32 = 128;
/// Extended communities in one advertisement: with all the others they must fit into one message of 4096 bytes.
const EXTENDED_MAX: u32 = 32;
/// Longest extended community; the longest real one has 26 characters.
const EXTENDED_LENGTH_MAX: u32 = 32;

/// True for `16 bits:16 bits` and `large:32 bits:32 bits:32 bits`.
const IS_COMMUNITY: &str = "(self.matches('^[0-9]{1,5}:[0-9]{1,5}$') ? \
     self.split(':').all(part, int(part) <= 65535) : \
     self.matches('^large:[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$') && \
     self.substring(6).split(':').all(part, int(part) <= 4294967295))";

/// `BGPAdvertisement.spec.communities`. What has no colon is a name.
pub fn communities(schema: &mut Schema) {
    extend(schema, json!({"maxItems": COMMUNITIES_MAX, "x-kubernetes-list-type": "set"}));
    let readable = rule_naming(
        format!("!self.contains(':') || {IS_COMMUNITY}"),
        "'\"%s\" is not a community: write it like 64512:100 (numbers up to 65535), like \
         large:64512:1:2 (numbers up to 4294967295), or the name of one in a Community object'\
         .format([self])",
    );
    extend_items(
        schema,
        json!({
            "minLength": 1,
            "maxLength": COMMUNITY_MAX,
            "x-kubernetes-validations": validations([readable]),
        }),
    );
}

/// `herald.wellKnownCommunities`.
pub fn well_known_communities(schema: &mut Schema) {
    extend(schema, json!({"maxItems": 9, "x-kubernetes-list-type": "set"}));
    let names = [
        "no-export",
        "no-advertise",
        "no-export-subconfed",
        "no-peer",
        "graceful-shutdown",
        "accept-own",
        "blackhole",
        "llgr-stale",
        "no-llgr",
    ];
    extend_items(schema, json!({"enum": names}));
}

/// Where the administrator is an AS number of 16 bits, 32 are left for the number behind it; else 16.
const IS_EXTENDED_COMMUNITY: &str = "self.matches('^0x[0-9A-Fa-f]{16}$') || \
     (self.matches('^(rt|soo):[0-9]{1,10}:[0-9]{1,10}$') ? \
     [self.split(':')].all(part, int(part[1]) <= 65535 ? int(part[2]) <= 4294967295 : \
     int(part[1]) <= 4294967295 && int(part[2]) <= 65535) : \
     self.matches('^(rt|soo):[0-9.]{7,15}:[0-9]{1,5}$') && \
     [self.split(':')].all(part, isIP(part[1]) && int(part[2]) <= 65535))";

/// `herald.extendedCommunities`.
pub fn extended_communities(schema: &mut Schema) {
    extend(schema, json!({"maxItems": EXTENDED_MAX, "x-kubernetes-list-type": "set"}));
    let readable = rule_naming(
        IS_EXTENDED_COMMUNITY,
        "'\"%s\" is not an extended community: write it like rt:64512:100, soo:64512:100 or \
         rt:192.0.2.1:100 (the last number up to 65535 behind an address or an AS number above \
         65535, else up to 4294967295), or as 0x and 16 hexadecimal digits'.format([self])",
    );
    extend_items(
        schema,
        json!({
            "minLength": 1,
            "maxLength": EXTENDED_LENGTH_MAX,
            "x-kubernetes-validations": validations([readable]),
        }),
    );
}

/// `Community.spec.communities`.
pub fn aliases(schema: &mut Schema) {
    extend(schema, json!({"maxItems": COMMUNITIES_MAX}));
    let distinct = rule(
        "self.all(one, !has(one.name) || \
         self.exists_one(other, has(other.name) && other.name == one.name))",
        "every name must be given once: remove or rename the others",
    );
    extend(schema, json!({"x-kubernetes-validations": validations([distinct])}));
}

/// `Community.spec.communities[].name`.
pub fn alias_name(schema: &mut Schema) {
    extend(schema, json!({"maxLength": COMMUNITY_MAX}));
}

/// `Community.spec.communities[].value`.
pub fn community_value(schema: &mut Schema) {
    let readable = rule_naming(
        IS_COMMUNITY,
        "'\"%s\" is not a community: write it like 64512:100 (numbers up to 65535) or like \
         large:64512:1:2 (numbers up to 4294967295)'.format([self])",
    );
    extend(
        schema,
        json!({
            "maxLength": COMMUNITY_MAX,
            "x-kubernetes-validations": validations([readable]),
        }),
    );
}
