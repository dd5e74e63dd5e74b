//! What is wrong with a definition.
//!
//! kube-apiserver validates an older form of definitions, in which what is equal in all versions stands once, in
//! `spec.validation`, `spec.selectableFields` and so on. The fields in its messages are those; see [`place`].

mod conversion;
mod naming;

use std::collections::BTreeSet;

use herald_apiserver_schema::{Cause, Schema};
use serde_json::{Value, json};

use super::defaults::is_true;
use super::items;
use crate::meta::{name, text};

/// Checks a definition that is created, or changed from `old`.
pub(super) fn definition(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let null = Value::Null;
    let spec = new.get("spec").unwrap_or(&null);
    let plural = text(spec, "/names/plural");
    let group = text(spec, "/group");
    if name(new) != format!("{plural}.{group}") {
        let detail = r#"must be spec.names.plural+"."+spec.group"#;
        causes.push(Cause::invalid("metadata.name", &Value::from(name(new)), detail));
    }
    naming::group(group, &mut causes);
    scope(spec, &mut causes);
    versions(spec, &mut causes);
    for (index, version) in items(spec, "versions").iter().enumerate() {
        schema(spec, index, version, &mut causes);
        columns(spec, index, version, &mut causes);
    }
    preserve_unknown(spec, &mut causes);
    naming::names(spec, &mut causes);
    conversion::check(spec, &mut causes);
    causes.extend(stored_versions(new));
    if let Some(old) = old {
        changes(spec, old, &mut causes);
    }
    causes
}

/// Where a part of version `index` stands in messages: `spec.HOISTED` if all versions have the same, else
/// `spec.versions[INDEX].OWN`.
fn place(spec: &Value, index: usize, own: &str, hoisted: &str) -> String {
    let field = own.split('.').next().unwrap_or(own);
    let mut parts = items(spec, "versions").iter().map(|version| version.get(field));
    let first = parts.next().flatten();
    if parts.all(|part| part == first) { format!("spec.{hoisted}") } else { format!("spec.versions[{index}].{own}") }
}

fn scope(spec: &Value, causes: &mut Vec<Cause>) {
    match text(spec, "/scope") {
        "Cluster" | "Namespaced" => {}
        "" => causes.push(Cause::required("spec.scope", "")),
        other => causes.push(Cause::not_supported("spec.scope", &Value::from(other), &["Cluster", "Namespaced"])),
    }
}

fn versions(spec: &Value, causes: &mut Vec<Cause>) {
    let versions = items(spec, "versions");
    let mut names = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let name = text(version, "/name");
        names.insert(name);
        naming::label(&format!("spec.versions[{index}].name"), name, causes);
    }
    if names.len() != versions.len() {
        let detail = "must contain unique version names";
        causes.push(Cause::invalid_shown("spec.versions", &shown(spec), detail));
    }
    let storage = versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true))).count();
    if storage != 1 {
        let detail = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid_shown("spec.versions", &shown(spec), detail));
    }
    // The older form has one version of its own beside the list.
    if let Some(first) = versions.first() {
        naming::label("spec.version", text(first, "/name"), causes);
    }
}

/// The versions as messages show them: Go's field names, what is hoisted left out.
fn shown(spec: &Value) -> String {
    let hoisted = |index: usize, field: &str| place(spec, index, field, "").len() == "spec.".len();
    let one = |(index, version): (usize, &Value)| -> String {
        let own = |field: &str| {
            let value = version.get(field).filter(|_| !hoisted(index, field));
            value.unwrap_or(&Value::Null).to_string()
        };
        let flag = |field: &str| version.get(field).and_then(Value::as_bool).unwrap_or(false);
        format!(
            r#"{{"Name":{},"Served":{},"Storage":{},"Deprecated":{},"DeprecationWarning":{},"Schema":{},"Subresources":{},"AdditionalPrinterColumns":{},"SelectableFields":{}}}"#,
            Value::from(text(version, "/name")),
            flag("served"),
            flag("storage"),
            flag("deprecated"),
            version.get("deprecationWarning").unwrap_or(&Value::Null),
            own("schema"),
            own("subresources"),
            own("additionalPrinterColumns"),
            own("selectableFields"),
        )
    };
    let versions: Vec<String> = items(spec, "versions").iter().enumerate().map(one).collect();
    format!("[{}]", versions.join(","))
}

fn schema(spec: &Value, index: usize, version: &Value, causes: &mut Vec<Cause>) {
    let Some(openapi) = version.pointer("/schema/openAPIV3Schema") else {
        causes.push(Cause::required(format!("spec.versions[{index}].schema.openAPIV3Schema"), ""));
        if version.get("selectableFields").is_some() {
            let at = place(spec, index, "selectableFields", "selectableFields");
            causes.push(Cause::invalid(at, &json!(""), "may only be set when validations.schema is included"));
        }
        return;
    };
    let at = place(spec, index, "schema.openAPIV3Schema", "validation.openAPIV3Schema");
    if index > 0 && at.starts_with("spec.validation") {
        return; // the same schema as that of the first version
    }
    match Schema::parse(openapi, &at) {
        Err(faults) => causes.extend(faults),
        Ok(schema) => selectable_fields(spec, index, version, &schema, causes),
    }
}

