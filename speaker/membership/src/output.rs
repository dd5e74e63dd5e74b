//! What the caller has to do or to know after each call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::facts::{Facts, Phase};
use crate::state::Alone;

/// One thing to do or to know. Outputs come in the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this datagram from the membership socket. A failure needs no answer: the protocol expects loss.
    Send {
        /// Where to.
        to: SocketAddr,
        /// What; at most [`crate::MAX_DATAGRAM`] bytes.
        datagram: Vec<u8>,
    },
    /// A speaker is alive. Said again with another `boot_id` when it came back before it was missed.
    MemberUp {
        /// Its node.
        node: Arc<str>,
        /// Which process of that node.
        boot_id: u64,
        /// Where it answers.
        address: SocketAddr,
    },
    /// A speaker is not alive any more.
    MemberDown {
        /// Its node.
        node: Arc<str>,
        /// Which process of that node.
        boot_id: u64,
        /// Why we think so.
        reason: DownReason,
        /// When we concluded it.
        at: Duration,
        /// When it last said anything to us directly, if it ever did.
        last_heard: Option<Duration>,
    },
    /// A speaker on our watch has missed its heartbeats, and we were punctual. If its node does not answer on layer 2
    /// within 100 ms either, call [`crate::Membership::confirm_quiet`], else [`crate::Membership::deny_quiet`].
    Quiet {
        /// Its node.
        node: Arc<str>,
    },
    /// A live speaker says something new about itself.
    FactsChanged {
        /// Its node.
        node: Arc<str>,
        /// All it says, with its phase in [`Facts::phase`].
        facts: Facts,
    },
    /// What our last process said of itself when it restarted, as others remember it: told while we start, perhaps
    /// more than once.
    Former {
        /// All it said; what it owned is in [`Facts::owned`].
        facts: Facts,
    },
    /// Start-up silence is over: every listed node answered, or one did and the others had their chance, or nobody
    /// did for [`crate::Timing::start_silence`]. Said once.
    Started,
    /// We are the only speaker for [`crate::Timing::alone_after`], although the API calls other nodes ready; told
    /// again when more is known. `None`: not any more.
    Alone(Option<Alone>),
    /// [`crate::Membership::leave`] is done: all members know, or time is up. Said once; nothing follows.
    Left {
        /// How many live members had not acknowledged.
        unacknowledged: usize,
    },
}

/// Why a member is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// It fell silent, and we noticed ourselves.
    Silent,
    /// It missed its heartbeats, and its node does not answer on layer 2 either.
    Quiet,
    /// Another member noticed, and it did not prove the contrary to us.
    Reported,
    /// It had said before how it would go.
    Left(Phase),
}
