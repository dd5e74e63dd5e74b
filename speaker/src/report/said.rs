//! What a ServiceL2Status says.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ledger::{Actual, Saying};

/// How long nobody must have announced a Service before that is said: endpoints of a new Service come a moment after
/// its address.
const PATIENCE: Duration = Duration::from_secs(1);

/// Interfaces an address is answered on; empty means all.
pub type Interfaces = BTreeSet<String>;

/// What a ServiceL2Status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// This node announces the Service.
    Announced {
        /// Where.
        interfaces: Interfaces,
        /// Another machine says that it has one of the addresses: which, and what to do.
        conflict: Option<String>,
    },
    /// Nobody announces it.
    Unannounced {
        /// Why, in one word.
        reason: String,
        /// Why, in a sentence.
        message: String,
    },
}

impl Saying for Said {
    fn stands(&self, actual: &Self) -> bool {
        self == actual
    }

    fn patience(&self, _: Option<&Actual<Self>>) -> Duration {
        match self {
            Self::Announced { .. } => Duration::ZERO,
            Self::Unannounced { .. } => PATIENCE,
        }
    }
}
