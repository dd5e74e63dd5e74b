//! BGP peers: each checked alone, its BFD profile looked up.

mod timers;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::selection::{Missing, references};
use super::{Refusal, accepted, by_name, verdict};
use crate::address::Family;
use crate::config::{Authentication, BfdProfile, BgpPeer, Endpoint, RemoteAs};
use crate::object::{self, Password};
use crate::selector::Selector;
use crate::verdict::{Condition, ConditionType, Kind, Reason, Verdict};
use timers::Timers;

/// Longest key that the kernel takes for TCP MD5 (`TCP_MD5SIG_MAXKEYLEN`).
const PASSWORD_MAX: usize = 80;
/// A path has at most 255 hops, and our own end is not one.
const HOPS_MAX: u8 = 254;

/// Peers (without those left out) and verdicts (of all), both by name. `profiles` come by name.
pub(super) fn compile(written: &[object::BgpPeer], profiles: &[BfdProfile]) -> (Vec<BgpPeer>, Vec<Verdict>) {
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by(|a, b| by_name(&a.meta, &b.meta));
    let mut peers = Vec::with_capacity(written.len());
    let mut verdicts = Vec::with_capacity(written.len());
    for object in written {
        let conditions = match read(object) {
            Ok((mut peer, doubt)) => {
                let mut conditions = vec![accepted()];
                conditions.extend(look_up_profile(&mut peer, profiles));
                conditions.extend(doubt);
                peers.push(peer);
                conditions
            }
            Err(refusal) => refusal.conditions(),
        };
        verdicts.push(verdict(Kind::BgpPeer, &object.meta, conditions));
    }
    (peers, verdicts)
}

/// A session is worth more than its being watched: a profile that is not there is left out and named.
fn look_up_profile(peer: &mut BgpPeer, profiles: &[BfdProfile]) -> Option<Condition> {
    let name = peer.bfd_profile.clone()?;
    let exists = profiles.binary_search_by(|profile| profile.name.cmp(&name)).is_ok();
    if !exists {
        peer.bfd_profile = None;
    }
    let missing = if exists { BTreeSet::new() } else { BTreeSet::from([name]) };
    let missing = Missing {
        reason: Reason::BfdProfileNotFound,
        kind: "BFDProfile",
        names: &missing,
        field: "bfdProfile; until then the session runs without BFD",
    };
    Some(references("the BFDProfile named exists", &[missing]))
}

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal { reason: Reason::InvalidPeer, message: message.into() }
}

/// What a peer means, and what is doubtful about it though it is done.
fn read(written: &object::BgpPeer) -> Result<(BgpPeer, Option<Condition>), Refusal> {
    let my_asn = my_asn(written.my_asn)?;
    let remote = remote(written, my_asn)?;
    let endpoint = endpoint(written)?;
    let Timers { hold, keepalive, connect, doubt } = Timers::read(written)?;
    let peer = BgpPeer {
        name: written.meta.name.clone(),
        my_asn,
        local_asn: written.local_asn.map(|asn| as_number("localASN", asn)).transpose()?,
        remote,
        source_address: source_address(written, &endpoint)?,
        endpoint,
        port: port(written.peer_port)?,
        hold_time: hold,
        keepalive_time: keepalive,
        connect_time: connect,
        router_id: given(written.router_id.as_deref()).map(router_id).transpose()?,
        node_selectors: Selector::compile_list("nodeSelectors", &written.node_selectors)?,
        authentication: authentication(written)?,
        bfd_profile: given(written.bfd_profile.as_deref()).map(str::to_owned),
        graceful_restart: written.enable_graceful_restart,
        multi_hop: written.ebgp_multi_hop,
        vrf: given(written.vrf.as_deref()).map(str::to_owned),
        dual_stack: written.dual_stack_address_family,
        ttl_security_hops: written.ttl_security_hops.map(hops).transpose()?,
    };
    Ok((peer, doubt))
}

/// An empty text is none.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn my_asn(written: i64) -> Result<u32, Refusal> {
    if written == 0 {
        return Err(refuse(
            "0 is not an AS number: write the one of this cluster, for example one from 64512 to 65534, which are free for \
             private use",
        ));
    }
    as_number("myASN", written)
}

fn as_number(field: &str, written: i64) -> Result<u32, Refusal> {
    u32::try_from(written)
        .ok()
        .filter(|asn| *asn > 0)
        .ok_or_else(|| refuse(format!("{field} {written} is not an AS number: write one from 1 to {}", u32::MAX)))
}

