//! What is there before the first request.

use std::sync::Arc;

use serde_json::json;

use crate::api::Api;
use crate::meta::time_now;
use crate::store::Expect;

/// Creates the namespaces that every cluster has.
pub(crate) fn bootstrap(api: &Arc<Api>) {
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": name, "uid": api.ids.uid(), "creationTimestamp": time_now(),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        // Only a server that has them already could refuse.
        drop(api.store.put(&Arc::from("namespaces"), name, Expect::Absent, namespace));
    }
}
