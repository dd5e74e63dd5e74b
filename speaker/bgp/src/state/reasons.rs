//! The NOTIFICATIONs that the state machine itself comes to send.

use std::collections::BTreeSet;

use crate::packet::Notification;
use crate::value::Family;

/// Error code of Cease.
const CEASE: u8 = 6;
/// Cease: Hard Reset (RFC 8538).
const HARD_RESET: u8 = 9;

fn plain(code: u8, subcode: u8) -> Notification {
    Notification { code, subcode, data: Vec::new() }
}

/// Bad Peer AS (RFC 4271 §6.2).
pub(super) fn bad_peer_as() -> Notification {
    plain(2, 2)
}

/// Bad BGP Identifier (RFC 4271 §6.2, RFC 6286).
pub(super) fn bad_identifier() -> Notification {
    plain(2, 3)
}

/// Unsupported Capability (RFC 5492 §5): the multiprotocol capabilities of `families`, one of which we miss.
pub(super) fn no_common_family(families: &BTreeSet<Family>) -> Notification {
    let data = families.iter().flat_map(|family| {
        let [high, low] = family.afi().to_be_bytes();
        [1, 4, high, low, 0, Family::UNICAST]
    });
    Notification { code: 2, subcode: 7, data: data.collect() }
}

/// Hold Timer Expired (RFC 4271 §6.5).
pub(super) fn hold_expired() -> Notification {
    plain(4, 0)
}

/// Finite State Machine Error (RFC 4271 §6.6) with a subcode of RFC 6608.
pub(super) fn unexpected(subcode: u8) -> Notification {
    plain(5, subcode)
}

/// Send Hold Timer Expired (RFC 9687).
pub(super) fn send_hold_expired() -> Notification {
    plain(8, 0)
}

/// Cease: Connection Collision Resolution (RFC 4486).
pub(super) fn collision() -> Notification {
    plain(CEASE, 7)
}

/// Cease: BFD Down (RFC 9384).
pub(super) fn bfd_down() -> Notification {
    plain(CEASE, 10)
}

/// `reason` in the envelope that makes a peer forget our routes where it would keep them (RFC 8538 §3.1).
pub(super) fn hard_reset(reason: &Notification) -> Notification {
    if (reason.code, reason.subcode) == (CEASE, HARD_RESET) {
        return reason.clone();
    }
    let data = [reason.code, reason.subcode].into_iter().chain(reason.data.iter().copied());
    Notification { code: CEASE, subcode: HARD_RESET, data: data.collect() }
}
