//! Lays an applied configuration over the live object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Shape, is_hollow, item_step};
use crate::fields::PathElement;
use crate::types::{List, Type};

/// The live object with everything that `config` sets. Nothing is removed.
pub(crate) fn merge(live: &Value, config: &Value, ty: &Type) -> Value {
    let shape = Shape::of(ty, Some(config));
    if (is_hollow(Some(live)) && is_hollow(Some(config))) || shape != Shape::of(ty, Some(live)) {
        return config.clone();
    }
    match (shape, live, config) {
        (Shape::Fields(_), Value::Object(live), Value::Object(config)) => Value::Object(fields(live, config, ty)),
        (Shape::Items(list), Value::Array(live), Value::Array(config)) => Value::Array(items(live, config, list)),
        // A null configuration of something that is there leaves the content: null merges as "nothing to say".
        (Shape::Fields(_) | Shape::Items(_), _, Value::Null) => live.clone(),
        _ => config.clone(),
    }
}

fn fields(live: &Map<String, Value>, config: &Map<String, Value>, ty: &Type) -> Map<String, Value> {
    let mut out = live.clone();
    for (name, wanted) in config {
        let merged = match live.get(name) {
            Some(there) => merge(there, wanted, ty.child(name).unwrap_or(&Type::Any)),
            None => wanted.clone(),
        };
        out.insert(name.clone(), merged);
    }
    out
}

/// Items of the configuration keep their order; live items that it does not name keep their place among the others.
fn items(live: &[Value], config: &[Value], list: &List) -> Vec<Value> {
    let step_of = |(index, item): (usize, &Value)| item_step(list, index, item).ok();
    let live_steps: Vec<Option<PathElement>> = live.iter().enumerate().map(step_of).collect();
    let config_steps: Vec<Option<PathElement>> = config.iter().enumerate().map(step_of).collect();
    let wanted: BTreeSet<&PathElement> = config_steps.iter().flatten().collect();
    let mut there: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
    for (step, item) in live_steps.iter().zip(live) {
        // A step that stands twice cannot be merged with; the configuration replaces both.
        if let Some(step) = step {
            there.entry(step).and_modify(|known| *known = None).or_insert(Some(item));
        }
    }
    let merged = |step: &Option<PathElement>, item: &Value| match step.as_ref().and_then(|step| there.get(step)) {
        Some(Some(live)) => merge(live, item, &list.items),
        _ => item.clone(),
    };

    let mut shared = config_steps.iter().flatten().filter(|step| there.contains_key(step)).peekable();
    let mut coming = config_steps.iter().zip(config);
    let mut out = Vec::with_capacity(live.len().max(config.len()));
    for (step, item) in live_steps.iter().zip(live) {
        let Some(step) = step.as_ref().filter(|step| wanted.contains(step)) else {
            out.push(item.clone());
            continue;
        };
        // The configuration's order wins: a shared item that is not its next one comes later, or came already.
        if shared.next_if_eq(&step).is_none() {
            continue;
        }
        for (next, item) in coming.by_ref() {
            out.push(merged(next, item));
            if next.as_ref() == Some(step) {
                break;
            }
        }
    }
    out.extend(coming.map(|(step, item)| merged(step, item)));
    out
}
