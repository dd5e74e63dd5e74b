//! A BGPSessionState, reduced to what it says.

use std::sync::Arc;

use herald_crds::BGPSessionState;
use kube::ResourceExt;
use kube::core::DeserializeGuard;

/// State of a session that is established.
const ESTABLISHED: &str = "Established";
/// The longest words of a speaker that are passed on.
const WORDS_MAX: usize = 200;

/// A BGPSessionState as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSession {
    /// Name of the object.
    pub name: Arc<str>,
    /// Which session it is about; `None`: it does not say (yet).
    pub of: Option<SessionName>,
    /// Why the session is not established; `None`: it is.
    pub down: Option<String>,
}

/// Which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionName {
    /// Name of the BGPPeer.
    pub peer: Arc<str>,
    /// Name of the node.
    pub node: Arc<str>,
}

impl SeenSession {
    /// Takes from a BGPSessionState what matters. One that can't be read is about nothing.
    #[must_use]
    pub fn of(object: DeserializeGuard<BGPSessionState>) -> Self {
        let name = object.name_any().into();
        let Some(status) = object.0.ok().and_then(|object| object.status) else {
            return Self { name, of: None, down: None };
        };
        let of = status.peer.zip(status.node).map(|(peer, node)| SessionName { peer: peer.into(), node: node.into() });
        let established = status.bgp_status.as_deref() == Some(ESTABLISHED);
        let why = || status.last_error.map_or_else(|| "it is being tried".to_owned(), |error| shorten(&error));
        Self { name, of, down: (!established).then(why) }
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

    #[test]
    fn established_or_why_not() {
        let seen = |status: serde_json::Value| {
            let object = json!({"metadata": {"name": "s"}, "spec": {}, "status": status});
            SeenSession::of(serde_json::from_value(object).unwrap())
        };
        let up = seen(json!({"peer": "tor", "node": "a", "bgpStatus": "Established", "lastError": "of before"}));
        assert_eq!(up.of, Some(SessionName { peer: "tor".into(), node: "a".into() }));
        assert_eq!(up.down, None);
        let down = seen(json!({"peer": "tor", "node": "a", "bgpStatus": "Active", "lastError": "x".repeat(9999)}));
        assert_eq!(down.down.map(|why| why.len()), Some(WORDS_MAX));
        assert_eq!(seen(json!({"peer": "tor", "node": "a"})).down.as_deref(), Some("it is being tried"));
        assert_eq!(seen(json!({"peer": 7})).of, None, "what can't be read says nothing");
    }
}
