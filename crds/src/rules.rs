//! What the schemas check beyond types: bounds, and CEL rules with the words for a refusal.
//!
//! A refusal names the value and says what to write instead. The sentences about addresses and
//! selectors are those of `herald_compiler` ([`AddressError`], [`SelectorError`]); tests compare.
//!
//! The API server refuses a whole CustomResourceDefinition if a rule *could* become too costly:
//! 10,000,000 units for one rule, 100,000,000 for a version, estimated from `maxItems` and
//! `maxLength`. So everything that a rule walks is bounded here, generously, and
//! `tests/cost.rs` computes the estimate as the server does. Two habits follow from how it
//! estimates:
//! - Cut strings with `substring`, whose result is known to be no longer than the whole. The size
//!   of an element of `split` is a guess.
//! - Build messages with `format` at the outermost, never with `+`: the size of `string(number)`
//!   counts as unbounded.
//!
//! [`AddressError`]: herald_compiler::AddressError
//! [`SelectorError`]: herald_compiler::SelectorError

mod addresses;
mod bgp;
mod communities;
mod selectors;

pub use addresses::{address, addresses};
pub use bgp::{
    aggregation_length, aggregation_length_v6, as_path_prepend, asn, connect_time, dynamic_asn, hold_time, hops,
    keepalive_time, keepalive_within_hold_time, multi_hop_is_external, my_asn, no_aggregate_with_service_selectors,
    one_password, one_peer_as, one_peer_endpoint, password, port, router_id, uint32,
};
pub use communities::{
    alias_name, aliases, communities, community_value, extended_communities, well_known_communities,
};
pub use selectors::{
    label_key, label_values, operator, operator_is_known, preferences, presence_operator_has_no_values, selectors,
    set_operator_has_values, terms, weight,
};

use kube::core::{Message, Rule};
use schemars::Schema;
use serde_json::{Value, json};

/// Longest name of an object (DNS-1123 subdomain).
const NAME_MAX: u32 = 253;
/// Longest name or alternative name of an interface in Linux.
const INTERFACE_MAX: u32 = 127;
/// How many names a list may hold: far more than a person would write.
const NAMES_MAX: u32 = 1024;

/// A rule whose message is the same for all values.
fn rule(expression: impl Into<String>, message: impl Into<String>) -> Rule {
    Rule::new(expression).message(Message::Message(message.into()))
}

/// A rule whose message is a CEL expression, so that it can name the value.
fn rule_naming(expression: impl Into<String>, message: impl Into<String>) -> Rule {
    Rule::new(expression).message(Message::Expression(message.into()))
}

/// Adds `extra`'s members to the schema.
fn extend(schema: &mut Schema, extra: Value) {
    if let Value::Object(extra) = extra {
        schema.ensure_object().extend(extra);
    }
}

/// Adds `extra`'s members to the schema of a list's items.
fn extend_items(schema: &mut Schema, extra: Value) {
    if let (Some(Value::Object(items)), Value::Object(extra)) = (schema.ensure_object().get_mut("items"), extra) {
        items.extend(extra);
    }
}

/// Rules in the form of `x-kubernetes-validations`.
fn validations(rules: impl IntoIterator<Item = Rule>) -> Value {
    rules
        .into_iter()
        .map(|rule| {
            let Rule { rule, message, .. } = rule;
            match message {
                Some(Message::Message(text)) => json!({"rule": rule, "message": text}),
                Some(Message::Expression(text)) => json!({"rule": rule, "messageExpression": text}),
                None => json!({"rule": rule}),
            }
        })
        .collect()
}

/// Removes the default that serde's leniency would put into the schema.
pub fn drop_default(schema: &mut Schema) {
    schema.remove("default");
}

/// A list of distinct names of objects.
pub fn name_set(schema: &mut Schema) {
    extend(schema, json!({"maxItems": NAMES_MAX, "x-kubernetes-list-type": "set"}));
    extend_items(schema, json!({"minLength": 1, "maxLength": NAME_MAX}));
}

/// The name of an object.
pub fn object_name(schema: &mut Schema) {
    extend(schema, json!({"maxLength": NAME_MAX}));
}

/// The name of an interface.
pub fn interface(schema: &mut Schema) {
    extend(schema, json!({"maxLength": INTERFACE_MAX}));
}

/// Names of interfaces.
pub fn interfaces(schema: &mut Schema) {
    extend(schema, json!({"maxItems": NAMES_MAX}));
    extend_items(schema, json!({"minLength": 1, "maxLength": INTERFACE_MAX}));
}

/// A field that never changes once it is set.
pub fn fixed(schema: &mut Schema) {
    let rule = rule_naming(
        "self == oldSelf",
        "'cannot change from \"%s\" to \"%s\": delete the object and create a new one'\
         .format([oldSelf, self])",
    );
    extend(schema, json!({"maxLength": NAME_MAX, "x-kubernetes-validations": validations([rule])}));
}

/// A number of which there is at least one.
pub fn at_least_one(schema: &mut Schema) {
    extend(schema, json!({"minimum": 1}));
}

/// `ConfigurationState.status.result`.
pub fn configuration_result(schema: &mut Schema) {
    extend(schema, json!({"enum": ["Valid", "Invalid", "Unknown"]}));
}
