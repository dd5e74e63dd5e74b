//! What the clients noticed of one step of a scenario.

use herald_lab::probe::stream::Fates;
use serde::{Deserialize, Serialize};

/// What the clients noticed, as numbers. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The step's name.
    pub step: String,
    /// Who owned the address before it.
    pub before: String,
    /// Who owned it afterwards.
    pub after: String,
    /// Whom a client that knew the address all the time sends to afterwards; empty when it does not know any more.
    pub user_at: String,
    /// The longest time in which no connection attempt succeeded.
    pub silence: f64,
    /// How long they watched.
    pub watched: f64,
    /// Connection attempts, one every 2 ms.
    pub sent: usize,
    /// Those that had no answer.
    pub lost: usize,
    /// The longest time in which nobody answered who has the address.
    pub unanswered: f64,
    /// The longest wait of a client that had to resolve the address first.
    pub new_client: f64,
    /// From the first question that two nodes answered to the last one.
    pub two_owners: f64,
    /// How often the node that answers changed.
    pub flips: usize,
    /// Lasting connections that went on.
    pub survived: usize,
    /// Lasting connections that were reset.
    pub reset: usize,
    /// Lasting connections without an answer.
    pub stalled: usize,
}

impl Row {
    /// Whether another node owns the address now.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.before != self.after
    }

    /// How many times slower than it should be the machine was: the attempts that should have been made for each
    /// that was. A machine that is busy with something else holds up the probes as it holds up the speakers.
    #[must_use]
    pub fn slowness(&self) -> f64 {
        let sent = f64::from(u32::try_from(self.sent.max(1)).unwrap_or(u32::MAX));
        (self.watched / 2.0 / sent).max(1.0)
    }

    /// Whether a client that knew the address all the time still sends to somebody who is not the owner.
    #[must_use]
    pub fn stale(&self) -> bool {
        !self.user_at.is_empty() && self.user_at != self.after
    }

    /// With what became of the lasting connections.
    #[must_use]
    pub(super) fn with_fates(self, fates: Fates) -> Self {
        let Fates { survived, reset, stalled } = fates;
        Self { survived, reset, stalled, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_holds_up_its_probes_is_slow() {
        let row = Row {
            step: "steady".to_owned(),
            before: "node1".to_owned(),
            after: "node1".to_owned(),
            user_at: String::new(),
            silence: 0.0,
            watched: 3000.0,
            sent: 1500,
            lost: 0,
            unanswered: 0.0,
            new_client: 0.0,
            two_owners: 0.0,
            flips: 0,
            survived: 64,
            reset: 0,
            stalled: 0,
        };
        assert_eq!(row.slowness(), 1.0);
        assert_eq!(Row { sent: 500, ..row.clone() }.slowness(), 3.0);
        assert_eq!(Row { sent: 1600, ..row.clone() }.slowness(), 1.0);
        assert!(!row.stale(), "a client that knows nothing is not stale");
        assert!(Row { user_at: "node2".to_owned(), ..row }.stale());
    }
}
