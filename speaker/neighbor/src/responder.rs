//! Which received frames are answered, which are somebody else's claim to an address of ours, and which are neither.
//!
//! ```text
//!   frame ─ decode ─ from ourselves? ─ says an address of ours is elsewhere? ── claim
//!                                    └ asks for an address of ours? ─ here? to us? not silent? ── reply
//!                                    └ anything else ── ignored, with the reason
//! ```
//!
//! The sender's own IP address is not looked at in a request, so probes (sender 0.0.0.0, RFC 5227, or `::`, RFC 4862) are
//! answered: that is what keeps a host from taking an address of ours. Answers are never answered, so two responders
//! cannot talk for ever.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::action::{Claim, Ignored, Outcome};
use crate::event::Heard;
use crate::packet::MacAddr;
use crate::state::{Conflict, Interface, InterfaceIndex, Interfaces, Owned};

/// An address is announced against a foreign claim at most this often (RFC 5227 §2.4 and its DEFEND_INTERVAL). Two
/// machines that both insist would otherwise flood the network.
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// An address is announced against a speaker that ranks behind us at most this often. It gives way to the first
/// announcement it hears, so this is short.
pub const REASSERT_INTERVAL: Duration = Duration::from_secs(1);

/// What a frame calls for.
pub(crate) enum Response {
    /// An [`Outcome::Reply`].
    Reply(Outcome),
    /// `mac` says it has `ip`, which is ours.
    Claim { ip: IpAddr, mac: MacAddr },
}

/// Judges a frame and counts what it means for the address concerned.
pub(crate) fn respond(
    interfaces: &Interfaces,
    addresses: &mut BTreeMap<IpAddr, Owned>,
    silent: bool,
    index: InterfaceIndex,
    frame: &[u8],
) -> Result<Response, Ignored> {
    let interface = interfaces.get(index).ok_or(Ignored::UnknownInterface)?;
    let heard = Heard::decode(frame).map_err(Ignored::Malformed)?;
    let (said, mac) = heard.says();
    if interfaces.is_own_mac(mac) || interfaces.is_own_mac(heard.source()) {
        return Err(Ignored::OwnFrame);
    }
    if mac.is_zero() {
        return Err(Ignored::InvalidSender);
    }

    if let Some(owned) = addresses.get_mut(&said) {
        // The same address on a network that ours is not announced to is another address.
        if !interface.carries(said, &owned.scope) {
            return Err(Ignored::OtherInterface);
        }
        owned.counters.claims_received += 1;
        return Ok(Response::Claim { ip: said, mac });
    }

    let ip = heard.target();
    let owned = addresses.get_mut(&ip).ok_or(Ignored::NotOwned)?;
    for_us_to_answer(&heard, interface, owned)?;
    owned.counters.requests_received += 1;
    if silent {
        return Err(Ignored::Silent);
    }
    let frame = heard.reply(interface).ok_or(Ignored::OtherInterface)?;
    owned.counters.responses_sent += 1;
    Ok(Response::Reply(Outcome::Reply { frame, ip, to: mac }))
}

fn for_us_to_answer(heard: &Heard, interface: &Interface, owned: &Owned) -> Result<(), Ignored> {
    if !heard.asks() {
        return Err(Ignored::NotARequest);
    }
    if !interface.carries(heard.target(), &owned.scope) {
        return Err(Ignored::OtherInterface);
    }
    // A request to somebody else's MAC is a cache's way of asking whether *that* machine still has the address
    // (RFC 1122 §2.3.2.1 "unicast poll"). Promiscuous interfaces see it; answering would put words in its mouth.
    if !heard.is_to(interface) {
        return Err(Ignored::NotToUs);
    }
    // The answer goes to this MAC: a group address would make us shout on somebody's behalf.
    let (_, asker) = heard.says();
    if asker.is_multicast() {
        return Err(Ignored::InvalidSender);
    }
    Ok(())
}

/// Remembers who claims; true if this MAC had not been heard to.
pub(crate) fn note_conflict(owned: &mut Owned, claim: &Claim, now: Duration) -> bool {
    match &mut owned.conflict {
        Some(conflict) if conflict.mac == claim.mac => {
            conflict.last_heard = now;
            conflict.interface = claim.interface;
            false
        }
        other => {
            // The time of the last defence outlives a change of MAC: else two claimants in turn would defeat the limit.
            let defended = other.as_ref().and_then(|conflict| conflict.defended);
            let Claim { mac, interface, .. } = *claim;
            *other = Some(Conflict { mac, interface, since: now, last_heard: now, defended });
            true
        }
    }
}

/// Whether an address may be defended now; if so, that counts as done.
pub(crate) fn may_defend(owned: &mut Owned, interval: Duration, now: Duration) -> bool {
    let Some(conflict) = &mut owned.conflict else { return false };
    let allowed = conflict.defended.is_none_or(|last| now >= last + interval);
    if allowed {
        conflict.defended = Some(now);
    }
    allowed
}
