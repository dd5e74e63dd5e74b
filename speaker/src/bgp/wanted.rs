//! Which sessions this node is to have: what BGPPeers, the same on every node, mean on this one.
//!
//! ```text
//!   BgpPeer (compiled) ──┐
//!   Here: this node ─────┼──► wanted() ──► sessions: name → Peer        (for Peers::follow)
//!   Found: Secrets,      │             ├─► without:  name → NoSession   (why there is none here, in words)
//!          routers ──────┘             └─► doubts:   name → words       (there is one, but)
//! ```
//!
//! Pure. A peer that cannot be spoken with costs nobody else anything. What shows only when connecting (a VRF or a source
//! address that does not exist) is told by the session's status.

mod no_session;
mod router_id;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use herald_bgp::state::{GracefulRestartConfig, PeerConfig, RemoteAs};
use herald_bgp::{Asn, Family, HoldTime, RouterId};
use herald_compiler::config::{self, Authentication, BgpPeer, Endpoint};

use super::{NodeAddresses, Peer, Secret, Secrets, Transport};
use crate::watch::node::NodeSeen;

pub use no_session::NoSession;

/// Longest pause between attempts to connect where the user gives none. A router that comes back is not to wait for long,
/// and a SYN every ten seconds costs nobody anything.
const CONNECT_RETRY: Duration = Duration::from_secs(10);

/// How long a router is asked to keep our routes while the speaker restarts.
const RESTART_TIME: Duration = Duration::from_secs(30);

/// How long a peer may leave data unacknowledged, at least: the time that RFC 9687 §4 gives one that takes nothing.
const SHORTEST_USER_TIMEOUT: Duration = Duration::from_secs(8 * 60);

/// What this node is like.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// Its Node object.
    pub node: &'a NodeSeen,
    /// The speaker has started anew on a node that went on running. It is to stay the same as long as the process lives.
    pub restarted: bool,
}

/// What was found out here.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Passwords.
    pub secrets: &'a Secrets,
    /// The routers on the links of unnumbered peers, by name of the interface.
    pub routers: &'a BTreeMap<String, LinkRouter>,
}

/// A router that was seen on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRouter {
    /// Its link-local address.
    pub address: Ipv6Addr,
    /// Index of the interface.
    pub interface: u32,
}

/// The sessions that this node is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those that can be had, by name of their BGPPeer.
    pub sessions: BTreeMap<String, Peer>,
    /// Those that can't be had here, and why.
    pub without: BTreeMap<String, NoSession>,
    /// What is wrong with some that can be had.
    pub doubts: BTreeMap<String, String>,
}

