//! Label selectors.
//!
//! Keys and values are checked for syntax by the compiler (condition `Accepted`): a regular
//! expression over every term of every selector would exceed the cost limit.

use kube::core::Rule;
use schemars::Schema;
use serde_json::json;

use super::{drop_default, extend, extend_items, rule_naming};

/// Selectors in a list.
const SELECTORS_MAX: u32 = 256;
/// Terms in `matchExpressions`.
const TERMS_MAX: u32 = 64;
/// Values in one term.
const VALUES_MAX: u32 = 256;
/// Longest label key: a DNS name of 253 characters, a slash and a name of 63.
const KEY_MAX: u32 = 317;
/// Longest label value.
const VALUE_MAX: u32 = 63;
/// Longest operator that is read at all; the longest real one has 12 characters.
const OPERATOR_MAX: u32 = 32;

/// A list of selectors.
pub fn selectors(schema: &mut Schema) {
    extend(schema, json!({"maxItems": SELECTORS_MAX}));
}

/// `matchExpressions`.
pub fn terms(schema: &mut Schema) {
    extend(schema, json!({"maxItems": TERMS_MAX}));
}

/// `matchExpressions[].key`.
pub fn label_key(schema: &mut Schema) {
    drop_default(schema);
    extend(schema, json!({"maxLength": KEY_MAX}));
}

/// `matchExpressions[].operator`.
pub fn operator(schema: &mut Schema) {
    drop_default(schema);
    extend(schema, json!({"maxLength": OPERATOR_MAX}));
}

/// `matchExpressions[].values`.
pub fn label_values(schema: &mut Schema) {
    extend(schema, json!({"maxItems": VALUES_MAX}));
    extend_items(schema, json!({"maxLength": VALUE_MAX}));
}

/// The operator is one of the four.
#[must_use]
pub fn operator_is_known() -> Rule {
    rule_naming(
        "self.operator in ['In', 'NotIn', 'Exists', 'DoesNotExist']",
        "'matchExpressions key \"%s\" has the unknown operator \"%s\": write In, NotIn, Exists \
         or DoesNotExist'.format([self.key, self.operator])",
    )
}

/// `In` and `NotIn` have values.
#[must_use]
pub fn set_operator_has_values() -> Rule {
    rule_naming(
        "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
        "'matchExpressions key \"%s\" with operator %s has no values: list at least one, or use \
         Exists or DoesNotExist'.format([self.key, self.operator])",
    )
}

/// `Exists` and `DoesNotExist` have none.
#[must_use]
pub fn presence_operator_has_no_values() -> Rule {
    rule_naming(
        "!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || \
         self.values.size() == 0",
        "'matchExpressions key \"%s\" with operator %s takes no values: remove them, or use In \
         or NotIn'.format([self.key, self.operator])",
    )
}

/// `preferredNodeSelectors`.
pub fn preferences(schema: &mut Schema) {
    extend(schema, json!({"maxItems": SELECTORS_MAX}));
}

/// `preferredNodeSelectors[].weight`.
pub fn weight(schema: &mut Schema) {
    drop_default(schema);
    extend(schema, json!({"minimum": 1, "maximum": 100}));
}
