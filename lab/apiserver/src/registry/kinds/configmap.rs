//! ConfigMaps.

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::super::{Part, Strategy};
use crate::meta::section;

const KEY_WORDS: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  \
     or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// The strategy of ConfigMaps.
#[derive(Debug)]
pub(in crate::registry) struct ConfigMaps;

impl Strategy for ConfigMaps {
    fn validate(&self, object: &Value, old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let (data, binary) = (section(object, "data"), section(object, "binaryData"));
        let mut causes = Vec::new();
        for key in data.keys() {
            causes.extend(key_cause("data", key));
            if binary.contains_key(key) {
                let field = format!("data[{key}]");
                causes.push(Cause::invalid(field, &json!(key), "duplicate of key present in binaryData"));
            }
        }
        causes.extend(binary.keys().filter_map(|key| key_cause("binaryData", key)));
        if let Some(old) = old {
            causes.extend(immutable(object, old, &["data", "binaryData"]));
        }
        causes
    }
}

/// What is wrong with a key of a ConfigMap or Secret.
pub(super) fn key_cause(field: &str, key: &str) -> Option<Cause> {
    let fits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (!fits).then(|| Cause::invalid(format!("{field}[{key}]"), &json!(key), KEY_WORDS))
}

/// Fields that may not change any more, once `immutable` is set.
pub(super) fn immutable(object: &Value, old: &Value, fields: &[&str]) -> Vec<Cause> {
    if old.get("immutable") != Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let words = "field is immutable when `immutable` is set";
    let changed = |field: &&&str| object.get(**field) != old.get(**field);
    let mut causes: Vec<Cause> = Vec::new();
    if object.get("immutable") != Some(&Value::Bool(true)) {
        causes.push(Cause::forbidden("immutable", words));
    }
    causes.extend(fields.iter().filter(changed).map(|field| Cause::forbidden(*field, words)));
    causes
}
