//! Reading an item of `spec.addresses`, and the words for what is wrong with one.
//!
//! The CEL rules of the IPAddressPool CRD refuse the same items at apply with the same sentences;
//! a test over there compares the two. IPv6 range order alone cannot be said in CEL, so that
//! sentence reaches the user through the pool's `Accepted` condition.

use std::net::{IpAddr, Ipv6Addr};

use super::{AddressRange, Family, numeric};

/// What is said about a pool whose `spec.addresses` is empty.
pub const NO_ADDRESSES: &str = "addresses is empty: list at least one CIDR or range, like \
     \"192.168.1.0/24\", \"192.168.1.240-192.168.1.250\" or \"fd00::/112\"";

/// Why an item of `spec.addresses` is not a range. Each names the item and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an address with a prefix length and not two addresses.
    #[error(
        "\"{item}\" is neither a CIDR (prefix length at most 32 for IPv4, 128 for IPv6) nor an \
         address range: write it like \"192.168.1.0/24\", \"192.168.1.240-192.168.1.250\" or \
         \"fd00::/112\""
    )]
    Unreadable {
        /// The item as written.
        item: String,
    },
    /// An address without a prefix length.
    #[error("\"{item}\" is one address without a prefix length: write \"{item}/{bits}\"")]
    BareAddress {
        /// The item as written.
        item: String,
        /// The prefix length that means this address alone.
        bits: u8,
    },
    /// The two ends of a range are of different families.
    #[error(
        "\"{item}\" mixes IPv4 and IPv6: both ends of a range must be of one family, \
         write one range for each"
    )]
    MixedFamilies {
        /// The item as written.
        item: String,
    },
    /// The last address comes before the first.
    #[error("\"{item}\" ends before it starts: write \"{last}-{first}\"")]
    Reversed {
        /// The item as written.
        item: String,
        /// Its first address as written.
        first: String,
        /// Its last address as written.
        last: String,
    },
}

pub(super) fn range(item: &str) -> Result<AddressRange, AddressError> {
    let unreadable = || AddressError::Unreadable { item: item.into() };
    if let Some((first_text, last_text)) = item.split_once('-') {
        let (first_text, last_text) = (first_text.trim(), last_text.trim());
        let first = address(first_text).ok_or_else(unreadable)?;
        let last = address(last_text).ok_or_else(unreadable)?;
        if Family::of(first) != Family::of(last) {
            return Err(AddressError::MixedFamilies { item: item.into() });
        }
        return AddressRange::new(first, last).ok_or_else(|| AddressError::Reversed {
            item: item.into(),
            first: first_text.into(),
            last: last_text.into(),
        });
    }
    if let Some((base, prefix)) = item.split_once('/') {
        let base = address(base).ok_or_else(unreadable)?;
        let prefix = prefix_length(prefix, Family::of(base)).ok_or_else(unreadable)?;
        return Ok(network(base, prefix));
    }
    let bare = address(item).ok_or_else(unreadable)?;
    Err(AddressError::BareAddress { item: item.into(), bits: Family::of(bare).bits() })
}

/// An address as Kubernetes takes one: no zone, no leading zeros, and no IPv4 address in IPv6
/// clothes (`::ffff:192.0.2.1`), which would be counted in the wrong family.
fn address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match address {
        IpAddr::V6(v6) if is_mapped(v6) => None,
        _ => Some(address),
    }
}

fn is_mapped(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

/// Decimal digits without sign or leading zeros, at most the family's length.
fn prefix_length(text: &str, family: Family) -> Option<u8> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    let value: u8 = text.parse().ok()?;
    (digits && canonical && value <= family.bits()).then_some(value)
}

fn network(base: IpAddr, prefix: u8) -> AddressRange {
    let family = Family::of(base);
    let host_bits = u32::from(family.bits().saturating_sub(prefix));
    let host_mask = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |bit| bit - 1);
    let base = numeric(base);
    AddressRange { first: family.address(base & !host_mask), last: family.address(base | host_mask) }
}
