//! Which objects a list or watch is about.

use serde_json::Value;

use super::Scope;
use super::options::ListOptions;
use crate::error::{ApiError, Result};
use crate::meta::labels;
use crate::store::Object;

/// Core kinds that can be selected by more than name and namespace: they word their refusal in another way.
const WITH_OWN_FIELDS: [&str; 6] = ["events", "namespaces", "nodes", "pods", "secrets", "services"];

/// Refuses field selectors on fields that the resource cannot be selected by.
///
/// # Errors
/// 400 naming the field.
pub(super) fn check(scope: &Scope, options: &ListOptions) -> Result<()> {
    let resource = &scope.resource;
    for term in options.fields.terms() {
        if resource.selectable_field(&scope.target.version, &Value::Null, &term.field).is_some() {
            continue;
        }
        let own = (resource.group.is_empty() || resource.group == "events.k8s.io")
            && WITH_OWN_FIELDS.contains(&resource.plural.as_str());
        let field = &term.field;
        return Err(ApiError::bad_request(if own || resource.strategy.is_custom() {
            format!("field label not supported: {field}")
        } else {
            format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }));
    }
    Ok(())
}

/// Whether an object is in the selection.
pub(super) fn selected(scope: &Scope, options: &ListOptions, object: &Object) -> bool {
    let value = &object.value;
    let version = &scope.target.version;
    (options.labels.is_empty() || options.labels.matches(labels(value)))
        && (options.fields.is_empty()
            || options
                .fields
                .matches(|field| scope.resource.selectable_field(version, value, field).unwrap_or_default()))
}