fn remote(written: &object::BgpPeer, my_asn: u32) -> Result<RemoteAs, Refusal> {
    let remote = match (written.peer_asn.filter(|asn| *asn != 0), given(written.dynamic_asn.as_deref())) {
        (Some(asn), None) => RemoteAs::Exactly(as_number("peerASN", asn)?),
        (None, Some("internal")) => RemoteAs::Internal,
        (None, Some("external")) => RemoteAs::External,
        (None, Some(other)) => {
            return Err(refuse(format!("dynamicASN \"{other}\" is unknown: write internal or external")));
        }
        _ => {
            return Err(refuse(
                "exactly one of peerASN and dynamicASN must be given: write the router's AS number as peerASN, or \
                 dynamicASN: external to take it from the router",
            ));
        }
    };
    if written.ebgp_multi_hop && remote == RemoteAs::Exactly(my_asn) {
        return Err(refuse(format!(
            "ebgpMultiHop is for routers of another AS, but peerASN {my_asn} is our own: remove ebgpMultiHop, internal \
             sessions may always have many hops"
        )));
    }
    Ok(remote)
}

fn endpoint(written: &object::BgpPeer) -> Result<Endpoint, Refusal> {
    match (given(written.peer_address.as_deref()), given(written.interface.as_deref())) {
        (Some(text), None) => {
            let address = address(text)?;
            reachable(address)?;
            Ok(Endpoint::Address(address))
        }
        (None, Some(name)) => Ok(Endpoint::Interface(name.to_owned())),
        _ => Err(refuse(
            "exactly one of peerAddress and interface must be given: write the router's address as peerAddress, or the \
             node's interface to it for an unnumbered session",
        )),
    }
}

fn address(text: &str) -> Result<IpAddr, Refusal> {
    let mapped = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    text.parse().ok().filter(|address| !mapped(address)).ok_or_else(|| {
        refuse(format!(
            "\"{text}\" is not an IP address: write one like 192.0.2.1 or 2001:db8::1, not a name and without a zone"
        ))
    })
}

/// Refuses what no router can have, or none can be reached by.
fn reachable(address: IpAddr) -> Result<(), Refusal> {
    let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    if link_local {
        return Err(refuse(format!(
            "peerAddress {address} is link-local and does not say on which interface: write the interface in place of \
             peerAddress"
        )));
    }
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || broadcast {
        return Err(refuse(format!("peerAddress {address} is not the address of a router: write the router's own")));
    }
    Ok(())
}

fn source_address(written: &object::BgpPeer, endpoint: &Endpoint) -> Result<Option<IpAddr>, Refusal> {
    let Some(source) = given(written.source_address.as_deref()).map(address).transpose()? else { return Ok(None) };
    match endpoint {
        Endpoint::Address(peer) if Family::of(*peer) != Family::of(source) => Err(refuse(format!(
            "sourceAddress {source} is {} and peerAddress {peer} is {}: write two addresses of one family",
            Family::of(source),
            Family::of(*peer)
        ))),
        _ => Ok(Some(source)),
    }
}

fn port(written: i32) -> Result<u16, Refusal> {
    u16::try_from(written)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| refuse(format!("peerPort {written} is not possible: write a number from 1 to 65535")))
}

fn router_id(text: &str) -> Result<Ipv4Addr, Refusal> {
    text.parse().ok().filter(|id: &Ipv4Addr| !id.is_unspecified()).ok_or_else(|| {
        refuse(format!("\"{text}\" is not a router ID: write it like an IPv4 address, for example 192.0.2.1"))
    })
}

fn authentication(written: &object::BgpPeer) -> Result<Option<Authentication>, Refusal> {
    let password = written.password.as_ref().filter(|password| !password.reveal().is_empty());
    match (password, given(written.password_secret.as_deref())) {
        (Some(_), Some(_)) => {
            Err(refuse("password and passwordSecret must not both be given: keep passwordSecret and remove password"))
        }
        (Some(password), None) => key(password).map(Some),
        (None, secret) => Ok(secret.map(|name| Authentication::Secret(name.to_owned()))),
    }
}

fn key(password: &Password) -> Result<Authentication, Refusal> {
    let length = password.reveal().len();
    if length > PASSWORD_MAX {
        return Err(refuse(format!(
            "password has {length} bytes: TCP MD5 takes at most {PASSWORD_MAX}, write a shorter one"
        )));
    }
    Ok(Authentication::Password(password.clone()))
}

fn hops(written: i64) -> Result<u8, Refusal> {
    u8::try_from(written).ok().filter(|hops| (1..=HOPS_MAX).contains(hops)).ok_or_else(|| {
        refuse(format!(
            "herald.ttlSecurityHops is {written}: write how many hops away the router may be, 1 to {HOPS_MAX}, or remove it"
        ))
    })
}

fn questionable(reason: Reason, message: String) -> Condition {
    Condition { kind: ConditionType::Questionable, status: true, reason, message }
}
