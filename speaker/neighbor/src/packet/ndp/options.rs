//! The options at the end of a neighbour discovery message (RFC 4861 §4.6): type, length in units of 8 bytes, data.
//!
//! Walked here and not by pnet, whose length arithmetic overflows on long options and steps over empty ones.

use super::DecodeError;
use crate::packet::MacAddr;

/// Source Link-Layer Address (§4.6.1).
pub(super) const SOURCE: u8 = 1;
/// Target Link-Layer Address (§4.6.1).
pub(super) const TARGET: u8 = 2;

/// Length of an option is told in these.
const UNIT: usize = 8;

/// The Ethernet address in the first option of type `wanted`, if there is one. All options are checked, other types
/// skipped, as §4.6 demands. A link-layer address option of another length than Ethernet's has no address for us.
pub(super) fn link_layer_address(mut options: &[u8], wanted: u8) -> Result<Option<MacAddr>, DecodeError> {
    let mut found = None;
    while let Some((&kind, rest)) = options.split_first() {
        let units = rest.first().copied().ok_or(DecodeError::OptionTruncated(kind))?;
        if units == 0 {
            // "Nodes MUST silently discard an ND packet that contains an option with length zero."
            return Err(DecodeError::OptionEmpty(kind));
        }
        let Some((option, following)) = options.split_at_checked(usize::from(units) * UNIT) else {
            return Err(DecodeError::OptionTruncated(kind));
        };
        if kind == wanted && found.is_none() && units == 1 {
            found = option.get(2..UNIT).and_then(|mac| <[u8; 6]>::try_from(mac).ok()).map(MacAddr::from);
        }
        options = following;
    }
    Ok(found)
}

/// An option with an Ethernet address.
pub(super) fn encode(kind: u8, mac: MacAddr) -> [u8; UNIT] {
    let [a, b, c, d, e, f] = mac.octets();
    [kind, 1, a, b, c, d, e, f]
}
