//! The CustomResourceDefinitions: what the derives make of the types, and what they can't say.
//!
//! - No `nullable`, no `default: null`, no `title`: schemars writes them for `Option`, but an
//!   explicit null would suppress a field's default, and Kubernetes drops nulls by itself.
//! - `spec` defaults to `{}` where a spec without any field is valid, so that
//!   `kind: L2Advertisement` with nothing but a name is one.
//! - BGPPeer is served as v1beta1 (deprecated) and v1beta2 with one schema, so that conversion
//!   strategy None is right: no webhook that could be down, and nothing is lost either way.

#[cfg(feature = "yaml")]
mod yaml;

#[cfg(feature = "yaml")]
pub use yaml::to_yaml;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionVersion,
};
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::{
    BFDProfile, BGPAdvertisement, BGPPeer, BGPSessionState, Community, ConfigurationState, IPAddressPool,
    L2Advertisement, ServiceBGPStatus, ServiceL2Status,
};

/// What a client is told that still uses `BGPPeer` v1beta1.
const V1BETA1_WARNING: &str =
    "metallb.io/v1beta1 BGPPeer is deprecated: write metallb.io/v1beta2, the fields are the same";

/// Why a definition could not be made. Only a mistake in a type's attributes can cause one.
#[derive(Debug, thiserror::Error)]
#[error("the schema of {name} is not one that Kubernetes takes: {source}")]
pub struct DefinitionError {
    name: String,
    source: serde_json::Error,
}

/// All CustomResourceDefinitions, by name.
///
/// # Errors
/// If a type's attributes make something that is no schema.
pub fn all() -> Result<Vec<CustomResourceDefinition>, DefinitionError> {
    let mut all = vec![
        finish(BFDProfile::crd())?,
        finish(BGPAdvertisement::crd())?,
        finish(with_v1beta1(BGPPeer::crd()))?,
        finish(BGPSessionState::crd())?,
        finish(Community::crd())?,
        finish(ConfigurationState::crd())?,
        finish(IPAddressPool::crd())?,
        finish(L2Advertisement::crd())?,
        finish(ServiceBGPStatus::crd())?,
        finish(ServiceL2Status::crd())?,
    ];
    all.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    Ok(all)
}

/// Adds v1beta1 with the same schema, columns and subresources.
fn with_v1beta1(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    let old = definition.spec.versions.first().map(|newest| CustomResourceDefinitionVersion {
        name: "v1beta1".into(),
        deprecated: Some(true),
        deprecation_warning: Some(V1BETA1_WARNING.into()),
        storage: false,
        ..newest.clone()
    });
    definition.spec.versions.splice(0..0, old);
    definition
}

fn finish(mut definition: CustomResourceDefinition) -> Result<CustomResourceDefinition, DefinitionError> {
    definition.spec.conversion = Some(CustomResourceConversion { strategy: "None".into(), webhook: None });
    definition.spec.names.list_kind = Some(format!("{}List", definition.spec.names.kind));
    let name = definition.metadata.name.clone().unwrap_or_default();
    let failed = |source| DefinitionError { name, source };
    let cleaned = serde_json::to_value(&definition).map(|mut value| {
        for version in members_mut(&mut value, &["spec", "versions"]) {
            if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
                clean(schema);
                allow_absent_spec(schema);
                add_type_and_metadata(schema);
            }
        }
        value
    });
    cleaned.and_then(serde_json::from_value).map_err(failed)
}

/// The elements of the list at `path`.
fn members_mut<'a>(value: &'a mut Value, path: &[&str]) -> impl Iterator<Item = &'a mut Value> {
    let list = path.iter().try_fold(value, |value, key| value.get_mut(key));
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

/// Takes out what schemars writes and Kubernetes should not see, here and below.
fn clean(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for key in ["nullable", "title"] {
        object.remove(key);
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(clean);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            clean(inner);
        }
    }
}

/// Lets `spec` be absent where `{}` is a valid spec.
fn allow_absent_spec(schema: &mut Value) {
    let no_field_required = schema.pointer("/properties/spec").is_some_and(|spec| spec.get("required").is_none());
    if !no_field_required {
        return;
    }
    if let Some(spec) = schema.pointer_mut("/properties/spec").and_then(Value::as_object_mut) {
        spec.insert("default".into(), json!({}));
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|field| field != "spec");
        if required.is_empty() {
            schema.as_object_mut().map(|object| object.remove("required"));
        }
    }
}

/// `kubectl explain` lists these fields of every object; the derives leave them out.
fn add_type_and_metadata(schema: &mut Value) {
    let properties = schema
        .as_object_mut()
        .map(|object| object.entry("properties").or_insert_with(|| json!({})))
        .and_then(Value::as_object_mut);
    let Some(properties) = properties else { return };
    let fields: Map<String, Value> = [
        (
            "apiVersion".to_owned(),
            json!({
                "type": "string",
                "description": "Group and version of the API that this object is written in.",
            }),
        ),
        ("kind".to_owned(), json!({"type": "string", "description": "Kind of the object."})),
        ("metadata".to_owned(), json!({"type": "object"})),
    ]
    .into_iter()
    .collect();
    properties.extend(fields);
}
