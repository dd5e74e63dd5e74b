//! The whole of it, frame by frame.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Layer2, Settings};
use crate::action::{Claim, Claimant, Ignored, Outcome};
use crate::packet::MacAddr;
use crate::packet::arp::{Arp, DecodeError, Operation};
use crate::responder::{DEFEND_INTERVAL, REASSERT_INTERVAL};
use crate::state::{AddressCounters, Interface, InterfaceIndex, Scope};

const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const CLIENT_IP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const ETH0: InterfaceIndex = InterfaceIndex(2);
const ETH1: InterfaceIndex = InterfaceIndex(3);
const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const OURS_TOO: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const CLIENT: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x10);
const OTHER: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x66);
const START: Duration = Duration::from_secs(1_000);

fn interface(index: InterfaceIndex, name: &str, mac: MacAddr) -> Interface {
    Interface { index, name: name.to_owned(), mac, link_local: None }
}

fn named(names: &[&str]) -> Scope {
    Scope::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Two interfaces, the address owned on `scope`, its first round sent.
fn node(scope: Scope) -> Layer2 {
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    layer2.set_interface(interface(ETH1, "eth1", OURS_TOO), START);
    layer2.own(IpAddr::V4(VIP), scope, START);
    layer2.poll(START);
    layer2
}

/// Nobody is expected to claim anything.
fn hear(layer2: &mut Layer2, on: InterfaceIndex, arp: Arp) -> Outcome {
    layer2.receive(on, &arp.encode(), |ip, mac| panic!("nobody claims, but {mac} was said to claim {ip}"), START)
}

fn claim(layer2: &mut Layer2, mac: MacAddr, claimant: Claimant, now: Duration) -> Claim {
    let frame = Arp::announcement_request(mac, VIP).encode();
    match layer2.receive(ETH0, &frame, |_, _| claimant, now) {
        Outcome::Claim(claim) => claim,
        other => panic!("expected a claim: {other:?}"),
    }
}

fn sent_by(layer2: &mut Layer2, now: Duration) -> usize {
    layer2.poll(now).len()
}

#[test]
fn a_request_is_answered_to_the_asker_alone_with_the_interfaces_mac() {
    let mut layer2 = node(Scope::All);
    for (on, ours) in [(ETH0, OURS), (ETH1, OURS_TOO)] {
        let Outcome::Reply { frame, ip, to } = hear(&mut layer2, on, Arp::request(CLIENT, CLIENT_IP, VIP)) else {
            panic!("not answered")
        };
        assert_eq!((ip, to), (IpAddr::V4(VIP), CLIENT));
        let reply = Arp::decode(&frame).unwrap();
        let expected = Arp {
            destination: CLIENT,
            source: ours,
            operation: Operation::Reply,
            sender_mac: ours,
            sender_ip: VIP,
            target_mac: CLIENT,
            target_ip: CLIENT_IP,
        };
        assert_eq!(reply, expected);
    }
}
