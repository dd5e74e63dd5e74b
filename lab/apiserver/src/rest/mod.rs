//! What a REST API does with resources, the same for all of them.

mod delete;
mod form;
mod options;
mod read;
mod select;
mod watch;
mod write;

use std::sync::Arc;

use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call, Target};
use crate::registry::{Part, Resource};

/// A request for a resource that is served.
#[derive(Debug)]
pub(crate) struct Scope {
    /// The resource.
    pub(crate) resource: Arc<Resource>,
    /// Group, version, namespace, name and subresource asked for.
    pub(crate) target: Target,
    /// Which part of the object is meant.
    pub(crate) part: Part,
}

impl Scope {
    /// The object's key in the store.
    pub(crate) fn key(&self) -> String {
        self.key_of(&self.target.name)
    }

    /// The key of another object in the same place. The path of a Namespace names it as its own namespace.
    pub(crate) fn key_of(&self, name: &str) -> String {
        let namespace = if self.resource.namespaced { self.target.namespace.as_str() } else { "" };
        crate::store::key(namespace, name)
    }

    /// What all keys of the namespace (or of all namespaces) begin with.
    pub(crate) fn prefix(&self) -> String {
        if self.target.namespace.is_empty() || !self.resource.namespaced {
            String::new()
        } else {
            format!("{}/", self.target.namespace)
        }
    }
}

/// Answers a call.
pub(crate) async fn dispatch(api: &Arc<Api>, call: Call) -> Result<Answer> {
    let Some(target) = call.info.target.clone() else {
        return Ok(plain(api, &call));
    };
    if let Some(answer) = crate::auth::answer_review(api, &call) {
        return answer;
    }
    let Some(resource) = api.registry.get(&target.group, &target.resource) else {
        return if api.registry.serves(&target.group, Some(&target.version)) {
            Err(ApiError::no_such_resource())
        } else {
            Ok(Answer::page_not_found())
        };
    };
    let Some(version) = resource.version(&target.version) else {
        return Ok(Answer::page_not_found());
    };
    if !resource.namespaced && !target.namespace.is_empty() && target.resource != "namespaces" {
        return Err(ApiError::no_such_resource());
    }
    let part = match target.subresource.as_str() {
        "" if !resource.verbs.contains(&call.info.verb.as_str()) => return Err(ApiError::method_not_allowed()),
        "" => Part::Object,
        sub => {
            let known = version.subresources.iter().find(|s| s.name == sub).ok_or_else(ApiError::no_such_resource)?;
            if !known.verbs.contains(&call.info.verb.as_str()) {
                return Err(ApiError::method_not_allowed());
            }
            Part::Status
        }
    };
    api.tally.count(&call.user.name, &call.info.verb, &resource.plural);
    let scope = Scope { resource, target, part };
    match call.info.verb.as_str() {
        "get" => read::get(api, &scope, &call).await,
        "list" => read::list(api, &scope, &call).await,
        "watch" => watch::watch(api, &scope, &call),
        "create" => write::create(api, &scope, &call).await,
        "update" => write::update(api, &scope, &call).await,
        "patch" => write::patch(api, &scope, &call).await,
        "delete" => delete::delete(api, &scope, &call).await,
        "deletecollection" => delete::delete_collection(api, &scope, &call).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// What is no resource.
fn plain(api: &Api, call: &Call) -> Answer {
    crate::discovery::answer(api, call)
        .or_else(|| crate::openapi::answer(api, call))
        .unwrap_or_else(Answer::page_not_found)
}
