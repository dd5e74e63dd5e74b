//! AS numbers.

use std::fmt;
use std::num::NonZeroU32;

/// A four-octet AS number (RFC 6793), never 0 (RFC 7607).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(NonZeroU32);

impl Asn {
    /// What stands for an AS number above 65535 where there are only two octets (RFC 6793 §9).
    pub const TRANS: u16 = 23456;

    /// The AS number `number`; `None` for 0.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// What stands in the two octets of an OPEN message: the number, or [`TRANS`](Self::TRANS).
    #[must_use]
    pub fn two_octets(self) -> u16 {
        u16::try_from(self.get()).unwrap_or(Self::TRANS)
    }
}

/// As a plain number (RFC 5396, asplain).
impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_have_a_stand_in() {
        let two = |number| Asn::new(number).map(Asn::two_octets);
        assert_eq!(two(64512), Some(64512));
        assert_eq!(two(65536), Some(23456));
        assert_eq!(two(131_072), Some(23456), "whose low two octets are 0");
        assert_eq!(two(0), None);
        assert_ne!(Asn::new(65536), Asn::new(1));
        assert_eq!(Asn::new(131_072).map(|asn| asn.to_string()).as_deref(), Some("131072"));
    }
}
