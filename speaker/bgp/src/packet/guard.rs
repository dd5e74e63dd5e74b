//! What an UPDATE is worth, before anybody reads it: one walk over every length in it.
//!
//! ```text
//!   withdrawn routes' length (2)  IPv4 prefixes
//!   attributes' length (2)        attribute: flags (1)  type (1)  length (1, or 2 if the flag says so)  value
//!   until the end                 IPv4 prefixes
//! ```
//!
//! The verdict is RFC 7606's. Wrong attributes cost what depends on them:
//!
//! | what is wrong | verdict | RFC 7606 |
//! |---|---|---|
//! | lengths of the sections; a prefix; MP_REACH_NLRI or MP_UNREACH_NLRI in shape or flags, or twice | reset | §4, §5.3, §3g |
//! | well-known attribute that nobody knows | reset | RFC 4271 §6.3 |
//! | attributes longer than their section; one that is missing, or has wrong flags, length, or value | treat as withdraw | §4, §3, §7 |
//! | the same, but no route in the message to withdraw | reset | §5.2 |
//! | ATOMIC_AGGREGATE, AGGREGATOR, AS4_PATH, AS4_AGGREGATOR; what only internal peers may say | discard attribute | §7 |
//! | an attribute twice | the first counts | §3g |
//!
//! Of several errors the worst counts. Routes of families that we don't speak are skipped. A path with our own AS number is
//! no error, and we keep no routes anyway.
//!
//! Invariant: of what [`inspect`] accepts, zettabgp can be given every prefix, and each attribute that
//! [was looked into](Inspected::checked), without a panic or a loop (see `docs/decisions/0080-what-zettabgp-does.md`). Never
//! the whole message: what was discarded, or came twice, is still in it.

mod as_path;
mod attribute;
pub mod code;
mod reach;
mod section;
#[cfg(test)]
mod tests;
mod verdict;

pub use attribute::Attribute;
pub(super) use attribute::flag;
pub use reach::{NextHop, Reach};

use super::reader::Reader;
use super::update::Treatment;
use super::{Decoding, Notification};
use crate::value::Family;

/// An UPDATE that does not end the session: its parts, each of a right shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected<'a> {
    /// What has to be done about wrong attributes.
    pub treatment: Treatment,
    /// The routes of the first section: IPv4 prefixes withdrawn.
    pub withdrawn: &'a [u8],
    /// The routes of the last section: IPv4 prefixes announced.
    pub announced: &'a [u8],
    /// MP_REACH_NLRI, if it is of a family of ours.
    pub reach: Option<Reach<'a>>,
    /// MP_UNREACH_NLRI, if it is of a family of ours: prefixes withdrawn.
    pub unreach: Option<(Family, &'a [u8])>,
    /// Attributes in the order of the message without those discarded; at most one of each type.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> Inspected<'a> {
    /// The attributes whose values have been looked into. Of others, which nobody here knows or whose routes are of other
    /// families, only the length is known to be right. MP_REACH_NLRI is not among them: zettabgp misreads its next hop, and
    /// its reserved octet as a count; see [`reach`](Self::reach).
    pub fn checked(&self) -> impl Iterator<Item = &Attribute<'a>> {
        self.attributes.iter().filter(|attribute| match attribute.code {
            code::MP_REACH_NLRI => false,
            code::MP_UNREACH_NLRI => self.unreach.is_some(),
            _ => attribute.is_known(),
        })
    }

    /// The End-of-RIB marker of this family (RFC 4724 §2): an UPDATE without any route, and without any attribute but an
    /// empty MP_UNREACH_NLRI.
    #[must_use]
    pub fn end_of_rib(&self) -> Option<Family> {
        match (self.withdrawn, self.announced, self.attributes.as_slice(), self.unreach) {
            _ if self.treatment != Treatment::Accept => None,
            ([], [], [], _) => Some(Family::Ipv4),
            ([], [], [_], Some((family, []))) => Some(family),
            _ => None,
        }
    }
}

/// Looks at every length in the body of an UPDATE. The work is linear in its octets; what is kept are slices of it, at most
/// one per attribute type.
///
/// # Errors
/// What to answer if the session has to end.
pub fn inspect<'a>(body: &'a [u8], decoding: &Decoding) -> Result<Inspected<'a>, Notification> {
    let mut reader = Reader(body);
    let section = |reader: &mut Reader<'a>| reader.counted_by_u16().ok_or_else(Notification::malformed_attribute_list);
    let withdrawn = section(&mut reader)?;
    let attributes = section(&mut reader)?;
    let announced = reader.0;
    reach::prefixes(Family::Ipv4, withdrawn).ok_or_else(Notification::invalid_network_field)?;
    reach::prefixes(Family::Ipv4, announced).ok_or_else(Notification::invalid_network_field)?;
    section::walk(withdrawn, attributes, announced, decoding)
}
