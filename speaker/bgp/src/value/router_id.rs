//! BGP identifiers.

use std::fmt;
use std::net::Ipv4Addr;

/// A BGP identifier: four octets, written like an IPv4 address, never 0 (RFC 6286).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(Ipv4Addr);

impl RouterId {
    /// The identifier written like `address`; `None` for 0.0.0.0.
    #[must_use]
    pub fn new(address: Ipv4Addr) -> Option<Self> {
        (!address.is_unspecified()).then_some(Self(address))
    }

    /// As it is written and sent.
    #[must_use]
    pub fn address(self) -> Ipv4Addr {
        self.0
    }
}

impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
