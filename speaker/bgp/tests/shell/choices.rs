//! Configurations and OPENs, chosen by bits.

use std::net::Ipv4Addr;
use std::time::Duration;

use herald_bgp::packet::{Capability, GracefulRestart, Open};
use herald_bgp::state::{GracefulRestartConfig, PeerConfig, RemoteAs};
use herald_bgp::{Asn, Family, HoldTime, RouterId};

fn asn(number: u32) -> Asn {
    Asn::new(number).expect("not 0")
}

fn router_id(last: u8) -> RouterId {
    RouterId::new(Ipv4Addr::new(10, 0, 0, last)).expect("not 0")
}

/// A configuration by the bits of `choice`.
pub fn config(choice: u16) -> PeerConfig {
    let bit = |bit: u16| choice & 1 << bit != 0;
    PeerConfig {
        local_asn: asn(64512),
        shown_asn: bit(0).then(|| asn(4_200_000_000)),
        remote: if bit(1) { RemoteAs::External } else { RemoteAs::Exactly(asn(64513)) },
        router_id: router_id(5),
        hold_time: if bit(2) { HoldTime::NONE } else { HoldTime::DEFAULT },
        keepalive: bit(3).then(|| Duration::from_secs(7)),
        connect_retry: Duration::from_secs(if bit(4) { 0 } else { 100 }),
        families: if bit(5) { [Family::Ipv6].into() } else { Family::ALL.into() },
        extended_next_hop: bit(6),
        graceful_restart: bit(7)
            .then(|| GracefulRestartConfig { restart_time: Duration::from_secs(30), restarted: bit(8) }),
        passive: bit(9),
        delay_open: bit(10).then(|| Duration::from_secs(5)),
        host_name: bit(11).then(|| "node".to_owned()),
        seed: u64::from(choice >> 12),
    }
}

/// The OPEN of a peer that does all right (0), or that has some of these flaws and gifts.
pub fn open(choice: u8) -> Open {
    let bit = |bit: u8| choice & 1 << bit != 0;
    let mut capabilities = vec![Capability::FourOctetAsn(asn(64513)), Capability::RouteRefresh];
    if !bit(3) {
        capabilities.extend(Family::ALL.map(|family| Capability::Multiprotocol { afi: family.afi(), safi: 1 }));
    }
    if bit(4) {
        capabilities.push(Capability::GracefulRestart(GracefulRestart {
            notification: bit(5),
            families: vec![(1, 1, true)],
            ..GracefulRestart::default()
        }));
    }
    Open {
        two_octet_asn: if choice & 0x61 == 0x61 { 64999 } else { 64513 },
        hold_time: if bit(1) { HoldTime::from_seconds(9).expect("long enough") } else { HoldTime::DEFAULT },
        // Both ends of the order, so that collisions go both ways.
        router_id: router_id(if bit(2) { 4 } else { 6 }),
        capabilities,
    }
}
