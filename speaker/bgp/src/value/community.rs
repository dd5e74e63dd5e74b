//! Communities of the three kinds.

use std::fmt;

/// A standard community (RFC 1997).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

impl Community {
    /// NO_EXPORT: not to be told outside of the AS or confederation (RFC 1997).
    pub const NO_EXPORT: Self = Self(0xffff_ff01);
    /// NO_ADVERTISE: not to be told to anybody (RFC 1997).
    pub const NO_ADVERTISE: Self = Self(0xffff_ff02);
    /// NO_EXPORT_SUBCONFED: not to be told to external peers (RFC 1997).
    pub const NO_EXPORT_SUBCONFED: Self = Self(0xffff_ff03);
    /// NOPEER: not to be told to bilateral peers (RFC 3765).
    pub const NO_PEER: Self = Self(0xffff_ff04);
    /// GRACEFUL_SHUTDOWN: this route goes away soon (RFC 8326).
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xffff_0000);
    /// ACCEPT_OWN (RFC 7611).
    pub const ACCEPT_OWN: Self = Self(0xffff_0001);
    /// LLGR_STALE (RFC 9494).
    pub const LLGR_STALE: Self = Self(0xffff_0006);
    /// NO_LLGR (RFC 9494).
    pub const NO_LLGR: Self = Self(0xffff_0007);
    /// BLACKHOLE (RFC 7999).
    pub const BLACKHOLE: Self = Self(0xffff_029a);

    /// `asn:value`.
    #[must_use]
    pub fn new(asn: u16, value: u16) -> Self {
        Self(u32::from(asn) << 16 | u32::from(value))
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff)
    }
}

/// A large community (RFC 8092).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity {
    /// Global administrator, an AS number.
    pub global: u32,
    /// First part of the local data.
    pub local1: u32,
    /// Second part of the local data.
    pub local2: u32,
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.global, self.local1, self.local2)
    }
}

/// An extended community: type, subtype and value as on the wire (RFC 4360).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedCommunity(pub [u8; 8]);
