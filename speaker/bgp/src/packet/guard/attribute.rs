//! One attribute: flags, length and value by its type (RFC 7606 §7).

use super::verdict::Fault;
use super::{as_path, code};
use crate::packet::{Decoding, Notification};

/// Attribute flags (RFC 4271 §4.3).
pub(in crate::packet) mod flag {
    pub const OPTIONAL: u8 = 0x80;
    pub const TRANSITIVE: u8 = 0x40;
    pub const EXTENDED_LENGTH: u8 = 0x10;
}

/// A path attribute of a right shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Flags as they came, those without meaning included.
    pub flags: u8,
    /// Type code.
    pub code: u8,
    /// The value, without its length.
    pub value: &'a [u8],
    /// Flags, type, length and value.
    pub bytes: &'a [u8],
}

/// The flags that a type must have: optional and transitive.
const WELL_KNOWN: u8 = flag::TRANSITIVE;
const OPTIONAL_TRANSITIVE: u8 = flag::OPTIONAL | flag::TRANSITIVE;
const OPTIONAL_NON_TRANSITIVE: u8 = flag::OPTIONAL;

/// Subcodes of the UPDATE error (RFC 4271 §6.3).
pub(super) mod subcode {
    pub const UNRECOGNIZED_WELL_KNOWN: u8 = 2;
    pub const MISSING_WELL_KNOWN: u8 = 3;
    pub const FLAGS: u8 = 4;
    pub const LENGTH: u8 = 5;
    pub const ORIGIN: u8 = 6;
    pub const OPTIONAL: u8 = 9;
    pub const AS_PATH: u8 = 11;
}

impl<'a> Attribute<'a> {
    /// What to answer if this attribute ends the session.
    pub(super) fn wrong(&self, subcode: u8) -> Notification {
        Notification::wrong_attribute(subcode, self.bytes)
    }

    /// The flags that the type must have; `None` for types that we don't know.
    fn expected_flags(&self) -> Option<u8> {
        Some(match self.code {
            code::ORIGIN | code::AS_PATH | code::NEXT_HOP | code::LOCAL_PREF | code::ATOMIC_AGGREGATE => WELL_KNOWN,
            code::MULTI_EXIT_DISC
            | code::ORIGINATOR_ID
            | code::CLUSTER_LIST
            | code::MP_REACH_NLRI
            | code::MP_UNREACH_NLRI => OPTIONAL_NON_TRANSITIVE,
            code::AGGREGATOR
            | code::COMMUNITIES
            | code::EXTENDED_COMMUNITIES
            | code::AS4_PATH
            | code::AS4_AGGREGATOR
            | code::IPV6_EXTENDED_COMMUNITIES
            | code::LARGE_COMMUNITY
            | code::ONLY_TO_CUSTOMER => OPTIONAL_TRANSITIVE,
            _ => return None,
        })
    }

    /// Whether its type is one that we know.
    pub(super) fn is_known(&self) -> bool {
        self.expected_flags().is_some()
    }

    /// Whether the flags that tell optional and transitive attributes apart contradict its type. Partial, and the four that
    /// mean nothing, are not looked at.
    pub(super) fn has_wrong_flags(&self) -> bool {
        self.expected_flags().is_some_and(|expected| self.flags & OPTIONAL_TRANSITIVE != expected)
    }

    /// Whether all speakers must know it, and we don't.
    pub(super) fn is_unrecognized(&self) -> bool {
        self.flags & flag::OPTIONAL == 0 && !self.is_known()
    }

    /// What is wrong with it, the multiprotocol ones left aside.
    pub(super) fn check(&self, decoding: &Decoding) -> Result<(), Fault> {
        let withdraw = |subcode| Err(Fault::Withdraw(self.wrong(subcode)));
        // What only internal peers may say is not even looked at (RFC 7606 §7.5, §7.9, §7.10).
        let internal_only = matches!(self.code, code::LOCAL_PREF | code::ORIGINATOR_ID | code::CLUSTER_LIST);
        if self.has_wrong_flags() {
            return withdraw(subcode::FLAGS);
        }
        if internal_only && decoding.external {
            return Err(Fault::Discard);
        }
        let length = self.value.len();
        let list_of = |octets: usize| length > 0 && length.is_multiple_of(octets);
        match self.code {
            code::ORIGIN if length != 1 => withdraw(subcode::LENGTH),
            code::ORIGIN if self.value > &[2] => withdraw(subcode::ORIGIN),
            code::AS_PATH if !as_path::is_right(self.value, decoding.four_octet_asn, decoding.external) => {
                withdraw(subcode::AS_PATH)
            }
            code::NEXT_HOP | code::MULTI_EXIT_DISC | code::LOCAL_PREF | code::ORIGINATOR_ID if length != 4 => {
                withdraw(subcode::LENGTH)
            }
            code::ONLY_TO_CUSTOMER if length != 4 => withdraw(subcode::LENGTH),
            code::CLUSTER_LIST | code::COMMUNITIES if !list_of(4) => withdraw(subcode::OPTIONAL),
            code::EXTENDED_COMMUNITIES if !list_of(8) => withdraw(subcode::OPTIONAL),
            code::LARGE_COMMUNITY if !list_of(12) => withdraw(subcode::OPTIONAL),
            code::IPV6_EXTENDED_COMMUNITIES if !list_of(20) => withdraw(subcode::OPTIONAL),
            code::ATOMIC_AGGREGATE if length > 0 => Err(Fault::Discard),
            code::AGGREGATOR if !self.is_aggregator(decoding.four_octet_asn) => Err(Fault::Discard),
            // RFC 6793 §4.1: of no use between two that know four octets; §6: discarded if wrong.
            code::AS4_PATH | code::AS4_AGGREGATOR if decoding.four_octet_asn => Err(Fault::Discard),
            code::AS4_PATH if !as_path::is_right(self.value, true, true) => Err(Fault::Discard),
            code::AS4_AGGREGATOR if !self.is_aggregator(true) => Err(Fault::Discard),
            _ => Ok(()),
        }
    }

    /// An AS number that is not 0 (RFC 7607), and a router.
    fn is_aggregator(&self, four_octet_asn: bool) -> bool {
        let asn = if four_octet_asn { 4 } else { 2 };
        self.value.len() == asn + 4 && self.value.iter().take(asn).any(|octet| *octet != 0)
    }
}
