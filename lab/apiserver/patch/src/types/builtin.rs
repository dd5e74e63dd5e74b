//! The kinds that Kubernetes defines, as far as they are served.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::table::{Kinds, Reader, TableError};
use super::{Field, Scalar, Struct, Type};

const TABLES: [&str; 4] =
    [include_str!("meta.txt"), include_str!("core.txt"), include_str!("pod.txt"), include_str!("groups.txt")];

fn read() -> Result<(Arc<Type>, Kinds), TableError> {
    let mut reader = Reader::default();
    for table in TABLES {
        reader.read(table)?;
    }
    let meta = reader.named("ObjectMeta").unwrap_or_else(|| Arc::new(Type::Any));
    Ok((meta, reader.into_kinds()))
}

/// A mistake in the tables leaves every kind [`untyped`]; a test holds the tables right.
static KINDS: LazyLock<(Arc<Type>, Kinds)> = LazyLock::new(|| read().unwrap_or((Arc::new(Type::Any), Kinds::new())));

static UNTYPED: LazyLock<Type> = LazyLock::new(|| {
    let text = Arc::new(Type::Scalar(Scalar::String));
    let fields = BTreeMap::from([
        ("apiVersion".to_owned(), Field::new(Arc::clone(&text))),
        ("kind".to_owned(), Field::new(text)),
        ("metadata".to_owned(), Field::new(object_meta())),
    ]);
    Type::Struct(Struct { fields, others: Some(Arc::new(Type::Any)), atomic: false })
});

/// The type of `metadata`.
#[must_use]
pub fn object_meta() -> Arc<Type> {
    Arc::clone(&KINDS.0)
}

/// The type of a built-in kind, e.g. `("apps/v1", "Deployment")`; None if it is not described here.
#[must_use]
pub fn builtin(api_version: &str, kind: &str) -> Option<&'static Type> {
    KINDS.1.get(&(api_version.to_owned(), kind.to_owned())).map(|ty| &**ty)
}

/// The type of a kind of which only `metadata` is known.
#[must_use]
pub fn untyped() -> &'static Type {
    &UNTYPED
}

/// An object of this kind in which nothing is set, as Go encodes it: what a created object is compared with to find
/// the fields that its creator owns. Structs that Go always writes are there and so have no owner of their own.
#[must_use]
pub fn empty_object(api_version: &str, kind: &str) -> Value {
    let mut object = match kind {
        "Service" => json!({"spec": {}, "status": {"loadBalancer": {}}}),
        "Node" => json!({
            "spec": {},
            "status": {
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
                "nodeInfo": {
                    "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "",
                    "containerRuntimeVersion": "", "kubeletVersion": "", "kubeProxyVersion": "",
                    "operatingSystem": "", "architecture": "",
                },
            },
        }),
        "Namespace" => json!({"spec": {}, "status": {}}),
        "Lease" => json!({"spec": {}}),
        "Pod" => json!({"spec": {"containers": null}, "status": {}}),
        "Deployment" => json!({
            "spec": {
                "selector": null, "strategy": {},
                "template": {"metadata": {"creationTimestamp": null}, "spec": {"containers": null}},
            },
            "status": {},
        }),
        "DaemonSet" => json!({
            "spec": {
                "selector": null, "updateStrategy": {},
                "template": {"metadata": {"creationTimestamp": null}, "spec": {"containers": null}},
            },
            "status": {
                "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
            },
        }),
        "EndpointSlice" => json!({"addressType": "", "endpoints": null, "ports": null}),
        "Event" if api_version == "v1" => json!({
            "involvedObject": {}, "source": {}, "firstTimestamp": null, "lastTimestamp": null, "eventTime": null,
            "reportingComponent": "", "reportingInstance": "",
        }),
        "Event" => json!({
            "eventTime": null, "regarding": {}, "deprecatedSource": {}, "deprecatedFirstTimestamp": null,
            "deprecatedLastTimestamp": null,
        }),
        "Role" | "ClusterRole" => json!({"rules": null}),
        "RoleBinding" | "ClusterRoleBinding" => json!({"roleRef": {"apiGroup": "", "kind": "", "name": ""}}),
        "CustomResourceDefinition" => json!({
            "spec": {"group": "", "names": {"plural": "", "kind": ""}, "scope": "", "versions": null},
            "status": {"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": null},
        }),
        _ => json!({}),
    };
    if let Value::Object(fields) = &mut object {
        fields.insert("apiVersion".to_owned(), api_version.into());
        fields.insert("kind".to_owned(), kind.into());
        fields.insert("metadata".to_owned(), json!({}));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{List, ListKind};

    #[test]
    fn tables_are_right() {
        let (meta, kinds) = read().expect("the tables parse");
        assert!(meta.is_named_field("finalizers"));
        assert!(kinds.len() >= 19, "{}", kinds.len());
    }

    #[test]
    fn ports_are_found_by_port_and_protocol() {
        let service = builtin("v1", "Service").expect("Service");
        let ports = service.child("spec").and_then(|spec| spec.child("ports")).expect("ports");
        let Type::List(List { kind: ListKind::Map(keys), items }) = ports else { panic!("{ports:?}") };
        assert_eq!(keys, &["port", "protocol"]);
        let Type::Struct(port) = &**items else { panic!("{items:?}") };
        assert_eq!(port.fields["protocol"].default, Some(json!("TCP")));
    }

    #[test]
    fn empty_objects_fit_their_type() {
        for (version, kind) in KINDS.1.keys() {
            let Value::Object(fields) = empty_object(version, kind) else { panic!("{kind}") };
            let ty = builtin(version, kind).expect(kind);
            for name in fields.keys() {
                assert!(ty.is_named_field(name), "{kind}.{name}");
            }
        }
    }
}
