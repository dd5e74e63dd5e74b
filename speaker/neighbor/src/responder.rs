//! Which received frames are answered, which are somebody else's claim to an address of ours, and which are neither.
//!
//! ```text
//!   frame ─ decode ─ from ourselves? ─ an answer to a question of ours? ── told
//!                                    ├ says an address of ours is elsewhere? ── claim
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

use crate::action::{Ignored, Outcome};
use crate::asked::Asked;
use crate::event::Heard;
use crate::packet::MacAddr;
use crate::state::{Held, Interface, InterfaceIndex, Interfaces, Role, Standing};

/// What a frame calls for.
#[derive(Debug)]
pub(crate) struct Response {
    /// It answers a question of ours: this address is at this MAC.
    pub(crate) heard: Option<(IpAddr, MacAddr)>,
    /// What it means for an address that we hold.
    pub(crate) meaning: Result<Meaning, Ignored>,
}

/// What a frame means for an address that we hold.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// An [`Outcome::Reply`].
    Reply(Outcome),
    /// `mac` says it has `ip`, which is ours.
    Claim { ip: IpAddr, mac: MacAddr },
}

/// Judges a frame and counts what it means for the address concerned.
pub(crate) fn respond(
    interfaces: &Interfaces,
    held: &mut BTreeMap<IpAddr, Held>,
    asked: &mut Asked,
    silent: bool,
    (index, frame): (InterfaceIndex, &[u8]),
    now: Duration,
) -> Response {
    let ignored = |reason| Response { heard: None, meaning: Err(reason) };
    let Some(interface) = interfaces.get(index) else { return ignored(Ignored::UnknownInterface) };
    let packet = match Heard::decode(frame) {
        Ok(packet) => packet,
        Err(error) => return ignored(Ignored::Malformed(error)),
    };
    let (said, mac) = packet.says();
    if interfaces.is_own_mac(mac) || interfaces.is_own_mac(packet.source()) {
        return ignored(Ignored::OwnFrame);
    }
    if mac.is_zero() {
        return ignored(Ignored::InvalidSender);
    }
    let heard = (!packet.asks() && asked.answered(said, now)).then_some((said, mac));
    Response { heard, meaning: judge(interface, held, silent, &packet) }
}

fn judge(
    interface: &Interface,
    addresses: &mut BTreeMap<IpAddr, Held>,
    silent: bool,
    packet: &Heard,
) -> Result<Meaning, Ignored> {
    let (said, mac) = packet.says();
    if let Some(held) = addresses.get_mut(&said) {
        // The same address on a network that ours is not announced to is another address.
        if !interface.carries(said, &held.scope) {
            return Err(Ignored::OtherInterface);
        }
        if held.standing() == Standing::StandIn {
            return Err(Ignored::StoodInFor);
        }
        held.counters.claims_received += 1;
        return Ok(Meaning::Claim { ip: said, mac });
    }

    let ip = packet.target();
    let held = addresses.get_mut(&ip).ok_or(Ignored::NotOwned)?;
    for_us_to_answer(packet, interface, held)?;
    held.counters.requests_received += 1;
    let owner = match &held.role {
        Role::Owner(owner) if owner.yielded.is_some() => return Err(Ignored::Yielded),
        Role::Owner(_) => interface.mac,
        Role::StandIn(owner) => *owner,
    };
    if silent {
        return Err(Ignored::Silent);
    }
    let frame = packet.reply(interface, owner).ok_or(Ignored::OtherInterface)?;
    held.counters.responses_sent += 1;
    Ok(Meaning::Reply(Outcome::Reply { frame, ip, to: mac }))
}

fn for_us_to_answer(packet: &Heard, interface: &Interface, held: &Held) -> Result<(), Ignored> {
    if !packet.asks() {
        return Err(Ignored::NotARequest);
    }
    if !interface.carries(packet.target(), &held.scope) {
        return Err(Ignored::OtherInterface);
    }
    // A request to somebody else's MAC is a cache's way of asking whether *that* machine still has the address
    // (RFC 1122 §2.3.2.1 "unicast poll"). Promiscuous interfaces see it; answering would put words in its mouth.
    if !packet.is_to(interface) {
        return Err(Ignored::NotToUs);
    }
    // The answer goes to this MAC: a group address would make us shout on somebody's behalf.
    let (_, asker) = packet.says();
    if asker.is_multicast() {
        return Err(Ignored::InvalidSender);
    }
    Ok(())
}