fn selectable_fields(spec: &Value, index: usize, version: &Value, schema: &Schema, causes: &mut Vec<Cause>) {
    let at = place(spec, index, "selectableFields", "selectableFields");
    let fields = items(version, "selectableFields");
    if fields.len() > 8 {
        let detail = "may not specify more than 8 selectableFields";
        causes.push(Cause::invalid(&at, &json!(""), detail));
    }
    let mut seen = BTreeSet::new();
    for (field_index, field) in fields.iter().enumerate() {
        let path = text(field, "/jsonPath");
        let here = format!("{at}[{field_index}].jsonPath");
        if path.is_empty() {
            causes.push(Cause::required(here, ""));
            continue;
        }
        if !seen.insert(path) {
            causes.push(Cause::duplicate(&here, &Value::from(path)));
        }
        let steps = path.strip_prefix('.').map(|path| path.split('.'));
        let leaf = steps.and_then(|mut steps| steps.try_fold(schema.root(), |node, step| node.child(step)));
        use herald_apiserver_schema::Type;
        let detail = match leaf.map(|node| node.ty) {
            None => "does not refer to a valid field",
            Some(Some(Type::String | Type::Boolean | Type::Integer)) if !path.starts_with(".metadata") => continue,
            Some(_) if path.starts_with(".metadata") => "must not point to fields in metadata",
            Some(_) => {
                "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                        formats are allowed."
            }
        };
        causes.push(Cause::invalid(here, &Value::from(path), detail));
    }
}

fn columns(spec: &Value, index: usize, version: &Value, causes: &mut Vec<Cause>) {
    let at = place(spec, index, "additionalPrinterColumns", "additionalPrinterColumns");
    if index > 0 && at == "spec.additionalPrinterColumns" {
        return;
    }
    for (column_index, column) in items(version, "additionalPrinterColumns").iter().enumerate() {
        let here = format!("{at}[{column_index}]");
        if text(column, "/name").is_empty() {
            causes.push(Cause::required(format!("{here}.name"), ""));
        }
        let kinds = ["boolean", "date", "integer", "number", "string"];
        match text(column, "/type") {
            "" => {
                let detail = format!("must be one of {}", kinds.join(","));
                causes.push(Cause::required(format!("{here}.type"), detail));
            }
            kind if !kinds.contains(&kind) => {
                let detail = format!("must be one of {}", kinds.join(","));
                causes.push(Cause::invalid(format!("{here}.type"), &Value::from(kind), detail));
            }
            _ => {}
        }
        match text(column, "/jsonPath") {
            "" => causes.push(Cause::required(format!("{here}.JSONPath"), "")),
            path => {
                if let Err(error) = crate::table::JsonPath::parse(path) {
                    causes.push(Cause::invalid(format!("{here}.JSONPath"), &Value::from(path), error));
                }
            }
        }
    }
}

fn preserve_unknown(spec: &Value, causes: &mut Vec<Cause>) {
    if spec.get("preserveUnknownFields") != Some(&Value::Bool(true)) {
        return;
    }
    let at = "spec.preserveUnknownFields";
    if items(spec, "versions").iter().any(|version| has_default(version.get("schema"))) {
        causes.push(Cause::invalid(at, &Value::Bool(true), "must be false in order to use defaults in the schema"));
    }
    let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema \
                  instead";
    causes.push(Cause::invalid(at, &Value::Bool(true), detail));
}

fn has_default(schema: Option<&Value>) -> bool {
    match schema {
        Some(Value::Object(fields)) => {
            fields.contains_key("default") || fields.values().any(|value| has_default(Some(value)))
        }
        Some(Value::Array(items)) => items.iter().any(|value| has_default(Some(value))),
        _ => false,
    }
}

/// Versions that objects may be stored in must stay in `spec.versions`.
pub(super) fn stored_versions(definition: &Value) -> Vec<Cause> {
    let at = "status.storedVersions";
    let stored = definition.get("status").map_or(&[][..], |status| items(status, "storedVersions"));
    let mut causes = Vec::new();
    if stored.is_empty() {
        causes.push(Cause::invalid(at, &Value::Null, "must have at least one stored version"));
    }
    let versions = definition.get("spec").map_or(&[][..], |spec| items(spec, "versions"));
    let storage = versions.iter().find(|version| version.get("storage") == Some(&Value::Bool(true)));
    for (index, version) in stored.iter().enumerate() {
        if !versions.iter().any(|known| known.get("name") == Some(version)) {
            let version_name = version.as_str().unwrap_or_default();
            let detail = format!(
                "missing from spec.versions; {version_name} was previously a storage version, and must remain in \
                 spec.versions until a storage migration ensures no data remains persisted in {version_name} and \
                 removes {version_name} from status.storedVersions"
            );
            causes.push(Cause::invalid(format!("{at}[{index}]"), version, detail));
        }
    }
    if let Some(storage) = storage.and_then(|version| version.get("name"))
        && !stored.is_empty()
        && !stored.contains(storage)
    {
        let detail = format!("must have the storage version {}", text(storage, ""));
        causes.push(Cause::invalid(at, &Value::Array(stored.to_vec()), detail));
    }
    causes
}

/// What may not change.
fn changes(spec: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let mut fields = vec!["group", "names.plural"];
    if is_true(old, "Established") {
        fields.extend(["scope", "names.kind"]);
    }
    for field in fields {
        let pointer = format!("/{}", field.replace('.', "/"));
        let (now, before) = (text(spec, &pointer), text(old, &format!("/spec{pointer}")));
        if now != before {
            causes.push(Cause::invalid(format!("spec.{field}"), &Value::from(now), "field is immutable"));
        }
    }
}