/// Names of the Secrets that this node needs.
#[must_use]
pub fn secrets(peers: &[BgpPeer], node: &NodeSeen) -> BTreeSet<String> {
    let names = selected(peers, node).filter_map(|peer| match &peer.authentication {
        Some(Authentication::Secret(name)) => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// Names of the interfaces at whose other end this node needs to know the router.
#[must_use]
pub fn interfaces(peers: &[BgpPeer], node: &NodeSeen) -> BTreeSet<String> {
    let names = selected(peers, node).filter_map(|peer| match &peer.endpoint {
        Endpoint::Interface(name) => Some(name.clone()),
        Endpoint::Address(_) => None,
    });
    names.collect()
}

/// The sessions that this node is to have with these peers. Of several with one router the first by name has it.
#[must_use]
pub fn wanted(peers: &[BgpPeer], here: Here<'_>, found: Found<'_>) -> Wanted {
    let mut wanted = Wanted::default();
    let mut taken = BTreeMap::new();
    let mut selected: Vec<_> = selected(peers, here.node).collect();
    selected.sort_by(|a, b| a.name.cmp(&b.name));
    for peer in selected {
        match session(peer, here, found) {
            Ok((session, doubt)) => {
                let Transport { remote, source, device, .. } = &session.transport;
                if let Some(by) = taken.get(&(*remote, *source, device.clone())) {
                    let by: &String = by;
                    wanted.without.insert(peer.name.clone(), NoSession::Taken { by: by.clone() });
                    continue;
                }
                taken.insert((*remote, *source, device.clone()), peer.name.clone());
                wanted.doubts.extend(doubt.map(|doubt| (peer.name.clone(), doubt)));
                wanted.sessions.insert(peer.name.clone(), session);
            }
            Err(why) => drop(wanted.without.insert(peer.name.clone(), why)),
        }
    }
    wanted
}

fn selected<'a>(peers: &'a [BgpPeer], node: &NodeSeen) -> impl Iterator<Item = &'a BgpPeer> {
    peers.iter().filter(|peer| peer.selects_node(&node.labels))
}

/// The session with one peer, and what is doubtful about it.
fn session(peer: &BgpPeer, here: Here<'_>, found: Found<'_>) -> Result<(Peer, Option<String>), NoSession> {
    let node = here.node;
    let remote = remote(peer, here, found)?;
    let (key, doubt) = key(peer, found.secrets)?;
    let hold_time = u16::try_from(peer.hold_time.as_secs()).ok().and_then(|time| HoldTime::from_seconds(time).ok());
    let hold_time = hold_time.ok_or_else(|| NoSession::impossible("holdTime", peer.hold_time.as_secs()))?;
    let families: BTreeSet<Family> = peer.families().iter().map(|family| own(*family)).collect();
    let config = PeerConfig {
        local_asn: asn("myASN", peer.my_asn)?,
        shown_asn: peer.local_asn.map(|number| asn("localASN", number)).transpose()?,
        remote: match peer.remote {
            config::RemoteAs::Exactly(number) => RemoteAs::Exactly(asn("peerASN", number)?),
            config::RemoteAs::Internal => RemoteAs::Internal,
            config::RemoteAs::External => RemoteAs::External,
        },
        router_id: router_id(peer, node)?,
        hold_time,
        keepalive: (!peer.keepalive_time.is_zero()).then_some(peer.keepalive_time),
        connect_retry: peer.connect_time.unwrap_or(CONNECT_RETRY),
        // Over IPv4 it would be of no use.
        extended_next_hop: remote.is_ipv6() && families.contains(&Family::Ipv4),
        families,
        graceful_restart: peer
            .graceful_restart
            .then_some(GracefulRestartConfig { restart_time: RESTART_TIME, restarted: here.restarted }),
        passive: false,
        delay_open: None,
        host_name: Some(node.name.clone()),
        seed: seed(&node.name, &peer.name),
    };
    let transport = Transport {
        remote,
        source: peer.source_address,
        device: match &peer.endpoint {
            Endpoint::Address(_) => peer.vrf.clone(),
            Endpoint::Interface(name) => Some(name.clone()),
        },
        key,
        minimum_hop_count: peer.min_ttl(),
        user_timeout: Some(SHORTEST_USER_TIMEOUT.max(peer.hold_time * 2)),
    };
    Ok((Peer { name: peer.name.clone(), config, transport, addresses: addresses(node) }, doubt))
}

fn remote(peer: &BgpPeer, here: Here<'_>, found: Found<'_>) -> Result<SocketAddr, NoSession> {
    match &peer.endpoint {
        Endpoint::Address(address) if here.node.internal_ips.contains(address) => Err(NoSession::Own(*address)),
        Endpoint::Address(address) => Ok(SocketAddr::new(*address, peer.port)),
        Endpoint::Interface(name) => {
            if let Some(source) = peer.source_address.filter(IpAddr::is_ipv4) {
                return Err(NoSession::SourceOfOtherFamily(source));
            }
            let router = found.routers.get(name).ok_or_else(|| NoSession::NoRouter(name.clone()))?;
            Ok(SocketAddrV6::new(router.address, peer.port, 0, router.interface).into())
        }
    }
}

/// The password, and what is wrong with the Secret that once had it.
fn key(peer: &BgpPeer, secrets: &Secrets) -> Result<(Option<Vec<u8>>, Option<String>), NoSession> {
    let name = match &peer.authentication {
        None => return Ok((None, None)),
        Some(Authentication::Password(password)) => return Ok((Some(password.reveal().as_bytes().to_vec()), None)),
        Some(Authentication::Secret(name)) => name,
    };
    let key = |password: &herald_compiler::object::Password| Some(password.reveal().as_bytes().to_vec());
    match secrets.get(name) {
        None => Err(NoSession::SecretUnread(name.clone())),
        Some(Secret { password: Some(password), trouble: None }) => Ok((key(password), None)),
        Some(Secret { password: Some(password), trouble: Some(trouble) }) => {
            let doubt = format!("Secret {name} {trouble}; the session goes on with the password that it had before");
            Ok((key(password), Some(doubt)))
        }
        Some(Secret { password: None, trouble }) => {
            Err(NoSession::Secret { name: name.clone(), trouble: trouble.clone().unwrap_or_default() })
        }
    }
}

/// As written, else the Node's first IPv4 InternalIP, else one made of the node's name.
fn router_id(peer: &BgpPeer, node: &NodeSeen) -> Result<RouterId, NoSession> {
    let internal = node.internal_ips.iter().find_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    });
    let chosen = peer.router_id.or(internal).unwrap_or_else(|| router_id::of_name(&node.name));
    RouterId::new(chosen).ok_or(NoSession::NoRouterId)
}

/// Addresses of the Node that routers can send to.
fn addresses(node: &NodeSeen) -> NodeAddresses {
    let mut addresses = NodeAddresses::default();
    for address in &node.internal_ips {
        match address {
            IpAddr::V4(address) => addresses.ipv4 = addresses.ipv4.or(Some(*address)),
            IpAddr::V6(address) if address.is_unicast_link_local() => {}
            IpAddr::V6(address) => addresses.ipv6 = addresses.ipv6.or(Some(*address)),
        }
    }
    addresses
}

fn asn(field: &'static str, number: u32) -> Result<Asn, NoSession> {
    Asn::new(number).ok_or_else(|| NoSession::impossible(field, number.into()))
}

fn own(family: herald_compiler::Family) -> Family {
    match family {
        herald_compiler::Family::V4 => Family::Ipv4,
        herald_compiler::Family::V6 => Family::Ipv6,
    }
}

/// Another on every node and for every peer, and the same as long as the process lives.
fn seed(node: &str, peer: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (node, peer).hash(&mut hasher);
    hasher.finish()
}
