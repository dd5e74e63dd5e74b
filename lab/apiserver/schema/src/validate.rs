//! Value validation: does a value fit its schema?
//!
//! Order and wording are those of the OpenAPI validator inside kube-apiserver: at each place the
//! type, then the junctors, then what the type allows to be bounded, then `enum`.

mod bounds;
mod format;
mod lists;
mod resource;

use std::cell::RefCell;

use serde_json::Value;

use crate::cause::{Cause, Reason};
use crate::node::{Node, Type};
use crate::path::{FieldName, Path};

pub(crate) use lists::check as check_lists;
pub(crate) use resource::{check_embedded, prune_metadata};

/// Checks `value` and everything in it.
///
/// Messages name places relative to `value`; the `field` of each cause stands below `prefix`. With
/// `old`, what did not change since is accepted as it is: a schema that became stricter must not
/// make existing objects unchangeable.
pub(crate) fn values(node: &Node, value: &Value, old: Option<&Value>, prefix: &str) -> Vec<Cause> {
    let walk = Walk { prefix, faults: RefCell::new(Vec::new()) };
    walk.node(node, value, old, &Path::Root);
    walk.faults.into_inner()
}

struct Walk<'a> {
    prefix: &'a str,
    faults: RefCell<Vec<Cause>>,
}

