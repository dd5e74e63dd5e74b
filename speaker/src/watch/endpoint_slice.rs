//! An EndpointSlice, reduced to how its endpoints are on each node.

use std::collections::BTreeMap;

use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::service::ServiceKey;

/// Label that names the Service a slice belongs to.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The best that can be said of a set of endpoints; ordered, the better the greater.
///
/// KEP-1669: traffic goes to ready endpoints, and only if there is none, to serving ones that are terminating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointState {
    /// Terminating, but still serving.
    ServingTerminating,
    /// Ready. (With `publishNotReadyAddresses` the control plane says "ready" of every endpoint.)
    Ready,
}

/// What is used of an EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Its Service; the name is empty if the label is missing.
    pub service: ServiceKey,
    /// Its own name.
    pub name: String,
    /// Best state per node. Endpoints without a node count for the Service, but for no node: key `""`.
    pub nodes: BTreeMap<String, EndpointState>,
}

/// Reduces a slice.
#[must_use]
pub fn reduce(slice: &EndpointSlice) -> Slice {
    let metadata = &slice.metadata;
    let service = metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME)).map_or("", String::as_str);
    let mut nodes = BTreeMap::new();
    for endpoint in &slice.endpoints {
        let conditions = endpoint.conditions.as_ref();
        let ready = conditions.and_then(|c| c.ready).unwrap_or(true); // absent means ready
        let serving = conditions.and_then(|c| c.serving).unwrap_or(ready);
        let terminating = conditions.and_then(|c| c.terminating).unwrap_or(false);
        let state = match (ready, serving && terminating) {
            (true, _) => EndpointState::Ready,
            (false, true) => EndpointState::ServingTerminating,
            (false, false) => continue,
        };
        if endpoint.addresses.is_empty() {
            continue;
        }
        let best = nodes.entry(endpoint.node_name.clone().unwrap_or_default()).or_insert(state);
        *best = state.max(*best);
    }
    Slice {
        service: ServiceKey::new(metadata.namespace.as_deref().unwrap_or_default(), service),
        name: metadata.name.clone().unwrap_or_default(),
        nodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_best_state_per_node() {
        let endpoint =
            |node: &str, conditions| json!({"addresses": ["10.0.0.1"], "nodeName": node, "conditions": conditions});
        let slice: EndpointSlice = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web-1", "labels": {SERVICE_NAME: "web"}},
            "addressType": "IPv4",
            "endpoints": [
                endpoint("a", json!({"ready": false, "serving": true, "terminating": true})),
                endpoint("a", json!({"ready": true})),
                endpoint("b", json!({"ready": false, "serving": true, "terminating": true})),
                endpoint("c", json!({"ready": false, "serving": false, "terminating": true})),
                endpoint("d", json!({"ready": false})),
                endpoint("e", json!({})),
                {"addresses": ["10.0.0.9"]},
                {"addresses": [], "nodeName": "f"},
            ],
        }))
        .unwrap();
        let slice = reduce(&slice);
        assert_eq!(slice.service.to_string(), "shop/web");
        let expected = [
            ("", EndpointState::Ready),
            ("a", EndpointState::Ready),
            ("b", EndpointState::ServingTerminating),
            ("e", EndpointState::Ready),
        ];
        assert_eq!(slice.nodes, expected.map(|(node, state)| (node.to_owned(), state)).into());
    }

    #[test]
    fn a_slice_without_anything_is_no_trouble() {
        let slice = reduce(&EndpointSlice::default());
        assert!(slice.nodes.is_empty() && slice.service.name().is_empty());
    }
}
