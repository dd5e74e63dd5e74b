//! What the demo measured, and whether it is within budget.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

/// What a program may take in memory, in MiB. 20 is promised; a build for debugging has more code.
const MEMORY_MIB: f64 = if cfg!(debug_assertions) { 25.0 } else { 20.0 };

/// The report as it is written to `report.json`. Times are in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The address the Service was given.
    pub external_ip: Ipv4Addr,
    /// From the create request to the address being in the status.
    pub allocated_ms: f64,
    /// From there to the first ARP answer a client got.
    pub first_arp_answer_ms: f64,
    /// Whether a client got a page from a pod behind the address.
    pub http_ok: bool,
    /// The node that answered for the address before the faults.
    pub owner_before: String,
    /// The node that answered for it after its owner was cut off.
    pub owner_after: String,
    /// The longest a new client got no ARP answer after the owner's speaker
    /// was killed.
    pub speaker_kill_gap_ms: f64,
    /// The longest nobody could connect after the owner was cut off.
    pub node_loss_gap_ms: f64,
    /// Connection attempts lost in that time.
    pub node_loss_probes_lost: usize,
    /// Connection attempts made while the node was lost, before and after.
    pub probes_sent: usize,
    /// From a routed Service's address in the status to its routes in the router's table.
    pub route_learned_ms: f64,
    /// Connection attempts lost while a node withdrew its route.
    pub route_withdrawn_lost: usize,
    /// Resident memory of each program, in MiB.
    pub memory_mib: BTreeMap<String, f64>,
    /// What was promised, and whether it was kept.
    pub budgets: Vec<Budget>,
}

/// A promise about one number.
#[derive(Clone, Debug, Serialize)]
pub struct Budget {
    /// What was measured.
    pub what: String,
    /// What it came to.
    pub measured: f64,
    /// What it may be at most.
    pub at_most: f64,
    /// Of what: `ms` or `MiB`.
    pub unit: &'static str,
    /// Whether it is within.
    pub pass: bool,
}

impl Report {
    /// Holds the numbers against their budgets.
    pub fn judge(&mut self) {
        let mut budgets = vec![
            Budget::new("address in the status", self.allocated_ms, 100.0, "ms"),
            Budget::new("first ARP answer", self.first_arp_answer_ms, 100.0, "ms"),
            Budget::new("speaker killed, new client", self.speaker_kill_gap_ms, 1000.0, "ms"),
            Budget::new("node lost, connections", self.node_loss_gap_ms, 1000.0, "ms"),
            Budget::new("routes in the router", self.route_learned_ms, 500.0, "ms"),
        ];
        for (program, mib) in &self.memory_mib {
            budgets.push(Budget::new(&format!("memory of {program}"), *mib, MEMORY_MIB, "MiB"));
        }
        self.budgets = budgets;
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }
}

impl Budget {
    fn new(what: &str, measured: f64, at_most: f64, unit: &'static str) -> Self {
        Self { what: what.to_owned(), measured, at_most, unit, pass: measured <= at_most }
    }
}
