//! What a session is to be like.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::value::{Asn, Family, HoldTime, RouterId};

/// What a session is to be like. A change of any of it is a new session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// AS number of this end (`myASN`).
    pub local_asn: Asn,
    /// AS number shown to this peer in place of [`local_asn`](Self::local_asn) (`localASN`: no-prepend replace-as). The
    /// peer knows no other: who has the same is internal (`docs/decisions/0084`).
    pub shown_asn: Option<Asn>,
    /// AS number that the peer must have.
    pub remote: RemoteAs,
    /// Own BGP identifier.
    pub router_id: RouterId,
    /// Hold time proposed.
    pub hold_time: HoldTime,
    /// Interval of KEEPALIVEs, at most a third of the hold time agreed on; `None`: that third.
    pub keepalive: Option<Duration>,
    /// Longest pause between attempts to connect; they come at once, after 1, 2, 4, … s, and so on up to this.
    pub connect_retry: Duration,
    /// Families offered; not empty.
    pub families: BTreeSet<Family>,
    /// Offer that IPv4 routes may have IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    /// Ask the peer to keep our routes while we restart.
    pub graceful_restart: Option<GracefulRestartConfig>,
    /// Connections are only accepted, never made.
    pub passive: bool,
    /// How long an accepted connection waits for the peer's OPEN before ours is sent (DelayOpen); `None`: not at all.
    pub delay_open: Option<Duration>,
    /// Host name told to the peer (capability 73), of which 64 octets are, as FRR does.
    pub host_name: Option<String>,
    /// Scatters timers (RFC 4271 §10: jitter), so that a cluster does not knock at a router in step.
    pub seed: u64,
}

impl PeerConfig {
    /// The AS number that the peer knows us by.
    #[must_use]
    pub fn effective_asn(&self) -> Asn {
        self.shown_asn.unwrap_or(self.local_asn)
    }
}

/// AS number that a peer must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteAs {
    /// This one.
    Exactly(Asn),
    /// The same as the one that we show (`dynamicASN: internal`).
    Internal,
    /// Any other than the one that we show (`dynamicASN: external`).
    External,
}

/// What a restart of ours is like (RFC 4724).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulRestartConfig {
    /// How long the peer is to wait for us, told in whole seconds up to 4095.
    pub restart_time: Duration,
    /// This speaker has just restarted and forwarding went on: R=1 and F=1 until the first session is established.
    /// The same is true of a session that takes the place of another with the same peer, as after a change of it.
    pub restarted: bool,
}

/// A configuration that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No family.
    #[error("a session needs at least one address family")]
    NoFamily,
}
