//! Any bytes from the network: read or refused, never a panic; what is read can be written and read again; and an answer
//! is only given to a solicitation for an address that is owned.
//!
//! The first byte of the input chooses how much of the frame is made right: nothing, lengths and checksum, or all of it
//! up to the options, so that flags, options and the addresses' roles get their share.
#![no_main]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use herald_neighbor::packet::ndp::{Message, Ndp, group_mac, solicited_node_group};
use herald_neighbor::{Interface, InterfaceIndex, Layer2, MacAddr, Outcome, Scope, Settings};
use libfuzzer_sys::fuzz_target;

const MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const LINK: InterfaceIndex = InterfaceIndex(1);
const OTHER: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const AHEAD: MacAddr = MacAddr(2, 0, 0, 0, 0, 3);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const CLIENT: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const OWNED: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
const ASKED_FOR: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);

/// A fuzzer does not find a checksum by itself.
fn sealed(frame: &mut [u8]) {
    let Some(length) = frame.len().checked_sub(54).and_then(|length| u16::try_from(length).ok()) else { return };
    if length < 4 {
        return;
    }
    frame[18..20].copy_from_slice(&length.to_be_bytes());
    frame[56..58].fill(0);
    let words = frame[22..].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum = words.fold(u32::from(length) + 58, u32::wrapping_add);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    frame[56..58].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// A message that is right up to its flags and options, which are given.
fn framed(choice: u8, rest: &[u8]) -> Vec<u8> {
    let target = if choice & 0x04 == 0 { OWNED } else { ASKED_FOR };
    let source_ip = [Ipv6Addr::UNSPECIFIED, CLIENT, OWNED, LINK_LOCAL][usize::from(choice >> 3 & 3)];
    let message = match choice & 0x20 {
        0 => Message::Solicitation { asker: None },
        _ => Message::Advertisement { router: false, solicited: false, overrides: false, owner: None },
    };
    let to_group = choice & 0x40 == 0;
    let destination_ip = if to_group { solicited_node_group(target) } else { target };
    let source = if choice & 0x80 == 0 { OTHER } else { AHEAD };
    let destination = if to_group { group_mac(destination_ip) } else { MAC };
    let mut frame = Ndp { destination, source, source_ip, destination_ip, target, message }.encode();
    let (flags, options) = rest.split_first().unwrap_or((&0, &[]));
    frame[58] = *flags;
    frame.extend_from_slice(options);
    frame
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    let mut frame = if choice & 2 == 0 { rest.to_vec() } else { framed(*choice, rest) };
    if choice & 3 != 0 {
        sealed(&mut frame);
    }
    let read = Ndp::decode(&frame);
    if let Ok(ndp) = read {
        assert_eq!(Ndp::decode(&ndp.encode()), Ok(ndp));
    }

    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(
        Interface { index: LINK, name: "eth0".to_owned(), mac: MAC, link_local: Some(LINK_LOCAL), addresses: Vec::new() },
        Duration::ZERO,
    );
    layer2.own(IpAddr::V6(OWNED), Scope::All, BTreeSet::from([AHEAD]), Duration::ZERO);
    layer2.probe(IpAddr::V6(ASKED_FOR), Duration::ZERO).expect("one question");
    match layer2.receive(LINK, &frame, Duration::ZERO) {
        Outcome::Reply { frame: reply, .. } => {
            let asked = read.expect("only what can be read is answered");
            assert!(matches!(asked.message, Message::Solicitation { .. }));
            assert_eq!(asked.target, OWNED);
            let reply = Ndp::decode(&reply).expect("what we send can be read");
            assert_eq!((reply.target, reply.source), (OWNED, MAC));
        }
        Outcome::Claim(claim) => assert_eq!(claim.ip, IpAddr::V6(OWNED)),
        Outcome::Heard => {
            let said = read.expect("only what can be read is an answer");
            assert!(matches!(said.message, Message::Advertisement { .. }));
            assert_eq!(said.target, ASKED_FOR);
        }
        Outcome::Ignored(_) => assert_eq!(layer2.ignored().map(|(_, count)| count).sum::<u64>(), 1),
    }
});
