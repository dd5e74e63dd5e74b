//! `namespaces/NAME/finalize`: whoever has emptied a namespace says so by taking its finalizer out of `spec`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Writer, storing};
use crate::error::{ApiError, Result};
use crate::meta::section_mut;
use crate::store::{Changed, Expect, Object};

impl Writer<'_> {
    /// Replaces `spec.finalizers`; without any left, a namespace that is being deleted goes.
    pub(super) async fn finalize(&mut self) -> Result<Arc<Object>> {
        let (api, scope) = (self.api, self.scope);
        let resource = &scope.resource;
        let body = self.decode_body()?;
        self.check_name(&body)?;
        loop {
            let not_found = || ApiError::not_found(resource.about(), &scope.target.name);
            let old = self.live().ok_or_else(not_found)?;
            storing::check_patched_revision(self, &body, &old)?;
            let mut new = old.value.clone();
            let spec = section_mut(&mut new, "spec");
            match body.pointer("/spec/finalizers").and_then(Value::as_array).filter(|list| !list.is_empty()) {
                Some(list) => spec.insert("finalizers".into(), json!(list)),
                None => spec.remove("finalizers"),
            };
            if new == old.value {
                return Ok(old);
            }
            api.pace.write(&api.ids).await;
            let key = scope.key();
            if resource.strategy.is_finished(&new) {
                match api.store.delete(&resource.collection, &key, old.revision, None) {
                    Ok(_) => return Ok(Arc::new(Object::unsaved(new))),
                    Err(Changed(_)) => continue,
                }
            }
            if let Ok(stored) = api.store.put(&resource.collection, &key, Expect::At(old.revision), new) {
                return Ok(stored);
            }
        }
    }
}
