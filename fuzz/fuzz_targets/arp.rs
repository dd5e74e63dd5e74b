//! Any bytes from the network: read or refused, never a panic; what is read is written the same; and an answer is only
//! given to a request for an address that is owned.
//!
//! The first byte of the input chooses whether the rest is the frame, or only what follows a good header.
#![no_main]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herald_neighbor::packet::arp::{Arp, Operation};
use herald_neighbor::{Interface, InterfaceIndex, Layer2, MacAddr, Outcome, Scope, Settings};
use libfuzzer_sys::fuzz_target;

const MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const AHEAD: MacAddr = MacAddr(2, 0, 0, 0, 0, 3);
const OWNED: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const ASKED_FOR: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const LINK: InterfaceIndex = InterfaceIndex(1);

/// Ethernet's header with ARP's first eight bytes.
fn framed(choice: u8, rest: &[u8]) -> Vec<u8> {
    let to = if choice & 2 == 0 { MacAddr(0xff, 0xff, 0xff, 0xff, 0xff, 0xff) } else { MAC };
    let mut frame = to.octets().to_vec();
    frame.extend([2, 0, 0, 0, 0, 2, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 + (choice >> 2 & 1)]);
    frame.extend_from_slice(rest);
    // The addresses that matter are four bytes each, in two places.
    for (at, bits) in [(28, choice >> 3 & 3), (38, choice >> 5 & 3)] {
        let known = [None, Some(OWNED), Some(ASKED_FOR), Some(Ipv4Addr::UNSPECIFIED)][usize::from(bits)];
        if let (Some(known), Some(place)) = (known, frame.get_mut(at..at + 4)) {
            place.copy_from_slice(&known.octets());
        }
    }
    frame
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    let frame = if choice & 1 == 0 { rest.to_vec() } else { framed(*choice, rest) };
    let frame = frame.as_slice();
    let read = Arp::decode(frame);
    if let Ok(arp) = read {
        assert_eq!(arp.encode()[..42], frame[..42]);
    }

    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(
        Interface { index: LINK, name: "eth0".to_owned(), mac: MAC, link_local: None, addresses: Vec::new() },
        Duration::ZERO,
    );
    layer2.own(IpAddr::V4(OWNED), Scope::All, BTreeSet::from([AHEAD]), Duration::ZERO);
    layer2.probe(IpAddr::V4(ASKED_FOR), Duration::ZERO).expect("one question");
    match layer2.receive(LINK, frame, Duration::ZERO) {
        Outcome::Reply { frame: reply, .. } => {
            let asked = read.expect("only what can be read is answered");
            assert_eq!((asked.operation, asked.target_ip), (Operation::Request, OWNED));
            let reply = Arp::decode(&reply).expect("what we send can be read");
            assert_eq!((reply.sender_ip, reply.sender_mac), (OWNED, MAC));
            assert_eq!(reply.destination, asked.sender_mac);
        }
        Outcome::Claim(claim) => {
            let said = read.expect("only what can be read is a claim");
            assert_eq!((said.sender_ip, said.sender_mac), (OWNED, claim.mac));
        }
        Outcome::Heard => {
            let said = read.expect("only what can be read is an answer");
            assert_eq!((said.operation, said.sender_ip), (Operation::Reply, ASKED_FOR));
        }
        Outcome::Ignored(_) => assert_eq!(layer2.ignored().map(|(_, count)| count).sum::<u64>(), 1),
    }
});
