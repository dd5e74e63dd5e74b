//! Where routers are told to send the traffic: the next hops of a session.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use herald_bgp::packet::update::{Ipv4NextHop, Ipv6NextHop, NextHops};

/// Own addresses that a session may name beside the one that it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAddresses {
    /// The Node's first IPv4 InternalIP.
    pub ipv4: Option<Ipv4Addr>,
    /// The Node's first global IPv6 InternalIP.
    pub ipv6: Option<Ipv6Addr>,
    /// A global IPv6 address of the interface that the session leaves by; found when it is established.
    pub egress: Option<Ipv6Addr>,
}

/// The next hops of a session whose own end is `local`, with a peer that takes IPv6 next hops for IPv4 routes or not
/// (`extended`, RFC 8950).
///
/// | routes | first of |
/// |---|---|
/// | IPv4 | the session's own IPv4 address; IPv6 as below, if `extended`; the Node's IPv4 address |
/// | IPv6 | the session's own global IPv6 address; the Node's; one of the egress interface |
///
/// A session between link-local addresses adds its own to an IPv6 next hop (RFC 2545 §3); without any global address that
/// is the next hop.
#[must_use]
pub fn next_hops(local: IpAddr, extended: bool, node: &NodeAddresses) -> NextHops {
    let link_local = match local {
        IpAddr::V6(local) if local.is_unicast_link_local() => Some(local),
        _ => None,
    };
    let own = match local {
        IpAddr::V6(local) if link_local.is_none() => Some(local),
        _ => None,
    };
    let global = own.or(node.ipv6).or(node.egress).or(link_local);
    let ipv6 = global.map(|global| Ipv6NextHop { global, link_local: link_local.filter(|local| *local != global) });
    let ipv4 = match local {
        IpAddr::V4(local) => Some(Ipv4NextHop::Plain(local)),
        IpAddr::V6(_) if extended => ipv6.map(Ipv4NextHop::Extended),
        IpAddr::V6(_) => node.ipv4.map(Ipv4NextHop::Plain),
    };
    NextHops { ipv4, ipv6 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn node() -> NodeAddresses {
        let ipv4 = Some(Ipv4Addr::new(192, 0, 2, 1));
        NodeAddresses { ipv4, ipv6: Some(v6("2001:db8::1")), egress: Some(v6("2001:db8:e::1")) }
    }

    fn global(address: &str) -> Option<Ipv6NextHop> {
        Some(Ipv6NextHop { global: v6(address), link_local: None })
    }

    #[test]
    fn the_sessions_own_address_comes_first() {
        let own = Ipv4Addr::new(10, 0, 0, 1);
        let hops = next_hops(own.into(), true, &node());
        assert_eq!(hops.ipv4, Some(Ipv4NextHop::Plain(own)));
        assert_eq!(hops.ipv6, global("2001:db8::1"), "the Node's");
        let hops = next_hops(v6("2001:db8:5::1").into(), false, &node());
        assert_eq!(hops.ipv6, global("2001:db8:5::1"));
        assert_eq!(hops.ipv4, Some(Ipv4NextHop::Plain(Ipv4Addr::new(192, 0, 2, 1))));
        let hops = next_hops(v6("2001:db8:5::1").into(), true, &node());
        assert_eq!(hops.ipv4, global("2001:db8:5::1").map(Ipv4NextHop::Extended));
    }

    #[test]
    fn a_link_local_session_adds_its_own() {
        let local = v6("fe80::1");
        let hops = next_hops(local.into(), true, &node());
        let both = Ipv6NextHop { global: v6("2001:db8::1"), link_local: Some(local) };
        assert_eq!(hops.ipv6, Some(both));
        assert_eq!(hops.ipv4, Some(Ipv4NextHop::Extended(both)));
        let hops = next_hops(local.into(), true, &NodeAddresses { ipv6: None, ..node() });
        assert_eq!(hops.ipv6.map(|hop| hop.global), Some(v6("2001:db8:e::1")), "of the interface");
        let hops = next_hops(local.into(), true, &NodeAddresses::default());
        assert_eq!(hops.ipv6, global("fe80::1"), "there is no other");
    }

    #[test]
    fn without_an_address_a_family_has_none() {
        let nothing = NodeAddresses::default();
        assert_eq!(next_hops(Ipv4Addr::LOCALHOST.into(), true, &nothing).ipv6, None);
        assert_eq!(next_hops(v6("2001:db8::9").into(), false, &nothing).ipv4, None);
    }
}
