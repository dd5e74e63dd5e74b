//! Who has which address in the lab.
//!
//! One LAN, dual stack; the host number is the same in both families and is
//! readable in the MAC address:
//!
//! | host number | who |
//! |---|---|
//! | 2 | control plane |
//! | 11, 12, … | nodes 1, 2, … |
//! | 91, 92, … | routers 1, 2, … |
//! | 101, 102, … | clients 1, 2, … |
//! | 240 – 250 | left to the pools of the tests and the demo |
//!
//! Behind router *n* is a network of its own, `172.16.n.0/24` and `fd00:16:n::/64`: the router is host 1, its user host 2.
//!
//! Pods of node *n* have `10.244.n.0/24` and `fd00:244:n::/64`; the node is `10.244.n.1` and,
//! on every pod's link, `fe80::1`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::prefix::Prefix;

/// A station on the lab's LAN, 192.168.1.0/24 and fd00:1::/64, or on the network behind a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Station {
    /// 0 for the LAN, otherwise the router's number.
    behind: u8,
    host: u8,
}

impl Station {
    /// The control plane's station.
    pub const CONTROL_PLANE: Station = Self::on_lan(2);

    const fn on_lan(host: u8) -> Self {
        Self { behind: 0, host }
    }

    /// The station of the node with this number, from 1 to 80.
    #[must_use]
    pub fn node(number: u8) -> Self {
        Self::on_lan(number.clamp(1, 80) + 10)
    }

    /// The station of the client with this number, from 1 to 80.
    #[must_use]
    pub fn client(number: u8) -> Self {
        Self::on_lan(number.clamp(1, 80) + 100)
    }

    /// The station of the router with this number, from 1 to 9.
    #[must_use]
    pub fn router(number: u8) -> Self {
        Self::on_lan(number.clamp(1, 9) + 90)
    }

    /// The station of the same router on the network behind it.
    #[must_use]
    pub fn router_inside(number: u8) -> Self {
        Self { behind: number.clamp(1, 9), host: 1 }
    }

    /// The station of the user behind that router.
    #[must_use]
    pub fn user(number: u8) -> Self {
        Self { behind: number.clamp(1, 9), host: 2 }
    }

    /// Its IPv4 address.
    #[must_use]
    pub fn v4(self) -> Ipv4Addr {
        match self.behind {
            0 => Ipv4Addr::new(192, 168, 1, self.host),
            router => Ipv4Addr::new(172, 16, router, self.host),
        }
    }

    /// Its IPv6 address. The host number is written as it reads in decimal:
    /// 192.168.1.11 is also fd00:1::11.
    #[must_use]
    pub fn v6(self) -> Ipv6Addr {
        match self.behind {
            0 => Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, as_read(self.host)),
            router => Ipv6Addr::new(0xfd00, 0x16, as_read(router), 0, 0, 0, 0, as_read(self.host)),
        }
    }

    /// The prefixes of its network: IPv4, IPv6.
    #[must_use]
    pub fn network(self) -> [Prefix; 2] {
        [Prefix::new(self.v4().into(), 24), Prefix::new(self.v6().into(), 64)]
    }

    /// Its MAC address: locally administered, the IPv4 address inside.
    #[must_use]
    pub fn mac(self) -> Mac {
        let [a, b, c, d] = self.v4().octets();
        Mac([0x02, 0x00, a, b, c, d])
    }
}

/// The number whose hexadecimal digits are the decimal ones of `number`.
fn as_read(number: u8) -> u16 {
    let (hundreds, tens, ones) = (number / 100, number / 10 % 10, number % 10);
    u16::from(hundreds) << 8 | u16::from(tens) << 4 | u16::from(ones)
}

/// A MAC address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address of everyone on the link.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The node's own address on the pod network, and its pods' default gateway.
#[must_use]
pub fn pod_gateway(node: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 244, node, 1)
}

/// The pods' default gateway for IPv6: the node, on every pod's link.
pub const POD_GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The addresses of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodAddresses {
    /// In IPv4.
    pub v4: Ipv4Addr,
    /// In IPv6.
    pub v6: Ipv6Addr,
}

/// The addresses of a node's pod; `pod` counts from 1 per node.
#[must_use]
pub fn pod(node: u8, pod: u8) -> PodAddresses {
    let host = pod.saturating_add(1);
    PodAddresses {
        v4: Ipv4Addr::new(10, 244, node, host),
        v6: Ipv6Addr::new(0xfd00, 0x244, as_read(node), 0, 0, 0, 0, as_read(host)),
    }
}

/// The IPv6 prefix of a node's pods, 64 bits long.
#[must_use]
pub fn pod_prefix_v6(node: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0x244, as_read(node), 0, 0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_alike() {
        let node = Station::node(1);
        assert_eq!(node.v4().to_string(), "192.168.1.11");
        assert_eq!(node.v6().to_string(), "fd00:1::11");
        assert_eq!(node.mac().to_string(), "02:00:c0:a8:01:0b");
        assert_eq!(Station::client(2).v6().to_string(), "fd00:1::102");
        assert_eq!(Station::router(2).v6().to_string(), "fd00:1::92");
        let user = Station::user(3);
        assert_eq!((user.v4().to_string(), user.v6().to_string()), ("172.16.3.2".into(), "fd00:16:3::2".into()));
        assert_eq!(user.network().map(|prefix| prefix.to_string()), ["172.16.3.0/24", "fd00:16:3::/64"]);
        let pod = pod(12, 1);
        assert_eq!((pod.v4.to_string(), pod.v6.to_string()), ("10.244.12.2".into(), "fd00:244:12::2".into()));
    }
}
