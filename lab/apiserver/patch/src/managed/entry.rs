//! The entries of `metadata.managedFields`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::fields::FieldSet;

/// How a manager came to own its fields. The order is that of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What tells managers apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ManagerId {
    pub(super) name: String,
    pub(super) operation: Operation,
    /// Empty for Apply: an applier is the same one in every version.
    pub(super) api_version: String,
    pub(super) subresource: String,
}

impl ManagerId {
    pub(super) fn new(name: &str, operation: Operation, api_version: &str, subresource: Option<&str>) -> Self {
        let api_version = if operation == Operation::Update { api_version } else { "" };
        Self {
            name: name.to_owned(),
            operation,
            api_version: api_version.to_owned(),
            subresource: subresource.unwrap_or_default().to_owned(),
        }
    }
}

/// What one manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) fields: FieldSet,
    pub(super) api_version: String,
    pub(super) time: Option<String>,
}

/// All managers of an object.
pub(super) type Managers = BTreeMap<ManagerId, Owned>;

/// Reads `metadata.managedFields`; none if there are none.
///
/// # Errors
/// A text that names the entry and what is wrong with it.
pub(super) fn decode(object: &Value) -> Result<Managers, String> {
    let mut managers = Managers::new();
    let entries = object.pointer("/metadata/managedFields").filter(|entries| !entries.is_null());
    let Some(entries) = entries else { return Ok(managers) };
    let Value::Array(entries) = entries else { return Err("managedFields is no list".to_owned()) };
    for (index, entry) in entries.iter().enumerate() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            other => return Err(format!("managedFields[{index}]: operation must be Apply or Update, not {other:?}")),
        };
        if !matches!(text("fieldsType"), "" | "FieldsV1") {
            return Err(format!("managedFields[{index}]: fieldsType must be FieldsV1"));
        }
        let fields = match entry.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::default(),
            Some(fields) => {
                FieldSet::from_fields_v1(fields).map_err(|error| format!("managedFields[{index}]: {error}"))?
            }
        };
        let subresource = Some(text("subresource")).filter(|name| !name.is_empty());
        let id = ManagerId::new(text("manager"), operation, text("apiVersion"), subresource);
        let time = Some(text("time")).filter(|time| !time.is_empty()).map(str::to_owned);
        managers.insert(id, Owned { fields, api_version: text("apiVersion").to_owned(), time });
    }
    Ok(managers)
}

/// Writes `metadata.managedFields`: appliers first, then by time and name. No managers, no field.
pub(super) fn encode(object: &mut Value, managers: &Managers) {
    let mut sorted: Vec<(&ManagerId, &Owned)> = managers.iter().filter(|(_, owned)| !owned.fields.is_empty()).collect();
    sorted.sort_by_key(|(id, owned)| {
        // RFC 3339 in UTC sorts as text.
        (
            id.operation,
            owned.time.clone().unwrap_or_default(),
            id.name.clone(),
            owned.api_version.clone(),
            id.subresource.clone(),
        )
    });
    let entries: Vec<Value> = sorted.into_iter().map(|(id, owned)| entry(id, owned)).collect();
    strip(object);
    if entries.is_empty() {
        return;
    }
    if let Value::Object(fields) = object
        && let Value::Object(meta) = fields.entry("metadata").or_insert_with(|| json!({}))
    {
        meta.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

fn entry(id: &ManagerId, owned: &Owned) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            fields.insert(name.to_owned(), value.into());
        }
    };
    put("manager", &id.name);
    put("operation", id.operation.name());
    put("apiVersion", &owned.api_version);
    put("time", owned.time.as_deref().unwrap_or_default());
    put("fieldsType", "FieldsV1");
    put("subresource", &id.subresource);
    fields.insert("fieldsV1".to_owned(), owned.fields.to_fields_v1());
    Value::Object(fields)
}

/// Takes `metadata.managedFields` out.
pub(super) fn strip(object: &mut Value) {
    if let Some(Value::Object(meta)) = object.get_mut("metadata") {
        meta.remove("managedFields");
    }
}

/// Fields of `metadata`, and the type, that nobody owns.
pub(super) fn without_identity(fields: &FieldSet) -> FieldSet {
    let mut identity = FieldSet::of_names(&["apiVersion"]);
    for name in ["kind", "metadata"] {
        identity = identity.union(&FieldSet::of_names(&[name]));
    }
    let names = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    for name in names {
        identity = identity.union(&FieldSet::of_names(&["metadata", name]));
    }
    fields.difference(&identity)
}
