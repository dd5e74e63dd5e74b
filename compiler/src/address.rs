//! Address ranges: what an item of `IPAddressPool.spec.addresses` means, and their arithmetic.
//!
//! A range is two addresses of one family, both included. Everything is computed on the
//! addresses' bits, so a `/8` or a `/48` costs what a `/32` costs; nothing here walks addresses.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{AddressError, NO_ADDRESSES};

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of `address`.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Length of an address in bits, which is also the longest prefix.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The address with the numeric value `value`; bits that an address of this family does not
    /// have are ignored. The inverse of [`numeric`].
    #[must_use]
    pub fn address(self, value: u128) -> IpAddr {
        match self {
            Self::V4 => {
                let [.., a, b, c, d] = value.to_be_bytes();
                Ipv4Addr::new(a, b, c, d).into()
            }
            Self::V6 => Ipv6Addr::from_bits(value).into(),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// The numeric value of an address (IPv4: 32 bits). Comparable only inside one family.
#[must_use]
pub fn numeric(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// True for IPv4 addresses that end in .0 or .255, which some old equipment drops
/// (`avoidBuggyIPs`). Never true for IPv6.
#[must_use]
pub fn is_buggy(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets(), [_, _, _, 0 | 255]),
        IpAddr::V6(_) => false,
    }
}

/// All addresses from [`first`](Self::first) to [`last`](Self::last), both included, of one family.
///
/// Ranges order by family (IPv4 first), then by first address, then by last address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// The range from `first` to `last`.
    ///
    /// `None` if they are of different families or `last` comes before `first`.
    #[must_use]
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (Family::of(first) == Family::of(last) && first <= last).then_some(Self { first, last })
    }

    /// The range that holds `address` alone.
    #[must_use]
    pub fn single(address: IpAddr) -> Self {
        Self { first: address, last: address }
    }

    /// Reads an item of `spec.addresses`: a CIDR, whose host bits are dropped
    /// (`198.51.100.10/24` is all of `198.51.100.0/24`), or `first-last`, with or without spaces
    /// around the `-`.
    ///
    /// # Errors
    /// Names the item and what to write instead.
    pub fn parse(item: &str) -> Result<Self, AddressError> {
        parse::range(item)
    }

    /// Lowest address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// Highest address.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// Family of both ends.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.first)
    }

    /// How many addresses it holds; `u128::MAX` for `::/0`, which holds one more.
    #[must_use]
    pub fn size(&self) -> u128 {
        (numeric(self.last) - numeric(self.first)).saturating_add(1)
    }

    /// Length of the largest CIDR that lies in the range: `10.0.0.10-10.0.0.20` holds `10.0.0.12/30`, so 30.
    #[must_use]
    pub fn shortest_prefix(&self) -> u8 {
        let (first, last) = (numeric(self.first), numeric(self.last));
        let bits = self.family().bits();
        let holds = |length: &u8| {
            let hosts = !u128::MAX.checked_shl((bits - length).into()).unwrap_or(0);
            // The first address from `first` on that begins a CIDR of this length.
            first.checked_add(hosts).is_some_and(|next| (next & !hosts) | hosts <= last)
        };
        (0..bits).find(holds).unwrap_or(bits)
    }

    /// How many of its addresses are [buggy](is_buggy).
    #[must_use]
    pub fn buggy(&self) -> u128 {
        match self.family() {
            Family::V4 => buggy_up_to(numeric(self.last) + 1) - buggy_up_to(numeric(self.first)),
            Family::V6 => 0,
        }
    }

    /// True if `address` lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        // Addresses of another family are outside: IpAddr orders all of IPv4 before IPv6.
        self.first <= address && address <= self.last
    }

    /// The addresses that lie in both ranges.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }
}

/// How many buggy IPv4 addresses have a value below `end`.
fn buggy_up_to(end: u128) -> u128 {
    let (blocks, rest) = (end / 256, end % 256);
    blocks * 2 + u128::from(rest > 0)
}

/// As a CIDR if it is one, else `first-last`.
impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (numeric(self.first), numeric(self.last));
        let host_mask = first ^ last;
        let is_cidr = host_mask & host_mask.wrapping_add(1) == 0 && first & host_mask == 0;
        if is_cidr {
            let prefix = u32::from(self.family().bits()) - host_mask.count_ones();
            write!(f, "{}/{prefix}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
