//! What is there before the first request.

use std::sync::Arc;

use serde_json::json;

use crate::api::Api;
use crate::meta::{name, section_mut, time_now};
use crate::store::Expect;

/// Creates the namespaces, roles and bindings that every cluster has.
pub(crate) fn bootstrap(api: &Arc<Api>) {
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": namespace, "uid": api.ids.uid(), "creationTimestamp": time_now(),
                "labels": {"kubernetes.io/metadata.name": namespace},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        // Only a server that has them already could refuse.
        drop(api.store.put(&Arc::from("namespaces"), namespace, Expect::Absent, object));
    }
    for (collection, mut object) in crate::auth::bootstrap_policy() {
        let metadata = section_mut(&mut object, "metadata");
        metadata.insert("uid".into(), api.ids.uid().into());
        metadata.insert("creationTimestamp".into(), time_now().into());
        let key = name(&object).to_owned();
        drop(api.store.put(&Arc::from(collection), &key, Expect::Absent, object));
    }
}
