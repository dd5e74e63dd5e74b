//! Peers and advertisements.

use kube::core::Rule;
use schemars::Schema;
use serde_json::json;

use super::{drop_default, extend, rule, rule_naming, validations};

/// Longest duration, with room for all units.
const DURATION_MAX: u32 = 64;
/// Longest key that the kernel takes for TCP MD5 (`TCP_MD5SIG_MAXKEYLEN`).
const PASSWORD_MAX: u32 = 80;

/// Go's syntax of durations without a sign: numbers with units, or a plain 0.
const IS_DURATION: &str = r"matches('^(0|([0-9]{1,12}([.][0-9]{0,9})?(h|m|s|ms|us|µs|ns))+)$')";

/// An AS number, 1 to 4294967295.
pub fn asn(schema: &mut Schema) {
    extend(schema, json!({"minimum": 1, "maximum": u32::MAX}));
}

/// Any number of 32 bits.
pub fn uint32(schema: &mut Schema) {
    extend(schema, json!({"minimum": 0, "maximum": u32::MAX}));
}

/// `myASN`: 0 gets an explanation instead of a bound, since it is what a forgotten value looks like.
pub fn my_asn(schema: &mut Schema) {
    drop_default(schema);
    uint32(schema);
    let set = rule(
        "self > 0",
        "0 is not an AS number: write the one of this cluster, for example one from 64512 to \
         65534, which are free for private use",
    );
    extend(schema, json!({"x-kubernetes-validations": validations([set])}));
}

/// `dynamicASN`.
pub fn dynamic_asn(schema: &mut Schema) {
    extend(schema, json!({"enum": ["internal", "external"]}));
}

/// A TCP port.
pub fn port(schema: &mut Schema) {
    extend(schema, json!({"minimum": 1, "maximum": u16::MAX}));
}

/// A password for TCP MD5.
pub fn password(schema: &mut Schema) {
    extend(schema, json!({"maxLength": PASSWORD_MAX}));
}

/// A BGP identifier; empty means unset.
pub fn router_id(schema: &mut Schema) {
    let four_octets = rule_naming(
        "self == '' || (isIP(self) && ip(self).family() == 4 && self != '0.0.0.0')",
        "'\"%s\" is not a router ID: write it like an IPv4 address, for example 192.0.2.1'\
         .format([self])",
    );
    extend(schema, json!({"maxLength": 64, "x-kubernetes-validations": validations([four_octets])}));
}

fn duration_rule() -> Rule {
    rule_naming(
        format!("self.{IS_DURATION}"),
        "'\"%s\" is not a duration: write a number and a unit, like 90s or 1m30s'.format([self])",
    )
}

/// A duration with a rule about how long it may be.
fn durations(schema: &mut Schema, further: Rule) {
    let rules = [duration_rule(), further];
    extend(schema, json!({"maxLength": DURATION_MAX, "x-kubernetes-validations": validations(rules)}));
}

/// `holdTime`: what fits into an OPEN message (RFC 4271 §4.2).
pub fn hold_time(schema: &mut Schema) {
    let in_range = rule_naming(
        format!(
            "!self.{IS_DURATION} || duration(self) == duration('0s') || \
             (duration(self) >= duration('3s') && duration(self) <= duration('65535s'))"
        ),
        "'holdTime \"%s\" is not possible: write 3s to 65535s, or 0s for a session without \
         hold time'.format([self])",
    );
    durations(schema, in_range);
}

/// `keepaliveTime`: not a stream of messages.
pub fn keepalive_time(schema: &mut Schema) {
    let in_range = rule_naming(
        format!("!self.{IS_DURATION} || duration(self) == duration('0s') || duration(self) >= duration('1s')"),
        "'keepaliveTime \"%s\" is not possible: write 1s or more, or leave it out for a third of \
         holdTime'.format([self])",
    );
    durations(schema, in_range);
}

