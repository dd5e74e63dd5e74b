//! The wish to end: SIGTERM or SIGINT, seen by every task that holds a [`Shutdown`].

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Says when the program should end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    requested: watch::Receiver<bool>,
}

/// Asks for the end from inside the program; dropping it asks, too.
#[derive(Debug)]
pub struct Trigger {
    request: watch::Sender<bool>,
}

impl Trigger {
    /// Asks every holder of the [`Shutdown`] to end.
    pub fn request(&self) {
        self.request.send_replace(true);
    }
}

impl Shutdown {
    /// A pair for tests and for parts with a life of their own.
    #[must_use]
    pub fn pair() -> (Trigger, Self) {
        let (request, requested) = watch::channel(false);
        (Trigger { request }, Self { requested })
    }

    /// Listens for SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// When the kernel refuses a signal handler.
    pub fn on_signals() -> std::io::Result<Self> {
        let (trigger, shutdown) = Self::pair();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(signal = name, "ending");
            trigger.request();
        });
        Ok(shutdown)
    }

    /// Returns once the end was asked for; at once if it was before.
    pub async fn requested(&mut self) {
        // An error means that the trigger is gone, which asks as well.
        let _ = self.requested.wait_for(|requested| *requested).await;
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.requested.borrow() || self.requested.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_trigger_asks_for_the_end() {
        let (trigger, mut shutdown) = Shutdown::pair();
        assert!(!shutdown.is_requested());
        drop(trigger);
        shutdown.requested().await;
        assert!(shutdown.is_requested());
    }

    #[tokio::test]
    async fn every_clone_sees_it() {
        let (trigger, shutdown) = Shutdown::pair();
        let mut clones = [shutdown.clone(), shutdown.clone()];
        trigger.request();
        for clone in &mut clones {
            clone.requested().await;
        }
        assert!(shutdown.is_requested());
    }
}
