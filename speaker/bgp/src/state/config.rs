//! What a session is to be like.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::value::{Asn, Family, HoldTime, RouterId};

/// What a session is to be like. A change of any of it is a new session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// AS number of this end (`myASN`): who has the same is internal.
    pub local_asn: Asn,
    /// AS number shown to this peer in place of [`local_asn`](Self::local_asn) (`localASN`: no-prepend replace-as).
    pub shown_asn: Option<Asn>,
    /// AS number that the peer must have.
    pub remote: RemoteAs,
    /// Own BGP identifier.
    pub router_id: RouterId,
    /// Hold time proposed.
    pub hold_time: HoldTime,
    /// Interval of KEEPALIVEs, at most a third of the hold time agreed on; `None`: that third.
    pub keepalive: Option<Duration>,
    /// Pause between attempts to connect.
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
    /// Host name told to the peer (capability 73), up to 255 octets.
    pub host_name: Option<String>,
    /// Scatters timers (RFC 4271 §10: jitter), so that a cluster does not knock at a router in step.
    pub seed: u64,
}

/// AS number that a peer must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteAs {
    /// This one.
    Exactly(Asn),
    /// The same as ours (`dynamicASN: internal`).
    Internal,
    /// Any other than ours (`dynamicASN: external`).
    External,
}

/// What a restart of ours is like (RFC 4724).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulRestartConfig {
    /// How long the peer is to wait for us, up to 4095 s.
    pub restart_time: Duration,
    /// This speaker has just restarted and forwarding went on: the first OPEN says R=1, F=1.
    pub restarted: bool,
}

/// A configuration that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No family.
    #[error("a session needs at least one address family")]
    NoFamily,
}
