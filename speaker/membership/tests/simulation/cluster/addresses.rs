//! Node `n` is at 10.0.x.y and fd00::x:y, or with another second byte for its second address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(super) fn of(node: usize, ipv6: bool, home: u8) -> SocketAddr {
    let (high, low) = (u8::try_from(node / 250).unwrap(), u8::try_from(node % 250 + 1).unwrap());
    let ip = match ipv6 {
        false => IpAddr::from(Ipv4Addr::from([10, home, high, low])),
        true => IpAddr::from(Ipv6Addr::from([0xfd00, 0, 0, 0, 0, home.into(), high.into(), low.into()])),
    };
    SocketAddr::new(ip, 7946)
}

/// Which node that is, and which of its addresses.
pub(super) fn node_at(address: SocketAddr) -> (usize, u8) {
    let [.., home, high, low] = match address.ip() {
        IpAddr::V4(ip) => ip.octets().map(u16::from).to_vec(),
        IpAddr::V6(ip) => ip.segments().to_vec(),
    }[..] else {
        unreachable!()
    };
    (usize::from(high) * 250 + usize::from(low) - 1, u8::try_from(home).unwrap())
}
