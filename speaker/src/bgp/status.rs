//! What a session says of itself.

use std::collections::BTreeSet;
use std::net::IpAddr;

use herald_bgp::Family;
use herald_bgp::state::{Counters, Negotiated, State};

/// How a session is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// In the words of RFC 4271.
    pub state: State,
    /// Since when it is established.
    pub established_at: Option<jiff::Timestamp>,
    /// What was agreed on, while it is established.
    pub negotiated: Option<Negotiated>,
    /// Own address, while it is established.
    pub local: Option<IpAddr>,
    /// Families that were agreed on and are not announced, since there is no next hop for them.
    pub without_next_hop: BTreeSet<Family>,
    /// Prefixes that the peer has been sent, IPv4 and IPv6.
    pub sent: [usize; 2],
    /// Prefixes that it is to have, of all families, also of those that the session does not carry.
    pub desired: usize,
    /// It has been sent all that the session carries.
    pub settled: bool,
    /// Why prefixes can't be sent, and an example.
    pub unsendable: Option<String>,
    /// Prefixes that it announces to us; `None`: more than are counted.
    pub received: Option<usize>,
    /// Why the last session or attempt ended.
    pub last_error: Option<String>,
    /// UPDATEs sent since the speaker started.
    pub updates_sent: u64,
    /// What else has happened since.
    pub counters: Counters,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: State::Idle,
            established_at: None,
            negotiated: None,
            local: None,
            without_next_hop: BTreeSet::new(),
            sent: [0; 2],
            desired: 0,
            settled: true,
            unsendable: None,
            received: Some(0),
            last_error: None,
            updates_sent: 0,
            counters: Counters::default(),
        }
    }
}
