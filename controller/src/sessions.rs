//! The condition `SessionsUp` on BGPPeers: how many of the nodes that are to have a session with the peer have one.
//!
//! ```text
//!  BGPSessionState (one per node and peer, by the speakers) ─▶ Sessions ─▶ Condition ─▶ the peer's other conditions
//! ```
//!
//! The speakers write slowly enough ([`SETTLE`] on top of that), so that sessions that come up together are one write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use herald_compiler::verdict::{Condition, ConditionType, Reason};
use herald_runtime::watch::Change;

use crate::watch::{SeenSession, SessionName};

/// From the first change to the comparison of conditions.
pub const SETTLE: Duration = Duration::from_secs(2);
/// How many nodes a sentence names before it only counts them.
const NAMED: usize = 3;

/// What the speakers say about their sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    /// By name of the object.
    names: BTreeMap<Arc<str>, SessionName>,
    /// By peer and node: why the session is not established; `None`: it is.
    by_peer: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Option<String>>>,
    listed: bool,
}

impl Sessions {
    /// Something happened to BGPSessionState objects. True if that may show.
    pub fn follow(&mut self, change: Change<SeenSession>) -> bool {
        match change {
            Change::Reset(all) => {
                self.listed = true;
                self.names.clear();
                self.by_peer.clear();
                for seen in all {
                    self.apply(seen);
                }
                true
            }
            Change::Applied(seen) => self.apply(seen),
            Change::Deleted(seen) => self.remove(&seen.name),
            Change::Broken(_) => false,
        }
    }

    /// What is to be said about a peer; `None` while no node is known to be to have a session with it.
    #[must_use]
    pub fn condition(&self, peer: &str) -> Option<Condition> {
        let sessions = self.by_peer.get(peer).filter(|_| self.listed)?;
        let down: Vec<_> = sessions.iter().filter_map(|(node, why)| Some((node, why.as_deref()?))).collect();
        let up = sessions.len() - down.len();
        let reason = match (up, down.len()) {
            (_, 0) => Reason::AllEstablished,
            (0, _) => Reason::NoneEstablished,
            _ => Reason::SomeNotEstablished,
        };
        let are = if sessions.len() == 1 { "session is" } else { "sessions are" };
        let mut message = format!("{up} of {} {are} established", sessions.len());
        for (node, why) in down.iter().take(NAMED) {
            message.push_str(&format!("; node \"{node}\": {why}"));
        }
        if let more @ 1.. = down.len().saturating_sub(NAMED) {
            message.push_str(&format!("; and {more} more, see BGPSessionState"));
        }
        Some(Condition { kind: ConditionType::SessionsUp, status: down.is_empty(), reason, message })
    }

    fn apply(&mut self, SeenSession { name, of, down }: SeenSession) -> bool {
        let Some(of) = of else { return self.remove(&name) };
        if self.names.get(&name) != Some(&of) {
            self.remove(&name);
            self.names.insert(name, of.clone());
        }
        let SessionName { peer, node } = of;
        let before = self.by_peer.entry(peer).or_default().insert(node, down.clone());
        before.is_none_or(|before| before != down)
    }

    fn remove(&mut self, name: &Arc<str>) -> bool {
        let Some(SessionName { peer, node }) = self.names.remove(name) else { return false };
        if let Some(nodes) = self.by_peer.get_mut(&peer) {
            nodes.remove(&node);
            if nodes.is_empty() {
                self.by_peer.remove(&peer);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(peer: &str, node: &str, down: Option<&str>) -> SeenSession {
        let of = Some(SessionName { peer: peer.into(), node: node.into() });
        SeenSession { name: format!("{peer}-{node}").into(), of, down: down.map(str::to_owned) }
    }

    fn says(sessions: &Sessions, peer: &str) -> String {
        sessions
            .condition(peer)
            .map_or_else(String::new, |one| format!("{} {}: {}", one.status, one.reason.as_str(), one.message))
    }

    #[test]
    fn how_many_are_up_and_which_are_not() {
        let mut sessions = Sessions::default();
        sessions.follow(Change::Applied(session("tor", "a", None)));
        assert_eq!(says(&sessions, "tor"), "", "not all of them are known yet");
        assert!(sessions.follow(Change::Reset(vec![session("tor", "a", None), session("other", "a", Some("x"))])));
        assert_eq!(says(&sessions, "tor"), "true AllEstablished: 1 of 1 session is established");
        assert!(sessions.follow(Change::Applied(session("tor", "c", Some("peer says: bad peer AS")))));
        assert!(!sessions.follow(Change::Applied(session("tor", "c", Some("peer says: bad peer AS")))));
        sessions.follow(Change::Applied(session("tor", "b", None)));
        let wanted = "false SomeNotEstablished: 2 of 3 sessions are established; node \"c\": peer says: bad peer AS";
        assert_eq!(says(&sessions, "tor"), wanted);
        assert_eq!(says(&sessions, "other"), "false NoneEstablished: 0 of 1 session is established; node \"a\": x");
        for node in ["d", "e", "f"] {
            sessions.follow(Change::Applied(session("tor", node, Some("y"))));
        }
        assert!(says(&sessions, "tor").ends_with("; and 1 more, see BGPSessionState"), "{}", says(&sessions, "tor"));
        for node in ["a", "b", "c", "d", "e", "f"] {
            assert!(sessions.follow(Change::Deleted(session("tor", node, None))));
        }
        assert_eq!(says(&sessions, "tor"), "");
        assert!(!sessions.follow(Change::Deleted(session("tor", "a", None))));
    }

    #[test]
    fn an_object_that_is_about_something_else_now_leaves_nothing_behind() {
        let mut sessions = Sessions::default();
        sessions.follow(Change::Reset(vec![session("tor", "a", None)]));
        sessions.follow(Change::Applied(SeenSession { name: "tor-a".into(), ..session("spine", "b", None) }));
        assert_eq!(says(&sessions, "tor"), "");
        assert!(!says(&sessions, "spine").is_empty());
        sessions.follow(Change::Applied(SeenSession { name: "tor-a".into(), of: None, down: None }));
        assert!(sessions.names.is_empty() && sessions.by_peer.is_empty());
    }
}