/// `connectTime`.
pub fn connect_time(schema: &mut Schema) {
    let in_range = rule_naming(
        format!(
            "!self.{IS_DURATION} || \
             (duration(self) >= duration('1s') && duration(self) <= duration('65535s') && \
             duration(self) == duration('%ds'.format([duration(self).getSeconds()])))"
        ),
        "'connectTime \"%s\" is not possible: write whole seconds from 1s to 65535s'\
         .format([self])",
    );
    durations(schema, in_range);
}

/// Exactly one of `peerASN` and `dynamicASN`.
#[must_use]
pub fn one_peer_as() -> Rule {
    rule(
        "(has(self.peerASN) && self.peerASN != 0) != has(self.dynamicASN)",
        "exactly one of peerASN and dynamicASN must be given: write the router's AS number as \
         peerASN, or dynamicASN: external to take it from the router",
    )
}

/// Exactly one of `peerAddress` and `interface`.
#[must_use]
pub fn one_peer_endpoint() -> Rule {
    rule(
        "(has(self.peerAddress) && self.peerAddress != '') != \
         (has(self.interface) && self.interface != '')",
        "exactly one of peerAddress and interface must be given: write the router's address as \
         peerAddress, or the node's interface to it for an unnumbered session",
    )
}

/// Not both `password` and `passwordSecret`.
#[must_use]
pub fn one_password() -> Rule {
    rule(
        "!has(self.password) || self.password == '' || !has(self.passwordSecret) || \
         !has(self.passwordSecret.name) || self.passwordSecret.name == ''",
        "password and passwordSecret must not both be given: keep passwordSecret and remove \
         password",
    )
}

/// `keepaliveTime` is at most `holdTime`.
#[must_use]
pub fn keepalive_within_hold_time() -> Rule {
    rule_naming(
        format!(
            "!has(self.holdTime) || !has(self.keepaliveTime) || !self.holdTime.{IS_DURATION} || \
             !self.keepaliveTime.{IS_DURATION} || \
             duration(self.keepaliveTime) <= duration(self.holdTime)"
        ),
        "'keepaliveTime \"%s\" is longer than holdTime \"%s\": write a third of holdTime, or \
         leave keepaliveTime out'.format([self.keepaliveTime, self.holdTime])",
    )
}

/// `ebgpMultiHop` only for routers of another AS.
#[must_use]
pub fn multi_hop_is_external() -> Rule {
    rule_naming(
        "!has(self.ebgpMultiHop) || !self.ebgpMultiHop || !has(self.peerASN) || \
         self.peerASN != self.myASN",
        "'ebgpMultiHop is for routers of another AS, but peerASN %d is our own: remove \
         ebgpMultiHop, internal sessions may always have many hops'.format([self.peerASN])",
    )
}

/// `aggregationLength`.
pub fn aggregation_length(schema: &mut Schema) {
    extend(schema, json!({"minimum": 1, "maximum": 32}));
}

/// `aggregationLengthV6`.
pub fn aggregation_length_v6(schema: &mut Schema) {
    extend(schema, json!({"minimum": 1, "maximum": 128}));
}

/// `herald.ttlSecurityHops`.
pub fn hops(schema: &mut Schema) {
    extend(schema, json!({"minimum": 1, "maximum": 254}));
}

/// `herald.asPathPrepend`.
pub fn as_path_prepend(schema: &mut Schema) {
    extend(schema, json!({"minimum": 0, "maximum": 16}));
}

/// A prefix that covers many Services can't be announced for some of them.
#[must_use]
pub fn no_aggregate_with_service_selectors() -> Rule {
    rule(
        "!has(self.serviceSelectors) || self.serviceSelectors.size() == 0 || \
         ((!has(self.aggregationLength) || self.aggregationLength == 32) && \
         (!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))",
        "serviceSelectors need host routes: remove aggregationLength and aggregationLengthV6 \
         (or write 32 and 128), and aggregate in a second BGPAdvertisement without \
         serviceSelectors",
    )
}
