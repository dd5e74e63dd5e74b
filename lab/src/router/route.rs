//! What a router knows: routes and sessions, in no daemon's language.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use crate::prefix::{Family, Prefix};

/// A route as a router has it in its table: one for each neighbor that announced the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub prefix: Prefix,
    /// The neighbor that announced it; `None` for the router's own.
    pub from: Option<IpAddr>,
    /// The next hop that was announced; for IPv6 it may be followed by the link-local one.
    pub next_hops: Vec<IpAddr>,
    /// AS_PATH, its segments one after the other; the neighbor's AS is the first.
    pub as_path: Vec<u32>,
    /// ORIGIN.
    pub origin: Origin,
    /// MULTI_EXIT_DISC, if there is one.
    pub med: Option<u32>,
    /// LOCAL_PREF: announced, or the router's own default for external routes. `None` when the
    /// router does not say.
    pub local_pref: Option<u32>,
    /// Communities.
    pub communities: BTreeSet<(u16, u16)>,
    /// Large communities.
    pub large: BTreeSet<(u32, u32, u32)>,
    /// Extended communities, in lower case: `rt:64512:7`, `ro:64512:7`; others as the daemon writes them.
    pub extended: BTreeSet<String>,
    /// Whether it is the best for its prefix. FRR says so of all that are equally good, the others of one.
    pub best: bool,
    /// Whether it is kept for a neighbor that restarts. BIRD does not say; there it is `false`.
    pub stale: bool,
}

impl Route {
    /// A route about which nothing is known yet.
    pub(super) fn to(prefix: Prefix) -> Self {
        Self {
            prefix,
            from: None,
            next_hops: Vec::new(),
            as_path: Vec::new(),
            origin: Origin::Incomplete,
            med: None,
            local_pref: None,
            communities: BTreeSet::new(),
            large: BTreeSet::new(),
            extended: BTreeSet::new(),
            best: false,
            stale: false,
        }
    }
}

/// ORIGIN (RFC 4271 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// IGP.
    Igp,
    /// EGP.
    Egp,
    /// INCOMPLETE.
    Incomplete,
}

/// The state of a session (RFC 4271 §8.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is tried.
    Idle,
    /// A connection is being made.
    Connect,
    /// A connection is waited for.
    Active,
    /// The neighbor's OPEN is waited for.
    OpenSent,
    /// The neighbor's first KEEPALIVE is waited for.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

/// What a neighbor says it can do (RFC 5492).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Routes of a family (RFC 4760).
    Routes(Family),
    /// ROUTE-REFRESH (RFC 2918).
    RouteRefresh,
    /// Its beginning and end are marked (RFC 7313).
    EnhancedRouteRefresh,
    /// AS numbers of four octets (RFC 6793).
    FourOctetAsn,
    /// Graceful restart (RFC 4724).
    GracefulRestart,
    /// IPv6 next hops of IPv4 routes (RFC 8950).
    ExtendedNextHop,
    /// Messages of up to 65,535 octets (RFC 8654).
    ExtendedMessage,
}

/// A router's session with a neighbor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The neighbor.
    pub neighbor: IpAddr,
    /// Its AS number.
    pub asn: u32,
    /// Its BGP identifier, once it has told.
    pub router_id: Option<Ipv4Addr>,
    /// How far it is.
    pub state: State,
    /// When it was established, in the daemon's own words: while they stay the same, it is the same
    /// session. `None` while it is not established.
    pub since: Option<String>,
    /// The hold time both agreed on, in seconds; 0 without one, `None` while there is no session.
    pub hold_time: Option<u16>,
    /// What the neighbor says it can do; empty while there is no session.
    pub capabilities: BTreeSet<Capability>,
    /// How many prefixes of each family the neighbor announces.
    pub received: BTreeMap<Family, usize>,
    /// What went wrong last, in the daemon's own words, if it says.
    pub last_error: Option<String>,
}

impl Session {
    pub(super) fn with(neighbor: IpAddr, asn: u32) -> Self {
        Self {
            neighbor,
            asn,
            router_id: None,
            state: State::Idle,
            since: None,
            hold_time: None,
            capabilities: BTreeSet::new(),
            received: BTreeMap::new(),
            last_error: None,
        }
    }

    /// Whether routes are exchanged.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }
}
