//! What a ServiceBGPStatus says: the peers that have a Service's routes now.
//!
//! | what happened | told after |
//! | --- | --- |
//! | a peer has the routes now | [`GAIN`]: sessions come up together |
//! | a peer has lost them | [`LOSS`]: a router that restarts, or a session that flaps, is back before |
//! | the same, and a predecessor wrote what stands there | [`RETURN`]: sessions of a speaker that restarts come back one by one |
//! | the Service is not announced from here any more | at once |

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::ledger::{Actual, Saying};

/// From the first peer that has a route to the write: the others follow within a moment.
pub(super) const GAIN: Duration = Duration::from_secs(1);
/// How long a peer must have been without a route that it had.
pub(super) const LOSS: Duration = Duration::from_secs(10);
/// The same of what a predecessor wrote: how long sessions may take to come back after the speaker's restart, as long as
/// a router keeps routes meanwhile (graceful restart).
pub(super) const RETURN: Duration = Duration::from_secs(30);

/// BGPPeers, by name. Thousands of Services have the same ones: share it.
pub type Peers = Arc<BTreeSet<String>>;

/// The peers that have the routes; none: no object is needed.
impl Saying for Peers {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }

    fn stands(&self, actual: &Self) -> bool {
        self == actual
    }

    fn patience(&self, actual: Option<&Actual<Self>>) -> Duration {
        match actual.map(|actual| (actual.said(), actual.inherited)) {
            // Whoever wrote it half: it is to be completed, or gone.
            None | Some((None, _)) => GAIN,
            Some((Some(said), _)) if said.is_subset(self) => GAIN,
            Some((Some(_), true)) => RETURN,
            Some((Some(_), false)) => LOSS,
        }
    }
}
