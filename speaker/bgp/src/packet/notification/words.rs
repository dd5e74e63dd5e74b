//! The words for people.

use std::fmt;

use super::cease::subcode;
use super::{Notification, code};
use crate::packet::guard::code::Name;
use crate::value::Family;

/// In words: `bad peer AS`, `cease: administrative shutdown: "maintenance"`. What the peer wrote is quoted and its control
/// characters are escaped.
impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            code::HEADER => self.one_of(f, "message header error", HEADER),
            code::OPEN => self.one_of(f, "OPEN message error", OPEN),
            code::UPDATE => self.one_of(f, "UPDATE message error", UPDATE),
            code::HOLD_TIMER => self.one_of(f, "hold timer expired", &[]),
            code::STATE_MACHINE => self.one_of(f, "state machine error", STATE_MACHINE),
            code::CEASE => self.cease_in_words(f),
            code::ROUTE_REFRESH => self.one_of(f, "ROUTE-REFRESH message error", ROUTE_REFRESH),
            code::SEND_HOLD_TIMER => self.one_of(f, "send hold timer expired", &[]),
            code => write!(f, "error {code}/{}", self.subcode),
        }
    }
}

/// What is wrong with a peer's bytes is told by the answer to them.
impl std::error::Error for Notification {}

const HEADER: &[(u8, &str)] = &[(1, "connection not synchronized"), (2, "bad message length"), (3, "bad message type")];

const OPEN: &[(u8, &str)] = &[
    (1, "unsupported version number"),
    (2, "bad peer AS"),
    (3, "bad BGP identifier"),
    (4, "unsupported optional parameter"),
    (5, "authentication failure"),
    (6, "unacceptable hold time"),
    (7, "unsupported capability"),
    (11, "role mismatch"),
];

const UPDATE: &[(u8, &str)] = &[
    (1, "malformed attribute list"),
    (2, "unrecognized well-known attribute"),
    (3, "missing well-known attribute"),
    (4, "attribute flags error"),
    (5, "attribute length error"),
    (6, "invalid ORIGIN attribute"),
    (7, "AS routing loop"),
    (8, "invalid NEXT_HOP attribute"),
    (9, "optional attribute error"),
    (10, "invalid network field"),
    (11, "malformed AS_PATH"),
];

const STATE_MACHINE: &[(u8, &str)] = &[
    (1, "unexpected message in OpenSent"),
    (2, "unexpected message in OpenConfirm"),
    (3, "unexpected message in Established"),
];

const ROUTE_REFRESH: &[(u8, &str)] = &[(1, "invalid ROUTE-REFRESH message length")];

const CEASE: &[(u8, &str)] = &[
    (subcode::MAXIMUM_PREFIXES, "maximum number of prefixes reached"),
    (subcode::ADMINISTRATIVE_SHUTDOWN, "administrative shutdown"),
    (subcode::PEER_DECONFIGURED, "peer de-configured"),
    (subcode::ADMINISTRATIVE_RESET, "administrative reset"),
    (subcode::CONNECTION_REJECTED, "connection rejected"),
    (subcode::OTHER_CONFIGURATION_CHANGE, "other configuration change"),
    (subcode::CONNECTION_COLLISION, "connection collision resolution"),
    (subcode::OUT_OF_RESOURCES, "out of resources"),
    (subcode::HARD_RESET, "hard reset"),
    (subcode::BFD_DOWN, "BFD down"),
];

impl Notification {
    /// The words for the subcode, or those for the code with the number of the subcode, and the attribute if there is one.
    fn one_of(&self, f: &mut fmt::Formatter<'_>, code: &str, subcodes: &[(u8, &str)]) -> fmt::Result {
        match subcodes.iter().find(|(subcode, _)| *subcode == self.subcode) {
            Some((_, words)) => f.write_str(words)?,
            None if self.subcode == 0 => f.write_str(code)?,
            None => write!(f, "{code}, subcode {}", self.subcode)?,
        }
        match (self.code, self.subcode, self.data.as_slice()) {
            (code::HEADER, 2, [high, low]) => write!(f, ": {}", u16::from_be_bytes([*high, *low])),
            (code::HEADER, 3, [kind]) => write!(f, ": {kind}"),
            (code::UPDATE, 3, [attribute]) | (code::UPDATE, 2 | 4..=9, [_, attribute, ..]) => {
                write!(f, ": {}", Name(*attribute))
            }
            _ => Ok(()),
        }
    }

    fn cease_in_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if CEASE.iter().any(|(subcode, _)| *subcode == self.subcode) {
            f.write_str("cease: ")?;
        }
        self.one_of(f, "cease", CEASE)?;
        match (self.subcode, self.data.as_slice()) {
            // Only one level is looked into, however many there are.
            (subcode::HARD_RESET, [_, _, ..]) => {
                let reason = self.reason();
                if reason.is_hard_reset() { Ok(()) } else { write!(f, ": {reason}") }
            }
            (subcode::MAXIMUM_PREFIXES, [afi0, afi1, safi, a, b, c, d]) => {
                let limit = u32::from_be_bytes([*a, *b, *c, *d]);
                match Family::from_wire(u16::from_be_bytes([*afi0, *afi1]), *safi) {
                    Some(family) => write!(f, ": {limit} of {family}"),
                    None => write!(f, ": {limit}"),
                }
            }
            _ => match self.shutdown_text() {
                Some(text) => write!(f, ": {text:?}"),
                None => Ok(()),
            },
        }
    }
}
