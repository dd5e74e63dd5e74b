//! What an applier is told when it would change what others own.

use std::collections::BTreeMap;

use super::entry::{ManagerId, Operation};
use crate::fields::{FieldSet, Path};

/// Fields that other managers own and that the configuration would change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Conflict {
    /// The message of the 409 answer.
    pub message: String,
    /// `details.causes` of the answer; the reason of each is `FieldManagerConflict`.
    pub causes: Vec<Cause>,
}

/// One field in conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// `conflict with "other" …`.
    pub message: String,
    /// Its path, e.g. `.spec.weight`.
    pub field: String,
}

/// Fields in conflict by their owners.
pub(super) type Conflicts = BTreeMap<ManagerId, FieldSet>;

impl Conflict {
    /// None if nothing is in conflict.
    pub(super) fn new(conflicts: &Conflicts) -> Option<Self> {
        let owned: Vec<(String, Vec<Path>)> =
            conflicts.iter().map(|(id, fields)| (describe(id), fields.paths())).collect();
        let causes: Vec<Cause> = owned
            .iter()
            .flat_map(|(owner, paths)| {
                paths
                    .iter()
                    .map(move |path| Cause { message: format!("conflict with {owner}"), field: path.to_string() })
            })
            .collect();
        let message = match causes.as_slice() {
            [] => return None,
            [one] => format!("Apply failed with 1 conflict: {}: {}", one.message, one.field),
            _ => {
                let lines: Vec<String> = owned
                    .iter()
                    .flat_map(|(owner, paths)| {
                        std::iter::once(format!("conflicts with {owner}:"))
                            .chain(paths.iter().map(|path| format!("- {path}")))
                    })
                    .collect();
                format!("Apply failed with {} conflicts: {}", causes.len(), lines.join("\n"))
            }
        };
        Some(Self { message, causes })
    }
}

fn describe(id: &ManagerId) -> String {
    let mut text = format!("{:?}", id.name);
    if !id.subresource.is_empty() {
        text.push_str(&format!(" with subresource {:?}", id.subresource));
    }
    if id.operation == Operation::Update {
        text.push_str(&format!(" using {}", id.api_version));
    }
    text
}
