//! Who a member is, in SWIM's sense: one life of one node's speaker.

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::sync::Arc;

/// One life of one node's speaker.
///
/// In SWIM "down" is final, so a member that was declared down by mistake comes back under a new identity. Identities
/// of one node are ordered by `rank`: it starts as the boot id and grows by one with every rejoin, so that the newest
/// life always wins.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) node: Arc<str>,
    /// The process; see [`crate::Config::boot_id`].
    pub(crate) boot: u64,
    /// Orders the lives of one node.
    pub(crate) rank: u64,
    /// Where the member says it is.
    pub(crate) address: SocketAddr,
}

impl Identity {
    fn order(&self) -> (u64, u64) {
        (self.rank, self.boot)
    }

    /// The same node's identity after one more rejoin, or with a rank that tops one seen elsewhere.
    pub(crate) fn above(&self, rank: u64) -> Option<Self> {
        Some(Self { rank: rank.max(self.rank).checked_add(1)?, ..self.clone() })
    }
}

/// The address is left out: a life may be reachable at several.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order() && self.node == other.node
    }
}

impl Eq for Identity {}

impl foca::Identity for Identity {
    /// What foca calls the address is what stays the same over all lives: the node.
    type Addr = Arc<str>;

    fn renew(&self) -> Option<Self> {
        self.above(self.rank)
    }

    fn addr(&self) -> Arc<str> {
        Arc::clone(&self.node)
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.order().cmp(&adversary.order()) == Ordering::Greater
    }
}

#[cfg(test)]
mod tests {
    use foca::Identity as _;

    use super::*;

    #[test]
    fn a_rejoin_and_a_restart_both_win_over_the_past() {
        let address = SocketAddr::from(([192, 0, 2, 1], 7946));
        let first = Identity { node: "a".into(), boot: 1_000, rank: 1_000, address };
        let rejoined = first.renew().unwrap();
        let restarted = Identity { boot: 2_000, rank: 2_000, ..first.clone() };
        assert!(rejoined.win_addr_conflict(&first) && !first.win_addr_conflict(&rejoined));
        assert!(restarted.win_addr_conflict(&rejoined));
        assert_eq!(first.addr(), restarted.addr());
        let moved = Identity { address: SocketAddr::from(([192, 0, 2, 9], 7946)), ..first.clone() };
        assert_eq!(first, moved, "one life may be reachable at several addresses");
        assert_eq!(Identity { rank: u64::MAX, ..first }.renew(), None);
    }
}
