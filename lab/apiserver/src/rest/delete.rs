//! Delete and deletecollection.

use serde_json::{Value, json};

use super::Scope;
use super::options::ListOptions;
use super::read::selected;
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call};
use crate::meta::{name, uid};

pub(super) async fn delete(api: &Api, scope: &Scope, _call: &Call) -> Result<Answer> {
    let resource = &scope.resource;
    let key = scope.key();
    api.pace.write(&api.ids).await;
    loop {
        let object = api
            .store
            .get(&resource.collection, &key)
            .ok_or_else(|| ApiError::not_found(resource.about(), &scope.target.name))?;
        let Ok(gone) = api.store.delete(&resource.collection, &key, object.revision, None) else {
            continue;
        };
        resource.strategy.written(api, Some(&object), None);
        if resource.strategy.delete_returns_object() {
            return Ok(Answer::json_bytes(200, gone.json.clone()));
        }
        return Ok(Answer::json(200, &deleted(scope, &object.value)));
    }
}

pub(super) async fn delete_collection(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let resource = &scope.resource;
    let options = ListOptions::parse(&call.query)?;
    let snapshot = api.store.list(&resource.collection, &scope.prefix());
    let mut items = Vec::new();
    for object in snapshot.objects.iter().filter(|o| selected(scope, &options, o)) {
        api.pace.write(&api.ids).await;
        let key = crate::store::key(crate::meta::namespace(&object.value), name(&object.value));
        if api.store.delete(&resource.collection, &key, object.revision, None).is_ok() {
            resource.strategy.written(api, Some(object), None);
            items.push(object.value.clone());
        }
    }
    Ok(Answer::json(
        200,
        &json!({
            "kind": resource.list_kind, "apiVersion": resource.api_version(&scope.target.version),
            "metadata": {"resourceVersion": api.store.revision().to_string()}, "items": items,
        }),
    ))
}

/// The Status that answers a deletion.
fn deleted(scope: &Scope, object: &Value) -> Value {
    let mut details = json!({"name": name(object), "kind": scope.resource.plural, "uid": uid(object)});
    if !scope.resource.group.is_empty() {
        details["group"] = scope.resource.group.clone().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
