//! The gate in front of every write.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use herald_runtime::clock::{Monotonic, wall_clock};
use tokio::sync::watch;

/// Which time of leading this is: no two terms in a cluster have the same.
///
/// It is the resourceVersion with which the Lease was taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// The epoch with this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Its text, as it stands on Services.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time of leading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Which one.
    pub epoch: Epoch,
    /// When it ends unless it is renewed, on the clock of the [`Leadership`].
    pub until: Duration,
}

/// Whether this controller may write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leadership {
    term: watch::Receiver<Option<Term>>,
    clock: Monotonic,
}

impl Leadership {
    /// A gate that opens for the terms that come through `term`; they end on `clock`.
    #[must_use]
    pub fn followed(term: watch::Receiver<Option<Term>>, clock: Monotonic) -> Self {
        Self { term, clock }
    }

    /// The gate of a controller that runs alone: one term without end.
    #[must_use]
    pub fn alone() -> Self {
        // Unlike any before it, as every epoch.
        let epoch = Epoch::new(format!("alone-{}", wall_clock().as_nanosecond()));
        let term = Term { epoch, until: Duration::MAX };
        Self { term: watch::Sender::new(Some(term)).subscribe(), clock: Monotonic::start() }
    }

    /// The term under way; `None` while another leads, or nobody does.
    #[must_use]
    pub fn term(&self) -> Option<Term> {
        self.term.borrow().clone().filter(|term| self.clock.now() < term.until)
    }

    /// Whether the term `epoch` is still under way. To be asked right before each request: a process may have been
    /// stopped for a minute between two lines of code.
    #[must_use]
    pub fn permits(&self, epoch: &Epoch) -> bool {
        self.term.borrow().as_ref().is_some_and(|term| term.epoch == *epoch && self.clock.now() < term.until)
    }

    /// Returns when a term began, was prolonged or ended; never for a controller that runs alone. A term that just
    /// runs out says nothing.
    pub async fn turned(&mut self) {
        if self.term.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_gate_closes_by_itself() {
        let (turn, term) = watch::channel(None);
        let clock = Monotonic::start();
        let gate = Leadership::followed(term, clock);
        assert_eq!(gate.term(), None);
        let [one, other] = ["7", "8"].map(Epoch::new);
        turn.send_replace(Some(Term { epoch: one.clone(), until: Duration::from_secs(10) }));
        assert!(gate.permits(&one) && !gate.permits(&other));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!gate.permits(&one), "nobody prolonged it");
        assert_eq!(gate.term(), None);
        drop(turn);
        assert!(!gate.permits(&one));
    }
}
