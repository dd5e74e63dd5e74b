//! Any bytes from the network: read or refused, never a panic; what is read is written the same; and an answer is only
//! given to a request for an address that is owned.
#![no_main]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herald_neighbor::packet::arp::{Arp, Operation};
use herald_neighbor::{Interface, InterfaceIndex, Layer2, MacAddr, Outcome, Scope, Settings};
use libfuzzer_sys::fuzz_target;

const MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const LINK: InterfaceIndex = InterfaceIndex(1);

fuzz_target!(|frame: &[u8]| {
    let read = Arp::decode(frame);
    if let Ok(arp) = read {
        assert_eq!(arp.encode()[..42], frame[..42]);
    }

    let owned = Ipv4Addr::new(192, 168, 1, 240);
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(
        Interface { index: LINK, name: "eth0".to_owned(), mac: MAC, link_local: None, addresses: Vec::new() },
        Duration::ZERO,
    );
    layer2.own(IpAddr::V4(owned), Scope::All, BTreeSet::new(), Duration::ZERO);
    let asked_for = Ipv4Addr::new(192, 168, 1, 10);
    layer2.probe(IpAddr::V4(asked_for), Duration::ZERO).expect("one question");
    match layer2.receive(LINK, frame, Duration::ZERO) {
        Outcome::Reply { frame: reply, .. } => {
            let asked = read.expect("only what can be read is answered");
            assert_eq!((asked.operation, asked.target_ip), (Operation::Request, owned));
            let reply = Arp::decode(&reply).expect("what we send can be read");
            assert_eq!((reply.sender_ip, reply.sender_mac), (owned, MAC));
            assert_eq!(reply.destination, asked.sender_mac);
        }
        Outcome::Claim(claim) => {
            let said = read.expect("only what can be read is a claim");
            assert_eq!((said.sender_ip, said.sender_mac), (owned, claim.mac));
        }
        Outcome::Heard => {
            let said = read.expect("only what can be read is an answer");
            assert_eq!((said.operation, said.sender_ip), (Operation::Reply, asked_for));
        }
        Outcome::Ignored(_) => assert_eq!(layer2.ignored().map(|(_, count)| count).sum::<u64>(), 1),
    }
});
