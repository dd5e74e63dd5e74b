//! A ServiceL2Status, reduced to what it says.

use std::sync::Arc;

use herald_crds::ServiceL2Status;
use herald_ipam::ServiceKey;
use kube::ResourceExt;
use kube::core::DeserializeGuard;

/// The condition by which a speaker says why nobody announces a Service.
const ANNOUNCED: &str = "Announced";
/// The longest words of a speaker that are passed on.
const WORDS_MAX: usize = 2048;

/// A ServiceL2Status as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenL2Status {
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
    /// This node announces it.
    Announced(Arc<str>),
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

impl SeenL2Status {
    /// Takes from a ServiceL2Status what matters. One that can't be read says nothing.
    #[must_use]
    pub fn of(object: DeserializeGuard<ServiceL2Status>) -> Self {
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

    fn seen(status: serde_json::Value) -> SeenL2Status {
        let labels = json!({"metallb.io/service-namespace": "shop", "metallb.io/service-name": "web"});
        let object = json!({"metadata": {"name": "l2-1", "labels": labels}, "spec": {}, "status": status});
        SeenL2Status::of(serde_json::from_value(object).unwrap())
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
        assert_eq!(seen(json!({})), SeenL2Status { said: Said::Nothing, ..of(None) });
        assert_eq!(seen(json!({"node": 7})), seen(json!({})), "what can't be read says nothing");
    }
}
