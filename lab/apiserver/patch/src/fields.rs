//! Sets of fields: paths into an object, and what `fieldsV1` writes of them.
//!
//! ```text
//! {"f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}}}}
//!   .spec       .ports        [port=80,protocol="TCP"]               ^itself  .name
//! ```
//!
//! A set holds *members* (these paths, exactly) and *children* (sets below a step). `.` says that a step which has
//! children is a member too. Owning a struct does not mean owning what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use crate::types::Type;

/// One step of a path. The order is that of kube-apiserver's messages: fields, keys, values, positions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A name in an object: `.name`, `f:name`.
    Field(String),
    /// An item of a list that is found by these fields, as JSON text: `[type="A"]`, `k:{"type":"A"}`.
    Key(BTreeMap<String, String>),
    /// An item of a set, as JSON text: `[="a"]`, `v:"a"`.
    Value(String),
    /// A position in a list, from 0: `[3]`, `i:3`. Not written by any current server, but read.
    Index(usize),
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                f.write_str("[")?;
                for (index, (name, value)) in keys.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={value}")?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl PathElement {
    fn to_wire(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => {
                let fields: Vec<String> =
                    keys.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
                format!("k:{{{}}}", fields.join(","))
            }
            Self::Value(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    fn from_wire(text: &str) -> Result<Self, FieldsError> {
        let bad = || FieldsError(text.to_owned());
        let (mark, rest) = text.split_once(':').ok_or_else(bad)?;
        match mark {
            "f" => Ok(Self::Field(rest.to_owned())),
            "k" => {
                let keys: BTreeMap<String, Value> = serde_json::from_str(rest).map_err(|_| bad())?;
                Ok(Self::Key(keys.into_iter().map(|(name, value)| (name, value.to_string())).collect()))
            }
            "v" => {
                let value: Value = serde_json::from_str(rest).map_err(|_| bad())?;
                Ok(Self::Value(value.to_string()))
            }
            "i" => rest.parse().map(Self::Index).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}

/// Steps from the object's root to a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<PathElement>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| step.fmt(f))
    }
}

/// A `fieldsV1` that cannot be read; holds the step that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a step of fieldsV1: {0:?}")]
pub struct FieldsError(String);

/// A set of paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// The set of one path of field names.
    #[must_use]
    pub fn of_names(names: &[&str]) -> Self {
        let mut set = Self::default();
        let path: Vec<PathElement> = names.iter().map(|name| PathElement::Field((*name).to_owned())).collect();
        set.insert(&path);
        set
    }

    /// Adds a path. The empty path is no field and is ignored.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Is the child at this step a member?
    #[must_use]
    pub fn has(&self, step: &PathElement) -> bool {
        self.members.contains(step)
    }

    /// The set below a step, if it holds anything.
    #[must_use]
    pub fn below(&self, step: &PathElement) -> Option<&FieldSet> {
        self.children.get(step).filter(|set| !set.is_empty())
    }

    /// Holds no path.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// All paths in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut children = self.children.clone();
        for (step, set) in &other.children {
            children.entry(step.clone()).and_modify(|mine| *mine = mine.union(set)).or_insert_with(|| set.clone());
        }
        Self { members: self.members.union(&other.members).cloned().collect(), children }
    }

    /// The paths in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, mine)| {
            let both = mine.intersection(other.children.get(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        });
        Self { members: self.members.intersection(&other.members).cloned().collect(), children: children.collect() }
    }

    /// The paths in this set that are not, themselves, in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, mine)| {
            let left = other.children.get(step).map_or_else(|| mine.clone(), |theirs| mine.difference(theirs));
            (!left.is_empty()).then(|| (step.clone(), left))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: children.collect() }
    }

    /// The paths in this set that neither are in the other nor lie below one that is.
    #[must_use]
    pub fn without_trees(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, mine)| {
            if other.members.contains(step) {
                return None;
            }
            let left = other.children.get(step).map_or_else(|| mine.clone(), |theirs| mine.without_trees(theirs));
            (!left.is_empty()).then(|| (step.clone(), left))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: children.collect() }
    }

    /// The paths that are `names` or lie below.
    #[must_use]
    pub fn only_tree(&self, name: &str) -> Self {
        let root = PathElement::Field(name.to_owned());
        Self {
            members: self.members.iter().filter(|step| **step == root).cloned().collect(),
            children: self
                .children
                .iter()
                .filter(|(step, _)| **step == root)
                .map(|(s, c)| (s.clone(), c.clone()))
                .collect(),
        }
    }

    /// This set, with every struct field on the way to a member a member too. Map names and list items are left alone:
    /// whether they exist is a choice, whether a struct's field exists is not.
    #[must_use]
    pub fn with_named_fields(&self, ty: &Type) -> Self {
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (step, set) in &self.children {
            let below = match step {
                PathElement::Field(name) => {
                    if ty.is_named_field(name) {
                        members.insert(step.clone());
                    }
                    ty.child(name).unwrap_or(&Type::Any)
                }
                _ => ty.items(),
            };
            children.insert(step.clone(), set.with_named_fields(below));
        }
        Self { members, children }
    }

    /// Every path: members first, then what lies below, as kube-apiserver lists conflicts.
    #[must_use]
    pub fn paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut found);
        found
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, found: &mut Vec<Path>) {
        for step in &self.members {
            prefix.push(step.clone());
            found.push(Path(prefix.clone()));
            prefix.pop();
        }
        for (step, set) in &self.children {
            prefix.push(step.clone());
            set.collect(prefix, found);
            prefix.pop();
        }
    }

    /// The `fieldsV1` of this set.
    #[must_use]
    pub fn to_fields_v1(&self) -> Value {
        let mut fields = Map::new();
        for step in &self.members {
            fields.insert(step.to_wire(), Value::Object(Map::new()));
        }
        for (step, set) in self.children.iter().filter(|(_, set)| !set.is_empty()) {
            let mut below = set.to_fields_v1();
            if let (true, Value::Object(below)) = (self.members.contains(step), &mut below) {
                below.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(step.to_wire(), below);
        }
        Value::Object(fields)
    }

    /// Reads a `fieldsV1`.
    ///
    /// # Errors
    /// A step that is none of `f:`, `k:`, `v:`, `i:`, or a value that is no object.
    pub fn from_fields_v1(fields: &Value) -> Result<Self, FieldsError> {
        let Value::Object(fields) = fields else {
            return Err(FieldsError(fields.to_string()));
        };
        let mut set = Self::default();
        for (name, below) in fields.iter().filter(|(name, _)| *name != ".") {
            let step = PathElement::from_wire(name)?;
            let members = below.as_object().ok_or_else(|| FieldsError(name.clone()))?;
            if members.is_empty() || members.contains_key(".") {
                set.members.insert(step.clone());
            }
            let children = Self::from_fields_v1(below)?;
            if !children.is_empty() {
                set.children.insert(step, children);
            }
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests;
