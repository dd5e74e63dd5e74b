//! Prefixes.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Family;

/// A destination: an address and how many of its bits count. The others are 0. IPv4 sorts before IPv6.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// The prefix of `length` bits that contains `address`; `None` if an address has fewer.
    #[must_use]
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let spare = Family::of(address).bits().checked_sub(length)?;
        let address = match address {
            IpAddr::V4(v4) => Ipv4Addr::from(v4.to_bits() & u32::MAX.checked_shl(spare.into()).unwrap_or(0)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(v6.to_bits() & u128::MAX.checked_shl(spare.into()).unwrap_or(0)).into(),
        };
        Some(Self { address, length })
    }

    /// The prefix that holds `address` alone.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self { address, length: Family::of(address).bits() }
    }

    /// The lowest address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits count.
    #[must_use]
    pub fn length(self) -> u8 {
        self.length
    }

    /// The family.
    #[must_use]
    pub fn family(self) -> Family {
        Family::of(self.address)
    }

    /// Whether it holds one address alone.
    #[must_use]
    pub fn is_host(self) -> bool {
        self.length == self.family().bits()
    }

    /// Whether `address` lies in it.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address, self.length) == Some(self)
    }
}

/// As if derived; but a table of a hundred thousand is looked through by this, and numbers compare faster than octets.
impl Ord for Prefix {
    fn cmp(&self, other: &Self) -> Ordering {
        let addresses = match (self.address, other.address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => one.to_bits().cmp(&other.to_bits()),
            (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits().cmp(&other.to_bits()),
            (IpAddr::V4(_), IpAddr::V6(_)) => Ordering::Less,
            (IpAddr::V6(_), IpAddr::V4(_)) => Ordering::Greater,
        };
        addresses.then(self.length.cmp(&other.length))
    }
}

impl PartialOrd for Prefix {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As a CIDR.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: &str, length: u8) -> Option<String> {
        Prefix::new(address.parse().unwrap(), length).map(|prefix| prefix.to_string())
    }

    #[test]
    fn host_bits_do_not_count() {
        assert_eq!(prefix("192.0.2.77", 24).as_deref(), Some("192.0.2.0/24"));
        assert_eq!(prefix("192.0.2.77", 0).as_deref(), Some("0.0.0.0/0"));
        assert_eq!(prefix("192.0.2.77", 32).as_deref(), Some("192.0.2.77/32"));
        assert_eq!(prefix("192.0.2.77", 33), None);
        assert_eq!(prefix("2001:db8::77", 64).as_deref(), Some("2001:db8::/64"));
        assert_eq!(prefix("2001:db8::77", 0).as_deref(), Some("::/0"));
        assert_eq!(prefix("2001:db8::77", 129), None);
    }

    #[test]
    fn the_order_is_that_of_family_address_and_length() {
        let addresses = ["0.0.0.0", "1.2.3.4", "1.2.4.0", "255.0.0.0", "::", "::1", "2001:db8::", "ffff::"];
        let addresses = addresses.map(|address| address.parse::<IpAddr>().unwrap());
        let lengths = |address| (0..=Family::of(address).bits()).filter_map(move |length| Prefix::new(address, length));
        let all: Vec<_> = addresses.into_iter().flat_map(lengths).collect();
        for one in &all {
            for other in &all {
                let derived = (one.address, one.length).cmp(&(other.address, other.length));
                assert_eq!(one.cmp(other), derived, "{one} {other}");
            }
        }
    }

    #[test]
    fn a_family_never_contains_the_other() {
        let all = Prefix::new("0.0.0.0".parse().unwrap(), 0).unwrap();
        assert!(all.contains("255.255.255.255".parse().unwrap()));
        assert!(!all.contains("::".parse().unwrap()));
    }
}
