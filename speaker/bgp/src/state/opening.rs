//! Our OPEN.

use super::config::PeerConfig;
use crate::packet::{Capability, GracefulRestart, Open};
use crate::value::Family;

/// As much of a host name as FRR reads. All capabilities together stay far below 255 octets, above which not every peer
/// can read them (RFC 9072).
const HOST_NAME: usize = 64;
/// What 12 bits hold (RFC 4724 §3).
const RESTART_TIME: u16 = 4095;

/// AFI and SAFI of `Family::Ipv4` with next hops of AFI 2 (RFC 8950).
pub(super) const IPV4_OVER_IPV6: (u16, u16, u16) = (1, 1, 2);

/// What became of forwarding until now (RFC 4724 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// R: this speaker has restarted, and no session was established since.
    pub(super) restarting: bool,
    /// F: whoever kept our routes since the last session did right, for traffic was forwarded all the time.
    pub(super) forwarding: bool,
}

/// The OPEN for a peer.
pub(super) fn open(config: &PeerConfig, history: History) -> Open {
    let PeerConfig { router_id, hold_time, families, extended_next_hop, graceful_restart, host_name, .. } = config;
    let multiprotocol = |family: &Family| Capability::Multiprotocol { afi: family.afi(), safi: Family::UNICAST };
    let mut capabilities: Vec<Capability> = families.iter().map(multiprotocol).collect();
    capabilities.push(Capability::RouteRefresh);
    if *extended_next_hop && families.contains(&Family::Ipv4) {
        capabilities.push(Capability::ExtendedNextHop(vec![IPV4_OVER_IPV6]));
    }
    capabilities.push(Capability::ExtendedMessage);
    if let Some(restart) = graceful_restart {
        let seconds = u16::try_from(restart.restart_time.as_secs()).unwrap_or(RESTART_TIME);
        capabilities.push(Capability::GracefulRestart(GracefulRestart {
            restarting: history.restarting,
            notification: true,
            restart_time: seconds.min(RESTART_TIME),
            families: families.iter().map(|family| (family.afi(), Family::UNICAST, history.forwarding)).collect(),
        }));
    }
    let asn = config.effective_asn();
    capabilities.extend([Capability::FourOctetAsn(asn), Capability::EnhancedRouteRefresh]);
    if let Some(name) = host_name {
        let host = name.chars().scan(0, |length, letter| {
            *length += letter.len_utf8();
            (*length <= HOST_NAME).then_some(letter)
        });
        capabilities.push(Capability::HostName { host: host.collect(), domain: String::new() });
    }
    Open { two_octet_asn: asn.two_octets(), hold_time: *hold_time, router_id: *router_id, capabilities }
}
