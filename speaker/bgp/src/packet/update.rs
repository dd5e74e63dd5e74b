//! UPDATE messages: what becomes of those received, and writing our own.
//!
//! ```text
//!             IPv4 over an IPv4 next hop            IPv4 over an IPv6 next hop, IPv6
//!   announce  attributes, prefixes at the end       MP_REACH_NLRI with the prefixes, attributes
//!   withdraw  prefixes at the front                 (IPv4: at the front) MP_UNREACH_NLRI
//!   all told  nothing at all                        (IPv4: nothing at all) an empty MP_UNREACH_NLRI
//! ```
//!
//! IPv4 stands where every router looks for it; an IPv6 next hop for it (RFC 8950) needs MP_REACH_NLRI, but a withdrawal has
//! no next hop.

mod announce;
mod attributes;
mod encoding;
#[cfg(test)]
mod tests;
mod withdraw;

pub use announce::announce;
pub use encoding::{EncodeError, Encoding, Ipv4NextHop, Ipv6NextHop, NextHops};
pub use withdraw::{end_of_rib, withdraw};

use std::fmt;

use super::guard::code::Name;
use super::{Decoding, Notification, guard, zetta};
use crate::value::{Family, Prefix};

/// What an UPDATE of the peer amounts to. We keep no routes of others; they are checked and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedUpdate {
    /// Routes announced, of our families; those of others are not even decoded.
    pub announced: Vec<Prefix>,
    /// Routes withdrawn, also those whose attributes make the announcement a withdrawal.
    pub withdrawn: Vec<Prefix>,
    /// The End-of-RIB marker of this family (RFC 4724 §2).
    pub end_of_rib: Option<Family>,
    /// What had to be done about wrong attributes.
    pub treatment: Treatment,
}

/// What RFC 7606 asks for, short of a reset of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Nothing: the message is right.
    #[default]
    Accept,
    /// A wrong attribute of little weight counts as absent.
    DiscardAttribute {
        /// Type code of the first one.
        attribute: u8,
    },
    /// The routes announced count as withdrawn.
    TreatAsWithdraw {
        /// Type code of the first attribute that is wrong or missing; 0 if there is none to name.
        attribute: u8,
    },
}

/// In words, for people.
impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Accept => f.write_str("accepted"),
            Self::DiscardAttribute { attribute } => write!(f, "{} discarded", Name(attribute)),
            Self::TreatAsWithdraw { attribute: 0 } => f.write_str("treated as withdrawn: attributes longer than told"),
            Self::TreatAsWithdraw { attribute } => write!(f, "treated as withdrawn: wrong {}", Name(attribute)),
        }
    }
}

/// The body of an UPDATE: looked at by the guard, then read. Its prefixes are at most as many as its octets.
///
/// # Errors
/// What to answer if the session has to end.
pub(super) fn receive(body: &[u8], decoding: &Decoding) -> Result<ReceivedUpdate, Notification> {
    let inspected = guard::inspect(body, decoding)?;
    let end_of_rib = inspected.end_of_rib().filter(|family| decoding.families.contains(family));
    let mut update = ReceivedUpdate { end_of_rib, treatment: inspected.treatment, ..ReceivedUpdate::default() };
    let reach = inspected.reach.map(|reach| (reach.family, reach.prefixes));
    let announced = [Some((Family::Ipv4, inspected.announced)), reach];
    let withdrawn = [Some((Family::Ipv4, inspected.withdrawn)), inspected.unreach];
    for (sections, into) in [(announced, &mut update.announced), (withdrawn, &mut update.withdrawn)] {
        for (family, prefixes) in sections.into_iter().flatten() {
            if decoding.families.contains(&family) {
                zetta::read_prefixes(family, prefixes, into).ok_or_else(Notification::invalid_network_field)?;
            }
        }
    }
    if let Treatment::TreatAsWithdraw { .. } = update.treatment {
        update.withdrawn.append(&mut update.announced);
    }
    Ok(update)
}
