//! Which fields differ between two objects?

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Shape, is_hollow, item_step};
use crate::fields::{FieldSet, PathElement};
use crate::types::{List, Type};

/// The fields in which a newer object differs from an older one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Comparison {
    /// Only in the newer.
    pub(crate) added: FieldSet,
    /// In both, with different values.
    pub(crate) modified: FieldSet,
    /// Only in the older.
    pub(crate) removed: FieldSet,
}

impl Comparison {
    /// Passes each of the three sets through `filter`.
    pub(crate) fn filtered(&self, filter: impl Fn(&FieldSet) -> FieldSet) -> Self {
        Self { added: filter(&self.added), modified: filter(&self.modified), removed: filter(&self.removed) }
    }
}

/// Compares two objects of one type.
pub(crate) fn compare(old: &Value, new: &Value, ty: &Type) -> Comparison {
    let mut walk = Walk { path: Vec::new(), found: Comparison::default() };
    walk.visit(Some(old), Some(new), ty);
    walk.found
}

struct Walk {
    path: Vec<PathElement>,
    found: Comparison,
}

impl Walk {
    fn visit(&mut self, old: Option<&Value>, new: Option<&Value>, ty: &Type) {
        let descended = match (Shape::of(ty, old), Shape::of(ty, new)) {
            // An absent or null side takes the other's shape.
            (_, shape) if is_unset(old) => self.visit_as(shape, old, new),
            (shape, _) if is_unset(new) => self.visit_as(shape, old, new),
            (a, b) if a == b => self.visit_as(a, old, new),
            // Untyped content that changed from an object to something else, or back.
            (a, _) => {
                self.found.modified.insert(&self.path);
                let (old, new) = if a == Shape::Leaf { (None, new) } else { (old, None) };
                self.fields(old, new, ty);
                return;
            }
        };
        if descended {
            match (old, new) {
                (None, _) => self.found.added.insert(&self.path),
                (_, None) => self.found.removed.insert(&self.path),
                _ => {}
            }
        }
    }

    /// Returns whether the value was taken apart, as opposed to compared whole.
    fn visit_as(&mut self, shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> bool {
        // Nothing on both sides is a leaf, so that null and {} stay different.
        if is_hollow(old) && is_hollow(new) {
            self.leaf(old, new);
            return false;
        }
        match shape {
            Shape::Leaf => {
                self.leaf(old, new);
                false
            }
            Shape::Fields(ty) => {
                self.fields(old, new, ty);
                true
            }
            Shape::Items(list) => {
                self.items(old, new, list);
                true
            }
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, Some(_)) => self.found.added.insert(&self.path),
            (Some(_), None) => self.found.removed.insert(&self.path),
            (Some(old), Some(new)) if old != new => self.found.modified.insert(&self.path),
            _ => {}
        }
    }

    fn below(&mut self, step: PathElement, old: Option<&Value>, new: Option<&Value>, ty: &Type) {
        self.path.push(step);
        self.visit(old, new, ty);
        self.path.pop();
    }

    fn fields(&mut self, old: Option<&Value>, new: Option<&Value>, ty: &Type) {
        let old = old.and_then(Value::as_object);
        let new = new.and_then(Value::as_object);
        for (name, before) in old.into_iter().flatten() {
            let after = new.and_then(|new| new.get(name));
            self.below(PathElement::Field(name.clone()), Some(before), after, ty.child(name).unwrap_or(&Type::Any));
        }
        for (name, after) in new.into_iter().flatten() {
            if old.is_none_or(|old| !old.contains_key(name)) {
                self.below(PathElement::Field(name.clone()), None, Some(after), ty.child(name).unwrap_or(&Type::Any));
            }
        }
    }

    fn items(&mut self, old: Option<&Value>, new: Option<&Value>, list: &List) {
        let (old, new) = (by_step(old, list), by_step(new, list));
        let steps: std::collections::BTreeSet<&PathElement> = old.keys().chain(new.keys()).collect();
        for step in steps {
            let before = old.get(step).map_or(&[][..], Vec::as_slice);
            let after = new.get(step).map_or(&[][..], Vec::as_slice);
            // Items that stand several times have no fields of their own: they are one value together.
            match (before, after) {
                ([] | [_], [] | [_]) => {
                    self.below(step.clone(), before.first().copied(), after.first().copied(), &list.items);
                }
                ([_, _, ..], [_, _, ..]) => {
                    if before != after {
                        self.mark(step, |found| &mut found.modified);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(after) = after.first() {
                        self.below(step.clone(), None, Some(after), &list.items);
                    }
                    self.mark(step, |found| &mut found.removed);
                }
                (_, [_, _, ..]) => {
                    if let Some(before) = before.first() {
                        self.below(step.clone(), Some(before), None, &list.items);
                    }
                    self.mark(step, |found| &mut found.added);
                }
            }
        }
    }

    fn mark(&mut self, step: &PathElement, which: impl FnOnce(&mut Comparison) -> &mut FieldSet) {
        self.path.push(step.clone());
        which(&mut self.found).insert(&self.path);
        self.path.pop();
    }
}

fn is_unset(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

fn by_step<'a>(value: Option<&'a Value>, list: &List) -> BTreeMap<PathElement, Vec<&'a Value>> {
    let mut found: BTreeMap<PathElement, Vec<&Value>> = BTreeMap::new();
    for (index, item) in value.and_then(Value::as_array).into_iter().flatten().enumerate() {
        if let Ok(step) = item_step(list, index, item) {
            found.entry(step).or_default().push(item);
        }
    }
    found
}
