//! Clients that must not notice anything, while an address moves again and again.
//!
//! A [`Watch`](super::Watch) tells one step apart from another, at several seconds each. A vigil goes on over all of
//! them, and its toll is one number for the whole.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use herald_lab::probe::{ConnectProbe, NeighborProbe};
use herald_lab::{clock, scene};

use super::ground::Ground;
use crate::PATIENCE;

/// How long one node must have answered alone to be the owner.
const REST: Duration = Duration::from_millis(150);

/// The longest that nobody may answer, or be reached, while an address moves as planned: far less than it takes to
/// notice a loss.
const UNNOTICED: Duration = Duration::from_millis(200);

/// Clients that ask and connect.
#[derive(Debug)]
pub struct Vigil {
    asker: NeighborProbe,
    connect: ConnectProbe,
    from: Instant,
}

impl Vigil {
    /// Waits until the address is at rest, and starts.
    ///
    /// # Errors
    /// When nobody answers for it.
    pub async fn start(ground: &Ground<'_>) -> Result<Self> {
        let asker = NeighborProbe::start(ground.asker()?, ground.address)?;
        scene::settled(ground.topology, &asker, REST, PATIENCE).await?;
        let connect = ConnectProbe::start(ground.user()?, ground.address, 80)?;
        let vigil = Self { asker, connect, from: clock::now() };
        vigil.served().await?;
        Ok(vigil)
    }

    /// Waits until the address is at rest, and says where.
    ///
    /// # Errors
    /// When it does not come to rest.
    pub async fn owner(&self, ground: &Ground<'_>) -> Result<String> {
        scene::settled(ground.topology, &self.asker, REST, PATIENCE).await
    }

    /// Waits until the address is at rest at another node than this one, and says where.
    ///
    /// # Errors
    /// When it does not leave.
    pub async fn leaves(&self, ground: &Ground<'_>, node: &str) -> Result<String> {
        self.rests(ground, &format!("the address leaves {node}"), |owner| owner != node).await
    }

    /// Waits until the address is at rest at this node.
    ///
    /// # Errors
    /// When it does not come there.
    pub async fn comes_to(&self, ground: &Ground<'_>, node: &str) -> Result<()> {
        self.rests(ground, &format!("the address comes to {node}"), |owner| owner == node).await.map(drop)
    }

    /// How often the address has moved since `from`.
    #[must_use]
    pub fn moves(&self, from: Instant) -> usize {
        self.asker.record().flips(from)
    }

    /// When a node other than this one first answered, since `from`.
    ///
    /// # Errors
    /// When none has.
    pub fn first_other(&self, ground: &Ground<'_>, node: &str, from: Instant) -> Result<Instant> {
        let mac = ground.topology.node(node)?.station.mac();
        Ok(self.asker.wait_for(from, PATIENCE, |answer| answer.mac != mac)?.at)
    }

    /// Ends it, and fails if anybody has noticed anything.
    ///
    /// # Errors
    /// With what was noticed.
    pub async fn unnoticed(self) -> Result<()> {
        let Self { asker, connect, from } = self;
        let to = clock::now();
        let asked = asker.stop()?;
        // Open attempts are decided first, which takes half a second if they are lost.
        let connect = tokio::task::spawn_blocking(move || connect.stop()).await??;
        let (sent, lost) = (connect.sent(from), connect.lost(from));
        let (unanswered, silence) = (asked.longest_silence(from, to), connect.longest_silence(from));
        ensure!(lost == 0, "{lost} of {sent} connections were lost");
        // A machine that is busy with something else holds up the probes as it holds up the speakers.
        let due = (to - from).as_secs_f64() * 500.0;
        let slowness = (due / f64::from(u32::try_from(sent.max(1))?)).max(1.0);
        let allowed = UNNOTICED.mul_f64(slowness);
        ensure!(unanswered <= allowed, "nobody answered for {unanswered:?}; {allowed:?} are allowed");
        ensure!(silence <= allowed, "nobody was reached for {silence:?}; {allowed:?} are allowed");
        Ok(())
    }

    async fn served(&self) -> Result<()> {
        let deadline = clock::now() + PATIENCE;
        while !self.connect.record().attempts.iter().any(|attempt| attempt.answered.is_some()) {
            if clock::now() >= deadline {
                bail!("nobody can connect");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn rests(&self, ground: &Ground<'_>, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let deadline = clock::now() + PATIENCE;
        loop {
            let owner = self.owner(ground).await?;
            if wanted(&owner) {
                return Ok(owner);
            }
            if clock::now() >= deadline {
                bail!("{what}: not within {PATIENCE:?}, it is at {owner}");
            }
        }
    }
}
