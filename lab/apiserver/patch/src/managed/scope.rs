//! Which fields a write to an endpoint can change: nobody comes to own a field that the server resets anyway.

use crate::fields::FieldSet;

/// The fields that a write to one endpoint can change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// All of them.
    #[default]
    Everything,
    /// All but these and what lies below.
    Without(FieldSet),
    /// Only this top-level field and what lies below.
    Only(String),
}

impl Scope {
    /// The part of `set` that is in scope.
    #[must_use]
    pub fn filter(&self, set: &FieldSet) -> FieldSet {
        match self {
            Self::Everything => set.clone(),
            Self::Without(reset) => set.without_trees(reset),
            Self::Only(name) => set.only_tree(name),
        }
    }
}

/// The scope of an endpoint of a built-in kind: the main resource leaves status alone, the status subresource leaves
/// the specification alone.
#[must_use]
pub fn builtin_scope(kind: &str, subresource: Option<&str>) -> Scope {
    let without = |names: &[&[&str]]| {
        Scope::Without(names.iter().fold(FieldSet::default(), |set, path| set.union(&FieldSet::of_names(path))))
    };
    match (kind, subresource) {
        ("Service" | "Node" | "Namespace" | "Pod" | "Deployment" | "DaemonSet" | "CustomResourceDefinition", None) => {
            without(&[&["status"]])
        }
        ("Deployment", Some("status")) => without(&[&["spec"], &["metadata", "labels"]]),
        ("Pod", Some("status")) => {
            without(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        ("CustomResourceDefinition", Some("status")) => without(&[&["spec"], &["metadata"]]),
        (_, Some("status")) => without(&[&["spec"]]),
        _ => Scope::Everything,
    }
}

/// The scope of an endpoint of a custom resource: its status subresource changes status alone, and if there is one, the
/// main resource changes everything else.
#[must_use]
pub fn custom_resource_scope(has_status_subresource: bool, subresource: Option<&str>) -> Scope {
    match (has_status_subresource, subresource) {
        (_, Some("status")) => Scope::Only("status".to_owned()),
        (true, None) => Scope::Without(FieldSet::of_names(&["status"])),
        _ => Scope::Everything,
    }
}