impl Walk<'_> {
    fn push(&self, cause: Cause) {
        self.faults.borrow_mut().push(cause);
    }

    /// The `field` of a cause at this place.
    fn field(&self, at: &Path<'_>) -> String {
        match (self.prefix, at.is_root()) {
            ("", _) => FieldName(at).to_string(),
            (prefix, true) => prefix.to_owned(),
            (prefix, false) => format!("{prefix}.{at}"),
        }
    }

    /// A fault with a text of the OpenAPI validator: `NAME in body …`.
    fn fault(&self, reason: Reason, at: &Path<'_>, value: &Value, text: &str) {
        self.push(Cause::with_value(reason, self.field(at), value, format_args!("{at} in body {text}")));
    }

    /// A fault that the OpenAPI validator reports without a field.
    fn unplaced(&self, text: String) {
        let field = if self.prefix.is_empty() { crate::cause::NO_FIELD } else { self.prefix };
        self.push(Cause::invalid(field, &Value::from(""), text));
    }

    fn node(&self, node: &Node, value: &Value, old: Option<&Value>, at: &Path<'_>) {
        if old == Some(value) {
            return;
        }
        if value.is_null() {
            if !node.nullable && (node.ty.is_some() || node.int_or_string) {
                self.wrong_type(node, value, "null", at);
            }
            return;
        }
        self.check_type(node, value, at);
        self.check_junctors(node, value, at);
        match value {
            Value::String(text) => {
                self.check_text(&node.bounds, text, at);
                self.check_format(node, text, at);
            }
            Value::Number(number) => self.check_number(node, number, at),
            Value::Array(items) => {
                if let Some(child) = &node.items {
                    for (index, item) in items.iter().enumerate() {
                        self.node(child, item, node.correlated(item, old), &at.index(index));
                    }
                }
                self.check_item_count(&node.bounds, items.len(), at);
            }
            Value::Object(fields) => {
                self.check_property_count(&node.bounds, value, fields.len(), at);
                for (name, field) in fields {
                    if let Some(child) = node.child(name) {
                        let old = old.and_then(|old| old.get(name));
                        self.node(child, field, old, &at.field(name));
                    }
                }
                for name in &node.bounds.required {
                    if !fields.contains_key(name) {
                        self.push(Cause::required(self.field(&at.field(name)), ""));
                    }
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        self.check_enumeration(&node.bounds, value, at);
    }

    fn check_type(&self, node: &Node, value: &Value, at: &Path<'_>) {
        let fits = |ty: Type| match (ty, value) {
            (Type::Object, Value::Object(_))
            | (Type::Array, Value::Array(_))
            | (Type::String, Value::String(_))
            | (Type::Boolean, Value::Bool(_))
            | (Type::Number, Value::Number(_)) => true,
            (Type::Integer, Value::Number(number)) => is_integer(number),
            _ => false,
        };
        let fits = match node.ty {
            _ if node.int_or_string => fits(Type::Integer) || fits(Type::String),
            Some(ty) => fits(ty),
            None => true,
        };
        if !fits {
            self.wrong_type(node, value, type_name(value), at);
        }
    }

    fn wrong_type(&self, node: &Node, value: &Value, found: &str, at: &Path<'_>) {
        let types = if node.int_or_string { "integer,string" } else { node.ty.map_or("", Type::as_str) };
        // A schema with a format is named by it, and so is the value, unless the value is text or a list.
        let (wanted, found) = match (&node.bounds.format, value) {
            (Some(format), Value::Number(number)) => {
                (format.as_str(), if number.is_f64() { "float64" } else { "int64" })
            }
            (Some(format), Value::Bool(_) | Value::Object(_)) => (format.as_str(), ""),
            _ => (types, found),
        };
        let text = format!("must be of type {wanted}: {}", crate::quote(found));
        self.fault(Reason::TypeInvalid, at, &Value::from(found), &text);
    }

    /// `allOf`, `anyOf`, `oneOf`, `not`. Like the original, the junctors see the value without its
    /// history: unchanged parts of a changed value count anew.
    fn check_junctors(&self, node: &Node, value: &Value, at: &Path<'_>) {
        let bounds = &node.bounds;
        let name = crate::quote(&at.to_string());
        if !bounds.any_of.is_empty() {
            let attempts = self.attempts(&bounds.any_of, value, at);
            if !attempts.iter().any(Vec::is_empty) {
                self.unplaced(format!("{name} must validate at least one schema (anyOf)"));
                self.faults.borrow_mut().extend(best(attempts));
            }
        }
        if !bounds.one_of.is_empty() {
            let attempts = self.attempts(&bounds.one_of, value, at);
            let fitting = attempts.iter().filter(|faults| faults.is_empty()).count();
            if fitting != 1 {
                let found = match fitting {
                    0 => "Found none valid".to_owned(),
                    many => format!("Found {many} valid alternatives"),
                };
                self.unplaced(format!("{name} must validate one and only one schema (oneOf). {found}"));
                if fitting == 0 {
                    self.faults.borrow_mut().extend(best(attempts));
                }
            }
        }
        if !bounds.all_of.is_empty() {
            let attempts = self.attempts(&bounds.all_of, value, at);
            if attempts.iter().any(|faults| !faults.is_empty()) {
                let none = attempts.iter().all(|faults| !faults.is_empty());
                let found = if none { ". None validated" } else { "" };
                self.faults.borrow_mut().extend(attempts.into_iter().flatten());
                self.unplaced(format!("{name} must validate all the schemas (allOf){found}"));
            }
        }
        if let Some(not) = &bounds.not
            && self.attempts(std::slice::from_ref(not), value, at).iter().all(Vec::is_empty)
        {
            self.unplaced(format!("{name} must not validate the schema (not)"));
        }
    }

    fn attempts(&self, junctors: &[Node], value: &Value, at: &Path<'_>) -> Vec<Vec<Cause>> {
        let attempt = |junctor: &Node| {
            let walk = Walk { prefix: self.prefix, faults: RefCell::new(Vec::new()) };
            walk.node(junctor, value, None, at);
            walk.faults.into_inner()
        };
        junctors.iter().map(attempt).collect()
    }
}

/// The faults of the alternative that came closest: the fewest, the first among equals.
fn best(attempts: Vec<Vec<Cause>>) -> Vec<Cause> {
    attempts.into_iter().min_by_key(Vec::len).unwrap_or_default()
}

/// The JSON type of a value, as messages name it.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if is_integer(number) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a number is whole: `1`, and `1.0` too.
fn is_integer(number: &serde_json::Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}
