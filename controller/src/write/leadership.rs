//! The gate in front of every write.
//!
//! All replicas watch and know; only the leader writes. The elector, once there is one, turns this
//! gate; until then a single controller runs and its gate is open.

use tokio::sync::watch;

/// Whether this controller may write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leadership {
    holds: watch::Receiver<bool>,
}

impl Leadership {
    /// The gate of a controller that runs alone: always open.
    #[must_use]
    pub fn alone() -> Self {
        Self { holds: watch::Sender::new(true).subscribe() }
    }

    /// A gate that somebody else turns.
    #[must_use]
    pub fn followed(holds: watch::Receiver<bool>) -> Self {
        Self { holds }
    }

    /// Whether it is open now. It stays as it was if whoever turned it is gone.
    #[must_use]
    pub fn holds(&self) -> bool {
        *self.holds.borrow()
    }

    /// Returns when the gate was turned; never for a controller that runs alone.
    pub async fn turned(&mut self) {
        if self.holds.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
