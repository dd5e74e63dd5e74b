//! A ServiceL2Status or ServiceBGPStatus, reduced to what it says.

use std::sync::Arc;

use herald_crds::{ServiceBGPStatus, ServiceL2Status};
use herald_ipam::ServiceKey;
use kube::ResourceExt;
use kube::core::DeserializeGuard;

/// The condition by which a speaker says why nobody announces a Service.
const ANNOUNCED: &str = "Announced";
/// The longest words of a speaker that are passed on.
const WORDS_MAX: usize = 2048;

/// Such an object as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenReport {
    /// Name of the object.
    pub name: Arc<str>,
    /// The Service it is about.
    pub service: ServiceKey,
    /// What it says.
    pub said: Said,
}

/// What a speaker says about a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// This node announces it by layer 2.
    Announced(Arc<str>),
    /// Peers of this node have routes to it.
    Routed(Arc<str>),
    /// No node does.
    Unannounced {
        /// Why, in one word.
        reason: String,
        /// Why, in a sentence.
        message: String,
    },
    /// Nothing (yet).
    Nothing,
}

impl SeenReport {
    /// Takes from a ServiceBGPStatus what matters. One that can't be read says nothing.
    #[must_use]
    pub fn of_bgp(object: DeserializeGuard<ServiceBGPStatus>) -> Self {
        let status = object.0.as_ref().ok().and_then(|object| object.status.as_ref());
        let named = |field: Option<&String>, label: &str| {
            field.or_else(|| object.labels().get(label)).map(String::as_str).unwrap_or_default().to_owned()
        };
        let namespace = status.and_then(|status| status.service_namespace.as_ref());
        let name = status.and_then(|status| status.service_name.as_ref());
        let service =
            ServiceKey::new(named(namespace, "metallb.io/service-namespace"), named(name, "metallb.io/service-name"));
        let node = status.filter(|status| !status.peers.is_empty()).and_then(|status| status.node.as_deref());
        let said = node.filter(|node| !node.is_empty()).map_or(Said::Nothing, |node| Said::Routed(node.into()));
        Self { name: object.name_any().into(), service, said }
    }

    /// Takes from a ServiceL2Status what matters. One that can't be read says nothing.
    #[must_use]
    pub fn of_l2(object: DeserializeGuard<ServiceL2Status>) -> Self {
        let label = |name: &str| object.labels().get(name).map(String::as_str);
        let status = object.0.as_ref().ok().and_then(|object| object.status.as_ref());
        let namespace = status.and_then(|status| status.service_namespace.as_deref());
        let name = status.and_then(|status| status.service_name.as_deref());
        let service = ServiceKey::new(
            namespace.or_else(|| label("metallb.io/service-namespace")).unwrap_or_default(),
            name.or_else(|| label("metallb.io/service-name")).unwrap_or_default(),
        );
        let node = status.and_then(|status| status.node.as_deref()).filter(|node| !node.is_empty());
        let why = status.and_then(|status| status.conditions.iter().find(|one| one.type_ == ANNOUNCED));
        let said = match (node, why) {
            (Some(node), _) => Said::Announced(node.into()),
            (None, Some(why)) if why.status == "False" => {
                Said::Unannounced { reason: shorten(&why.reason), message: shorten(&why.message) }
            }
            (None, _) => Said::Nothing,
        };
        Self { name: object.name_any().into(), service, said }
    }
}

/// Whoever may write such objects could write anything into them.
fn shorten(words: &str) -> String {
    words.chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(status: serde_json::Value) -> SeenReport {
        let labels = json!({"metallb.io/service-namespace": "shop", "metallb.io/service-name": "web"});
        let object = json!({"metadata": {"name": "l2-1", "labels": labels}, "spec": {}, "status": status});
        SeenReport::of_l2(serde_json::from_value(object).unwrap())
    }

    #[test]
    fn an_announcement_a_report_and_an_object_half_made() {
        let why = json!([{
            "type": "Announced", "status": "False", "reason": "NoReadyEndpoints", "message": "why",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]);
        let of = |node: Option<&str>| {
            let mut status = json!({"serviceName": "web", "serviceNamespace": "shop", "conditions": why});
            if let Some(node) = node {
                status["node"] = json!(node);
            }
            seen(status)
        };
        assert_eq!(of(Some("a")).said, Said::Announced("a".into()));
        assert_eq!(of(None).said, Said::Unannounced { reason: "NoReadyEndpoints".into(), message: "why".into() });
        assert_eq!(of(None).service, ServiceKey::new("shop", "web"));
        assert_eq!(seen(json!({})), SeenReport { said: Said::Nothing, ..of(None) });
        assert_eq!(seen(json!({"node": 7})), seen(json!({})), "what can't be read says nothing");
    }

    #[test]
    fn routes_are_announced_while_a_peer_has_them() {
        let seen = |status: serde_json::Value| {
            let labels = json!({"metallb.io/service-namespace": "shop", "metallb.io/service-name": "web"});
            let object = json!({"metadata": {"name": "bgp-1", "labels": labels}, "spec": {}, "status": status});
            SeenReport::of_bgp(serde_json::from_value(object).unwrap())
        };
        let has = seen(json!({"node": "a", "serviceName": "web", "serviceNamespace": "shop", "peers": ["tor"]}));
        assert_eq!(has.said, Said::Routed("a".into()));
        assert_eq!(has.service, ServiceKey::new("shop", "web"));
        for nothing in [json!({"node": "a", "peers": []}), json!({"peers": ["tor"]}), json!({"peers": 7}), json!({})] {
            assert_eq!(seen(nothing), SeenReport { said: Said::Nothing, ..has.clone() });
        }
    }
}
