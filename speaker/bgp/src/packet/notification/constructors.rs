//! The messages that Herald sends, apart from Cease.

use super::{MAX_DATA, Notification, code};
use crate::packet::Capability;
use crate::packet::open::encode_capability;

/// As much of what the peer sent as can be sent back.
fn fitting(bytes: &[u8]) -> &[u8] {
    bytes.get(..MAX_DATA).unwrap_or(bytes)
}

/// Message header errors (RFC 4271 §6.1).
impl Notification {
    /// The marker is not all ones.
    #[must_use]
    pub fn not_synchronized() -> Self {
        Self::new(code::HEADER, 1)
    }

    /// No message can have this length, or none of this type.
    #[must_use]
    pub fn bad_message_length(length: u16) -> Self {
        Self::with_data(code::HEADER, 2, length.to_be_bytes())
    }

    /// There is no such message.
    #[must_use]
    pub fn bad_message_type(kind: u8) -> Self {
        Self::with_data(code::HEADER, 3, [kind])
    }
}

/// OPEN errors (RFC 4271 §6.2).
impl Notification {
    /// Wrong without having a subcode of its own: lengths that don't fit.
    #[must_use]
    pub fn malformed_open() -> Self {
        Self::new(code::OPEN, 0)
    }

    /// Not version 4.
    #[must_use]
    pub fn unsupported_version() -> Self {
        Self::with_data(code::OPEN, 1, [0, 4])
    }

    /// Not the AS number expected, or 0 (RFC 7607).
    #[must_use]
    pub fn bad_peer_as() -> Self {
        Self::new(code::OPEN, 2)
    }

    /// 0, or our own within an AS (RFC 6286).
    #[must_use]
    pub fn bad_bgp_identifier() -> Self {
        Self::new(code::OPEN, 3)
    }

    /// An optional parameter that is no list of capabilities.
    #[must_use]
    pub fn unsupported_optional_parameter() -> Self {
        Self::new(code::OPEN, 4)
    }

    /// One or two seconds.
    #[must_use]
    pub fn unacceptable_hold_time() -> Self {
        Self::new(code::OPEN, 6)
    }

    /// The peer lacks these capabilities (RFC 5492 §5), without which there is nothing to talk about.
    #[must_use]
    pub fn unsupported_capability(missing: &[Capability]) -> Self {
        let mut data = Vec::new();
        for capability in missing {
            encode_capability(&mut data, capability);
        }
        Self::with_data(code::OPEN, 7, data)
    }
}

/// UPDATE errors (RFC 4271 §6.3).
impl Notification {
    /// Lengths that don't fit, or what must be there once is there twice.
    #[must_use]
    pub fn malformed_attribute_list() -> Self {
        Self::new(code::UPDATE, 1)
    }

    /// A prefix longer than its address, or longer than what is left.
    #[must_use]
    pub fn invalid_network_field() -> Self {
        Self::new(code::UPDATE, 10)
    }

    /// One attribute is wrong: flags, type, length and value follow.
    pub(crate) fn wrong_attribute(subcode: u8, attribute: &[u8]) -> Self {
        Self::with_data(code::UPDATE, subcode, fitting(attribute))
    }
}

/// Timers and the state machine.
impl Notification {
    /// The peer was silent for longer than the hold time (RFC 4271 §6.5).
    #[must_use]
    pub fn hold_timer_expired() -> Self {
        Self::new(code::HOLD_TIMER, 0)
    }

    /// The peer took nothing for longer than the send hold time (RFC 9687).
    #[must_use]
    pub fn send_hold_timer_expired() -> Self {
        Self::new(code::SEND_HOLD_TIMER, 0)
    }

    /// A message that does not belong into state `OpenSent` (RFC 6608).
    #[must_use]
    pub fn unexpected_in_open_sent() -> Self {
        Self::new(code::STATE_MACHINE, 1)
    }

    /// A message that does not belong into state `OpenConfirm` (RFC 6608).
    #[must_use]
    pub fn unexpected_in_open_confirm() -> Self {
        Self::new(code::STATE_MACHINE, 2)
    }

    /// A message that does not belong into state `Established` (RFC 6608).
    #[must_use]
    pub fn unexpected_in_established() -> Self {
        Self::new(code::STATE_MACHINE, 3)
    }

    /// A ROUTE-REFRESH of the wrong length (RFC 7313 §5): all of it follows.
    #[must_use]
    pub fn invalid_refresh_length(message: &[u8]) -> Self {
        Self::with_data(code::ROUTE_REFRESH, 1, fitting(message))
    }
}
