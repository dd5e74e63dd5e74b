//! Services: the kind with the most semantics of its own, and the one that Herald lives by.
//!
//! ```text
//! client's object ─▶ defaults (type, ports, policies, ipMode) ─▶ families (which IP families, from what is given)
//!                 ─▶ allocator (cluster IPs, node ports, health check node port)
//!                 ─▶ dependent (fields that go by themselves when the type changes)
//!                 ─▶ validation, warnings ─▶ stored
//! ```
//!
//! kube-apiserver allocates before it validates; so does this, which shows in what a wrong Service is told first.

mod address;
mod allocator;
mod defaults;
mod dependent;
mod families;
mod spec;
mod status;
#[cfg(test)]
mod tests;
mod validation;
mod warnings;

use std::sync::{Mutex, MutexGuard, PoisonError};

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::{Part, Strategy};
use crate::api::Api;
use crate::error::{About, ApiError, Result};
use crate::meta::validation::NameRule;
use crate::meta::{map_of, name, section_mut};
use crate::store::Object;
use allocator::Taken;
use spec::Spec;

/// How errors name Services.
const ABOUT: About<'static> = About { group: "", resource: "services", kind: "Service" };

/// The strategy of Services.
#[derive(Debug, Default)]
pub(super) struct Services {
    taken: Mutex<Taken>,
}

impl Services {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Strategy for Services {
    fn set_defaults(&self, object: &mut Value) {
        defaults::set(object);
    }

    fn prepare_for_create(&self, object: &mut Value) {
        map_of(object).insert("status".into(), json!({"loadBalancer": {}}));
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, part: Part) {
        if part == Part::Object {
            let status = old.get("status").cloned().unwrap_or_else(|| json!({"loadBalancer": {}}));
            map_of(object).insert("status".into(), status);
            dependent::drop_fields(object, old);
        }
    }

    fn validate(&self, object: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        match (part, old) {
            (Part::Status, Some(_)) => status::validate(object),
            (_, Some(old)) => validation::update(object, old),
            (_, None) => validation::service(object),
        }
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        warnings::of(object)
    }

    fn allocate(&self, _api: &Api, object: &mut Value, old: Option<&Value>) -> Result<()> {
        let service_name = name(object).to_owned();
        let invalid = |causes: Vec<Cause>| ApiError::invalid(ABOUT, &service_name, &causes);
        let spec = section_mut(object, "spec");
        let old = old.map(Spec::of);
        families::normalize(spec, old);
        families::init(spec, old).map_err(invalid)?;
        allocator::allocate(&mut self.taken(), spec, old).map_err(|refusal| match refusal {
            allocator::Refusal::Invalid(cause) => invalid(vec![cause]),
            allocator::Refusal::Internal(why) => ApiError::internal(why),
        })
    }

    fn abandon(&self, _api: &Api, object: &Value, old: Option<&Value>) {
        self.taken().release(Spec::of(object), old.map(Spec::of));
    }

    fn written(&self, _api: &Api, old: Option<&Object>, new: Option<&Object>) {
        let mut taken = self.taken();
        if let Some(new) = new {
            taken.claim(Spec::of(&new.value));
        }
        if let Some(old) = old {
            taken.release(Spec::of(&old.value), new.map(|new| Spec::of(&new.value)));
        }
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn delete_returns_object(&self) -> bool {
        true
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
    }

    fn selectable_field(&self, object: &Value, field: &str) -> Option<String> {
        let spec = Spec::of(object);
        match field {
            "spec.type" => Some(spec.kind().to_owned()),
            "spec.clusterIP" => Some(spec.cluster_ip().to_owned()),
            _ => None,
        }
    }
}
