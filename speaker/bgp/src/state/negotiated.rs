//! What both ends have agreed on.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::value::{Asn, Family, HoldTime, RouterId};

/// What both ends have agreed on: how routes are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The peer's AS number.
    pub peer_asn: Asn,
    /// The AS number that the peer knows us by, first in the path it sees.
    pub shown_asn: Asn,
    /// The peer is in another AS.
    pub external: bool,
    /// The peer's BGP identifier.
    pub peer_router_id: RouterId,
    /// The smaller of both proposals.
    pub hold_time: HoldTime,
    /// Interval of our KEEPALIVEs; `None` without hold time.
    pub keepalive: Option<Duration>,
    /// Families that both speak.
    pub families: BTreeSet<Family>,
    /// The peer knows AS numbers of four octets.
    pub four_octet_asn: bool,
    /// The peer takes IPv6 next hops for IPv4 routes (RFC 8950).
    pub extended_next_hop: bool,
    /// Both take messages up to 65535 octets (RFC 8654).
    pub extended_message: bool,
    /// Both know BoRR and EoRR (RFC 7313).
    pub enhanced_refresh: bool,
    /// Set if the peer keeps our routes while we restart, of all families agreed on.
    pub graceful_restart: Option<PeerRestart>,
    /// The host name that the peer told.
    pub host_name: Option<String>,
}

/// What the peer's graceful restart capability says, if both ends have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerRestart {
    /// Families that it keeps forwarding for while it restarts itself; none of a peer that only helps others.
    pub families: BTreeSet<Family>,
    /// A NOTIFICATION other than a hard reset keeps our routes as well (RFC 8538).
    pub notification: bool,
    /// It has restarted itself.
    pub restarting: bool,
}
