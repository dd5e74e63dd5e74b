//! Bindings of roles.

use serde_json::Value;

use super::{Printer, age, list, plain};
use crate::meta::{name, text};

pub(super) fn bindings() -> Printer {
    (plain(&["Name", "Role", "Age"], &["Users", "Groups", "ServiceAccounts"]), |binding| {
        let role = format!("{}/{}", text(binding, "/roleRef/kind"), text(binding, "/roleRef/name"));
        vec![
            name(binding).into(),
            role.into(),
            age(binding),
            subjects(binding, "User"),
            subjects(binding, "Group"),
            subjects(binding, "ServiceAccount"),
        ]
    })
}

fn subjects(binding: &Value, kind: &str) -> Value {
    let names: Vec<String> = list(binding, "/subjects")
        .iter()
        .filter(|subject| text(subject, "/kind") == kind)
        .map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", text(subject, "/namespace"), text(subject, "/name")),
            _ => text(subject, "/name").to_owned(),
        })
        .collect();
    names.join(", ").into()
}
