//! The machines of the lab and the wires between them.
//!
//! ```text
//!  hl-<id>-cp        hl-<id>-node1        hl-<id>-node2      hl-<id>-client1
//!  control plane     192.168.1.11         192.168.1.12       192.168.1.101
//!      eth0            eth0  pod1          eth0  pod1            eth0
//!       │               │     │             │     │                │
//!       │               │   hl-…-pod        │   hl-…-pod           │
//!       └──────┬────────┴────────┬──────────┴─────────┬────────────┘
//!              cp              node1                node2 …  client1
//!                    hl-<id>-switch: bridge br0, no address
//! ```
//!
//! Every box is a network namespace; nothing has a route out, and nothing
//! touches the host's own network. [`Topology`] makes all of it and takes it
//! away when it is dropped; [`leftovers`] takes away what a killed run left.

pub mod address;
mod batch;
pub mod leftovers;
mod pods;
mod routers;
pub mod switch;

use anyhow::{Context as _, Result, bail};

pub use address::{Mac, Station};
pub use pods::PodNetwork;
pub use switch::Switch;

use crate::lock::Lock;
use crate::namespace::Namespace;
use crate::tool;

/// How many machines a lab has.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes, 0 to 80.
    pub nodes: u8,
    /// Clients, 0 to 80.
    pub clients: u8,
}

/// A machine on the LAN.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name, which is also that of its port on the switch.
    pub name: String,
    /// Its address on the LAN.
    pub station: Station,
    /// Its network.
    pub namespace: Namespace,
}

/// A lab's network: namespaces, bridge and addresses, gone when dropped.
#[derive(Debug)]
pub struct Topology {
    id: String,
    switch: Switch,
    control_plane: Machine,
    nodes: Vec<Machine>,
    clients: Vec<Machine>,
    _lock: Lock,
}

impl Topology {
    /// Makes the network of a new lab, after removing what killed runs left.
    ///
    /// # Errors
    /// Without root, without `ip` and `nft`, or when the kernel refuses; what
    /// was made until then is removed again.
    pub fn create(size: Size) -> Result<Self> {
        require_root()?;
        leftovers::sweep().context("remove what an earlier run left")?;
        let (id, lock) = new_id()?;
        let made = Self::build(&id, size, lock);
        if made.is_err() {
            remove(&id).context("remove the half-made lab")?;
        }
        made
    }

    fn build(id: &str, size: Size, lock: Lock) -> Result<Self> {
        let plan = batch::Plan::new(id, size);
        tool::ip_batch(None, &plan.namespaces())?;
        let switch_name = batch::namespace_name(id, "switch");
        let switch = Namespace::enter(&switch_name)?;
        switch.run(|| batch::set_sysctls(batch::SWITCH_SYSCTLS))??;
        tool::ip_batch(None, &plan.wires())?;
        tool::ip_batch(Some(&switch_name), &plan.switch())?;
        let switch = Switch::new(switch)?;
        let mut machines = Vec::new();
        for (name, station) in plan.machines() {
            let namespace_name = batch::namespace_name(id, name);
            let namespace = Namespace::enter(&namespace_name)?;
            namespace.run(|| batch::set_sysctls(batch::MACHINE_SYSCTLS))??;
            tool::ip_batch(Some(&namespace_name), &plan.machine(*station))?;
            machines.push(Machine { name: name.clone(), station: *station, namespace });
        }
        let mut machines = machines.into_iter();
        let control_plane = machines.next().context("a plan has a control plane")?;
        let nodes: Vec<_> = machines.by_ref().take(usize::from(size.nodes)).collect();
        for (number, node) in (1..).zip(&nodes) {
            tool::ip_batch(Some(node.namespace.name()), &plan.pod_routes(number))?;
        }
        let clients = machines.collect();
        Ok(Self { id: id.to_owned(), switch, control_plane, nodes, clients, _lock: lock })
    }

    /// The lab's short name, part of each of its namespaces' names.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The switch, which can lose frames on purpose.
    #[must_use]
    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    /// The machine of the control plane.
    #[must_use]
    pub fn control_plane(&self) -> &Machine {
        &self.control_plane
    }

    /// The nodes, in order.
    #[must_use]
    pub fn nodes(&self) -> &[Machine] {
        &self.nodes
    }

    /// The clients, in order.
    #[must_use]
    pub fn clients(&self) -> &[Machine] {
        &self.clients
    }

    /// The node with this name.
    ///
    /// # Errors
    /// When the lab has no such node.
    pub fn node(&self, name: &str) -> Result<&Machine> {
        self.nodes.iter().find(|node| node.name == name).with_context(|| format!("the lab has no node {name:?}"))
    }

    /// The node that has this MAC address.
    #[must_use]
    pub fn node_by_mac(&self, mac: Mac) -> Option<&Machine> {
        self.nodes.iter().find(|node| node.station.mac() == mac)
    }

    /// Adds a router to the LAN, with a user on a network behind it, and returns both. `number` counts from 1 to 9. They
    /// go with the lab.
    ///
    /// # Errors
    /// When there is such a router already, or the kernel refuses.
    pub fn add_router(&self, number: u8) -> Result<[Machine; 2]> {
        routers::add(self, number)
    }

    /// The part of the lab that pods are added to.
    #[must_use]
    pub fn pod_network(&self) -> PodNetwork {
        let namespaces = self.nodes.iter().map(|node| node.namespace.name().to_owned()).collect();
        let names = self.nodes.iter().map(|node| node.name.clone()).collect();
        PodNetwork::new(self.id.clone(), names, namespaces)
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.id) {
            tracing::error!(lab = %self.id, "lab not fully removed, the next run will: {error:#}");
        }
    }
}

/// Fails with a clear sentence when the caller is not root.
///
/// # Errors
/// When the effective user is not root.
pub fn require_root() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("the lab makes network namespaces, so it needs root: run it with sudo or as root");
    }
    Ok(())
}

fn remove(id: &str) -> Result<()> {
    leftovers::remove(&leftovers::namespaces_of(id)?)
}

/// Picks an id that no living lab has.
fn new_id() -> Result<(String, Lock)> {
    let mut seed = std::process::id();
    for _ in 0..1000 {
        let id = format!("{:04x}", seed & 0xffff);
        if let Some(lock) = Lock::lab(&id)? {
            return Ok((id, lock));
        }
        seed = seed.wrapping_mul(31).wrapping_add(17);
    }
    bail!("no free lab id among a thousand; are that many labs running?")
}
