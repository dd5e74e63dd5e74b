//! Does an applied configuration fit its type?
//!
//! The texts are those of structured-merge-diff, since kube-apiserver hands them to the user as they are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::item_step;
use crate::fields::PathElement;
use crate::types::{List, ListKind, Scalar, Type};

/// Everything about `value` that does not fit `ty`, as one text; Ok if nothing.
pub(crate) fn validate(value: &Value, ty: &Type) -> Result<(), String> {
    let mut problems = Vec::new();
    check(value, ty, &mut String::new(), &mut problems);
    match problems.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        _ => Err(format!("errors:\n  {}", problems.join("\n  "))),
    }
}

fn check(value: &Value, ty: &Type, path: &mut String, problems: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    let mut problem = |text: String| {
        problems.push(if path.is_empty() { text } else { format!("{path}: {text}") });
    };
    match ty {
        Type::Any => {}
        Type::Scalar(kind) => {
            let fits = match kind {
                Scalar::String => value.is_string(),
                Scalar::Number => value.is_number(),
                Scalar::Boolean => value.is_boolean(),
                Scalar::Untyped => !value.is_object() && !value.is_array(),
            };
            if !fits {
                problem(scalar_problem(*kind, value));
            }
        }
        Type::Struct(_) | Type::Map(_) => match value {
            Value::Object(fields) => {
                for (name, below) in fields {
                    let length = path.len();
                    path.push('.');
                    path.push_str(name);
                    match ty.child(name) {
                        Some(child) => check(below, child, path, problems),
                        None => problems.push(format!("{path}: field not declared in schema")),
                    }
                    path.truncate(length);
                }
            }
            other => problem(format!("expected map, got &{{{}}}", go_value(other))),
        },
        Type::List(list) => match value {
            Value::Array(items) => check_items(items, list, path, problems),
            other => problem(format!("expected list, got &{{{}}}", go_value(other))),
        },
    }
}

fn check_items(items: &[Value], list: &List, path: &mut String, problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let step =
            if list.kind == ListKind::Atomic { Ok(PathElement::Index(index)) } else { item_step(list, index, item) };
        let step = match step {
            Ok(step) => step,
            Err(reason) => {
                problems.push(format!("{path}: element {index}: {reason}"));
                continue;
            }
        };
        let length = path.len();
        path.push_str(&step.to_string());
        check(item, &list.items, path, problems);
        path.truncate(length);
        if !seen.insert(step.clone()) {
            problems.push(format!("{path}: duplicate entries for key {step}"));
        }
    }
}

fn scalar_problem(kind: Scalar, value: &Value) -> String {
    let shown = go_value(value);
    match kind {
        Scalar::String => format!("expected string, got &value.valueUnstructured{{Value:{shown}}}"),
        Scalar::Number => format!("expected numeric (int or float), got {}", go_type(value)),
        Scalar::Boolean => format!("expected boolean, got &{{{shown}}}"),
        Scalar::Untyped => format!("expected any scalar, got &{{{shown}}}"),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%v` prints it.
fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}:{}", go_value(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}
