//! The switch, and the ways it can fail.
//!
//! A *silent* loss keeps every link up while no frame passes, which is how
//! most real failures look (a hung kernel, a dead switch port, a pulled
//! uplink). It is done in the bridge's forward hook, so that the lost frames
//! are still seen coming in on the sender's own port.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::namespace::Namespace;
use crate::tool;

/// The nftables sets that the faults are elements of. `cut` drops all frames
/// from and to a port, `apart` those of an ordered pair of ports, `mute`
/// membership datagrams only.
const RULES: &str = "\
table bridge faults {
  set cut { type ifname; }
  set apart { type ifname . ifname; }
  set mute { type ifname; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname @cut counter drop
    oifname @cut counter drop
    iifname . oifname @apart counter drop
    iifname @mute ether type ip udp dport 7946 counter drop
    oifname @mute ether type ip udp dport 7946 counter drop
    iifname @mute ether type ip6 udp dport 7946 counter drop
    oifname @mute ether type ip6 udp dport 7946 counter drop
  }
}
";

/// The lab's switch: a Linux bridge whose ports are named after the machines.
#[derive(Clone, Debug)]
pub struct Switch {
    namespace: Namespace,
    cut: Arc<Mutex<BTreeSet<String>>>,
}

impl Switch {
    pub(super) fn new(namespace: Namespace) -> Result<Self> {
        tool::nft(&namespace, RULES)?;
        Ok(Self { namespace, cut: Arc::default() })
    }

    /// The switch's own network, for captures.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Loses every frame from and to a machine; its carrier stays.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn cut(&self, machine: &str) -> Result<()> {
        self.element("add", "cut", &quoted(machine))?;
        self.recorded().insert(machine.to_owned());
        Ok(())
    }

    /// The machines that are cut off now.
    #[must_use]
    pub fn cut_off(&self) -> BTreeSet<String> {
        self.recorded().clone()
    }

    /// Ends [`Switch::cut`].
    ///
    /// # Errors
    /// When the machine was not cut off.
    pub fn heal(&self, machine: &str) -> Result<()> {
        self.element("delete", "cut", &quoted(machine))?;
        self.recorded().remove(machine);
        Ok(())
    }

    /// Loses every frame between two groups of machines, both ways.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn part(&self, one: &[&str], other: &[&str]) -> Result<()> {
        self.element("add", "apart", &pairs(one, other))
    }

    /// Ends [`Switch::part`] for the same two groups.
    ///
    /// # Errors
    /// When the groups were not parted.
    pub fn join(&self, one: &[&str], other: &[&str]) -> Result<()> {
        self.element("delete", "apart", &pairs(one, other))
    }

    /// Loses the machine's membership datagrams (UDP 7946) and nothing else.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn mute_membership(&self, machine: &str) -> Result<()> {
        self.element("add", "mute", &quoted(machine))
    }

    /// Ends [`Switch::mute_membership`].
    ///
    /// # Errors
    /// When the machine was not muted.
    pub fn unmute_membership(&self, machine: &str) -> Result<()> {
        self.element("delete", "mute", &quoted(machine))
    }

    /// Takes the machine's carrier away, or gives it back.
    ///
    /// # Errors
    /// When the switch has no such port.
    pub fn set_carrier(&self, machine: &str, on: bool) -> Result<()> {
        let state = if on { "up" } else { "down" };
        tool::ip_batch(Some(self.namespace.name()), &[format!("link set {machine} {state}")])
    }

    fn recorded(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn element(&self, verb: &str, set: &str, elements: &str) -> Result<()> {
        tool::nft(&self.namespace, &format!("{verb} element bridge faults {set} {{ {elements} }}\n"))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn pairs(one: &[&str], other: &[&str]) -> String {
    let both_ways = one
        .iter()
        .flat_map(|a| other.iter().flat_map(move |b| [(a, b), (b, a)]))
        .map(|(from, to)| format!("\"{from}\" . \"{to}\""));
    both_ways.collect::<Vec<_>>().join(", ")
}
