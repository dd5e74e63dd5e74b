//! Any bytes from the network, with lengths and checksum made right if asked: read or refused, never a panic; what is
//! read can be written and read again; and an answer is only given to a solicitation for an address that is owned.
#![no_main]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use herald_neighbor::packet::ndp::{Message, Ndp};
use herald_neighbor::{Interface, InterfaceIndex, Layer2, MacAddr, Outcome, Scope, Settings};
use libfuzzer_sys::fuzz_target;

const MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const LINK: InterfaceIndex = InterfaceIndex(1);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

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

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (seal, mut frame) = input;
    if seal {
        sealed(&mut frame);
    }
    let read = Ndp::decode(&frame);
    if let Ok(ndp) = read {
        assert_eq!(Ndp::decode(&ndp.encode()), Ok(ndp));
    }

    let owned = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(
        Interface { index: LINK, name: "eth0".to_owned(), mac: MAC, link_local: Some(LINK_LOCAL), addresses: Vec::new() },
        Duration::ZERO,
    );
    layer2.own(IpAddr::V6(owned), Scope::All, BTreeSet::new(), Duration::ZERO);
    let asked_for = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
    layer2.probe(IpAddr::V6(asked_for), Duration::ZERO).expect("one question");
    match layer2.receive(LINK, &frame, Duration::ZERO) {
        Outcome::Reply { frame: reply, .. } => {
            let asked = read.expect("only what can be read is answered");
            assert!(matches!(asked.message, Message::Solicitation { .. }));
            assert_eq!(asked.target, owned);
            let reply = Ndp::decode(&reply).expect("what we send can be read");
            assert_eq!((reply.target, reply.source), (owned, MAC));
        }
        Outcome::Claim(claim) => assert_eq!(claim.ip, IpAddr::V6(owned)),
        Outcome::Heard => {
            let said = read.expect("only what can be read is an answer");
            assert!(matches!(said.message, Message::Advertisement { .. }));
            assert_eq!(said.target, asked_for);
        }
        Outcome::Ignored(_) => assert_eq!(layer2.ignored().map(|(_, count)| count).sum::<u64>(), 1),
    }
});
