//! Secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::super::{Part, Strategy};
use super::configmap::{immutable, key_cause};
use crate::meta::{map_of, section, section_mut, text};

/// The strategy of Secrets.
#[derive(Debug)]
pub(in crate::registry) struct Secrets;

impl Strategy for Secrets {
    fn set_defaults(&self, object: &mut Value) {
        let given = map_of(object).remove("stringData");
        if let Some(Value::Object(given)) = given {
            let data = section_mut(object, "data");
            for (key, value) in given {
                data.insert(key, STANDARD.encode(value.as_str().unwrap_or_default()).into());
            }
        }
        map_of(object).entry("type").or_insert_with(|| json!("Opaque"));
    }

    fn validate(&self, object: &Value, old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let data = section(object, "data");
        let mut causes: Vec<Cause> = data.keys().filter_map(|key| key_cause("data", key)).collect();
        let needed: &[&str] = match text(object, "/type") {
            "kubernetes.io/basic-auth" => &["username", "password"],
            "kubernetes.io/tls" => &["tls.crt", "tls.key"],
            "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
            _ => &[],
        };
        let missing: Vec<&&str> = needed.iter().filter(|key| !data.contains_key(**key)).collect();
        // Either of user name and password will do.
        let either = text(object, "/type") == "kubernetes.io/basic-auth";
        if !either || missing.len() == needed.len() {
            causes.extend(missing.iter().map(|key| Cause::required(format!("data[{key}]"), "")));
        }
        if let Some(old) = old {
            let (now, before) = (text(object, "/type"), text(old, "/type"));
            if now != before {
                causes.push(Cause::invalid("type", &json!(now), "field is immutable"));
            }
            causes.extend(immutable(object, old, &["data"]));
        }
        causes
    }

    fn selectable_field(&self, object: &Value, field: &str) -> Option<String> {
        (field == "type").then(|| text(object, "/type").to_owned())
    }
}
