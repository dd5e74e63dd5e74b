//! What a watch needs of its surroundings: machines, and an address that moves among them.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use herald_lab::probe::NeighborProbe;
use herald_lab::scene;
use herald_lab::topology::{Machine, Topology};

use crate::{CALM, PATIENCE};

/// Machines, three clients among them, and an address that one of the nodes owns.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The machines.
    pub topology: &'a Topology,
    /// The address.
    pub address: IpAddr,
}

impl<'a> Ground<'a> {
    /// How many clients there must be.
    pub const CLIENTS: u8 = 3;

    /// The client that keeps its connections.
    ///
    /// # Errors
    /// When there are too few clients.
    pub fn user(&self) -> Result<&'a Machine> {
        self.client(0)
    }

    /// The client that asks past its kernel.
    ///
    /// # Errors
    /// When there are too few clients.
    pub fn asker(&self) -> Result<&'a Machine> {
        self.client(1)
    }

    /// The client that is new all the time; its kernel must not hear the asker's answers.
    ///
    /// # Errors
    /// When there are too few clients.
    pub fn newcomer(&self) -> Result<&'a Machine> {
        self.client(2)
    }

    /// The node that has owned the address for a while.
    ///
    /// # Errors
    /// When the address does not come to rest.
    pub async fn owner(&self) -> Result<String> {
        let probe = NeighborProbe::start(self.asker()?, self.address)?;
        scene::settled(self.topology, &probe, CALM, PATIENCE).await
    }

    fn client(&self, index: usize) -> Result<&'a Machine> {
        self.topology.clients().get(index).with_context(|| format!("there is no client {index}"))
    }
}
