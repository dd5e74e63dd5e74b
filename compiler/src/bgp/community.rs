//! Communities of the three kinds, and how users write them.
//!
//! | kind | written | on the wire |
//! | --- | --- | --- |
//! | standard (RFC 1997) | `64512:100`, or a registered name ([`well_known`]) | 32 bits |
//! | large (RFC 8092) | `large:64512:1:2` | 3 × 32 bits |
//! | extended (RFC 4360, 5668) | `rt:64512:100`, `soo:192.0.2.1:100`, `0x` and 16 hexadecimal digits | 64 bits |

use std::fmt;
use std::net::Ipv4Addr;

/// A standard community (RFC 1997): AS number in the upper, value in the lower 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StandardCommunity(pub u32);

/// A large community (RFC 8092): AS number, and two values of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity(pub [u32; 3]);

/// An extended community (RFC 4360) as on the wire: type, subtype, value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedCommunity(pub [u8; 8]);

/// What `spec.communities` and Community objects may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Community {
    /// `ASN:value`.
    Standard(StandardCommunity),
    /// `large:ASN:value:value`.
    Large(LargeCommunity),
}

/// Why a text is no community; says what to write. The sentences are also those of the schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommunityError {
    /// Neither standard nor large.
    #[error(
        "\"{0}\" is not a community: write it like 64512:100 (numbers up to 65535) or like large:64512:1:2 (numbers \
         up to 4294967295)"
    )]
    Community(String),
    /// No extended community.
    #[error(
        "\"{0}\" is not an extended community: write it like rt:64512:100, soo:64512:100 or rt:192.0.2.1:100 (the \
         last number up to 65535 behind an address or an AS number above 65535, else up to 4294967295), or as 0x and \
         16 hexadecimal digits"
    )]
    Extended(String),
    /// No registered name.
    #[error("\"{0}\" is no well-known community: write one of {names}", names = names())]
    WellKnown(String),
}

/// Registered communities (IANA, BGP Well-known Communities), in the order of the schema.
const WELL_KNOWN: [(&str, u32); 9] = [
    ("no-export", 0xffff_ff01),
    ("no-advertise", 0xffff_ff02),
    ("no-export-subconfed", 0xffff_ff03),
    ("no-peer", 0xffff_ff04),
    ("graceful-shutdown", 0xffff_0000),
    ("accept-own", 0xffff_0001),
    ("blackhole", 0xffff_029a),
    ("llgr-stale", 0xffff_0006),
    ("no-llgr", 0xffff_0007),
];

fn names() -> String {
    WELL_KNOWN.map(|(name, _)| name).join(", ")
}

/// The registered community called `name`.
///
/// # Errors
/// Lists the names there are.
pub fn well_known(name: &str) -> Result<StandardCommunity, CommunityError> {
    let found = WELL_KNOWN.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| StandardCommunity(*value)).ok_or_else(|| CommunityError::WellKnown(name.into()))
}

impl Community {
    /// Reads `ASN:value` and `large:ASN:value:value`.
    ///
    /// # Errors
    /// Says what to write.
    pub fn parse(text: &str) -> Result<Self, CommunityError> {
        let parts: Vec<&str> = text.split(':').collect();
        let read = match parts.as_slice() {
            [asn, value] => decimal::<u16>(asn)
                .zip(decimal::<u16>(value))
                .map(|(asn, value)| Self::Standard(StandardCommunity(u32::from(asn) << 16 | u32::from(value)))),
            ["large", a, b, c] => {
                decimal(a).zip(decimal(b)).zip(decimal(c)).map(|((a, b), c)| Self::Large(LargeCommunity([a, b, c])))
            }
            _ => None,
        };
        read.ok_or_else(|| CommunityError::Community(text.into()))
    }
}

impl ExtendedCommunity {
    /// Reads `rt:…:…` (route target), `soo:…:…` (site of origin), and `0x` with 16 hexadecimal digits.
    ///
    /// # Errors
    /// Says what to write.
    pub fn parse(text: &str) -> Result<Self, CommunityError> {
        let read = match text.strip_prefix("0x") {
            Some(digits) => hexadecimal(digits),
            None => by_parts(text),
        };
        read.map(Self).ok_or_else(|| CommunityError::Extended(text.into()))
    }
}

fn hexadecimal(digits: &str) -> Option<[u8; 8]> {
    let fits = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    fits.then(|| u64::from_str_radix(digits, 16).ok()).flatten().map(u64::to_be_bytes)
}

fn by_parts(text: &str) -> Option<[u8; 8]> {
    let parts: Vec<&str> = text.split(':').collect();
    let [kind, administrator, number] = parts.as_slice() else { return None };
    let subtype = match *kind {
        "rt" => 2,
        "soo" => 3,
        _ => return None,
    };
    // Of the administrator's form depends how much room is left (RFC 4360 §3.1, §3.2, RFC 5668).
    if let Some(asn) = decimal::<u16>(administrator) {
        let ([a, b], [c, d, e, f]) = (asn.to_be_bytes(), decimal::<u32>(number)?.to_be_bytes());
        return Some([0, subtype, a, b, c, d, e, f]);
    }
    let (form, [a, b, c, d]) = match decimal::<u32>(administrator) {
        Some(asn) => (2, asn.to_be_bytes()),
        None => (1, administrator.parse::<Ipv4Addr>().ok()?.octets()),
    };
    let [e, f] = decimal::<u16>(number)?.to_be_bytes();
    Some([form, subtype, a, b, c, d, e, f])
}

/// A number of digits alone: Rust would take a sign as well.
fn decimal<N: std::str::FromStr>(text: &str) -> Option<N> {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for StandardCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff)
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "large:{a}:{b}:{c}")
    }
}

impl fmt::Display for ExtendedCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:016x}", u64::from_be_bytes(self.0))
    }
}
