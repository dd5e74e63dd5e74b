//! Does a Linux host believe what Herald says? The other end of the link is the kernel's own ARP.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use herald_neighbor::filter::MAX_INSTRUCTIONS;
use herald_neighbor::packet::arp::Arp;
use herald_neighbor::{Claimant, Interface, InterfaceIndex, Layer2, MacAddr, Outcome, Scope, Settings};
use herald_sys::{Instruction, PacketSocket};

use crate::link::{Link, ip, open, readable, with_link};

const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const NEXT_OWNERS: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x33);
const NOW: Duration = Duration::from_secs(1);

fn node(link: Link) -> (Layer2, PacketSocket) {
    let mut layer2 = Layer2::new(Settings::default());
    let interface =
        Interface { index: InterfaceIndex(link.left), name: "left".to_owned(), mac: OURS, link_local: None };
    layer2.set_interface(interface, NOW);
    layer2.own(IpAddr::V4(VIP), Scope::All, NOW);
    let program: Vec<Instruction> = layer2
        .filter(MAX_INSTRUCTIONS)
        .instructions
        .into_iter()
        .map(|i| Instruction { code: i.code, jt: i.jt, jf: i.jf, k: i.k })
        .collect();
    (layer2, open(link.left, &program))
}

/// The MAC under which the host on the right knows the address.
fn known_mac() -> Option<String> {
    let output = Command::new("ip").args(["neigh", "show", "to", "192.168.1.240", "dev", "right"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut words = text.split_whitespace();
    words.find(|word| *word == "lladdr")?;
    words.next().map(str::to_owned)
}

/// The host on the right must know the address under this MAC within half a second: it takes a moment until the kernel
/// has worked off a frame that was sent.
fn assert_known_as(mac: MacAddr) {
    let known = (0..50).any(|_| {
        let known = known_mac() == Some(mac.to_string());
        if !known {
            std::thread::sleep(Duration::from_millis(10));
        }
        known
    });
    assert!(known, "the host knows {:?} instead of {mac}", known_mac());
}

/// The host on the right asks for the address and gets our answer.
fn resolved_by_the_host(layer2: &mut Layer2, socket: &PacketSocket, link: Link) {
    ip("addr add 192.168.1.10/24 dev right");
    UdpSocket::bind("192.168.1.10:0").unwrap().send_to(b"hello", (VIP, 9)).unwrap();
    assert!(readable(socket, Duration::from_secs(2)), "the host did not ask");
    let mut buffer = [0; 200];
    let received = socket.receive(&mut buffer).unwrap();
    let frame = &buffer[..received.length];
    let Outcome::Reply { frame, .. } = layer2.receive(InterfaceIndex(link.left), frame, |_, _| Claimant::Foreign, NOW)
    else {
        panic!("not answered")
    };
    socket.send(&frame).unwrap();
    assert_known_as(OURS);
}

#[test]
fn our_answer_resolves_the_address() {
    with_link(|link| {
        let (mut layer2, socket) = node(link);
        resolved_by_the_host(&mut layer2, &socket, link);
    });
}

#[test]
fn each_form_of_announcement_alone_replaces_a_fresh_entry() {
    // The entry was confirmed a moment ago: Linux replaces it within the first second (neigh/locktime) only by a packet
    // that it takes for gratuitous.
    for announcement in [Arp::announcement_request, Arp::announcement_reply] {
        with_link(|link| {
            let (mut layer2, socket) = node(link);
            resolved_by_the_host(&mut layer2, &socket, link);
            socket.send(&announcement(NEXT_OWNERS, VIP).encode()).unwrap();
            assert_known_as(NEXT_OWNERS);
        });
    }
}

#[test]
fn the_host_defends_its_own_address_and_that_is_heard_as_a_claim() {
    with_link(|link| {
        let (mut layer2, socket) = node(link);
        ip("addr add 192.168.1.240/24 dev right");
        socket.send(&Arp::probe(OURS, VIP).encode()).unwrap();
        assert!(readable(&socket, Duration::from_secs(2)), "the host did not answer the probe");
        let mut buffer = [0; 200];
        let received = socket.receive(&mut buffer).unwrap();
        let outcome =
            layer2.receive(InterfaceIndex(link.left), &buffer[..received.length], |_, _| Claimant::Foreign, NOW);
        let Outcome::Claim(claim) = outcome else { panic!("no claim: {outcome:?}") };
        assert_eq!((claim.ip, claim.mac), (IpAddr::V4(VIP), MacAddr(2, 0, 0, 0, 0, 2)));
    });
}
