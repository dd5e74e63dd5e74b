//! Prefixes.

use std::fmt;
use std::net::IpAddr;

use crate::address::{AddressRange, Family, numeric};

/// A destination: an address and how many of its bits count. The others are 0. IPv4 sorts before IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// The prefix of `length` bits that contains `address`; `None` if an address has fewer.
    #[must_use]
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let family = Family::of(address);
        let spare = family.bits().checked_sub(length)?;
        let mask = u128::MAX.checked_shl(spare.into()).unwrap_or(0);
        Some(Self { address: family.address(numeric(address) & mask), length })
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

    /// True if it holds one address alone.
    #[must_use]
    pub fn is_host(self) -> bool {
        self.length == self.family().bits()
    }

    /// True if `address` lies in it.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address, self.length) == Some(self)
    }

    /// The addresses that lie in it.
    #[must_use]
    pub fn range(self) -> AddressRange {
        let family = self.family();
        let spare = family.bits().saturating_sub(self.length);
        let hosts = !u128::MAX.checked_shl(spare.into()).unwrap_or(0);
        let last = family.address(numeric(self.address) | hosts);
        AddressRange::new(self.address, last).unwrap_or_else(|| AddressRange::single(self.address))
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
