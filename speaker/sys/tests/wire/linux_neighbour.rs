//! Does a Linux host believe what Herald says? The other end of the link is the kernel's own ARP.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use herald_neighbor::filter::MAX_INSTRUCTIONS;
use herald_neighbor::packet::arp::Arp;
use herald_neighbor::{Interface, InterfaceIndex, Layer2, MacAddr, Outcome, Scope, Settings};
use herald_sys::{Instruction, PacketSocket, Protocol};

use crate::link::{EVERYTHING, Link, ip, open, readable, with_link};

const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const NEXT_OWNERS: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x33);
const NOW: Duration = Duration::from_secs(1);

fn node(link: Link) -> (Layer2, PacketSocket) {
    let mut layer2 = Layer2::new(Settings::default());
    let interface = Interface {
        index: InterfaceIndex(link.left),
        name: "left".to_owned(),
        mac: OURS,
        link_local: None,
        addresses: Vec::new(),
    };
    layer2.set_interface(interface, NOW);
    layer2.own(IpAddr::V4(VIP), Scope::All, BTreeSet::new(), NOW);
    let program: Vec<Instruction> = layer2
        .arp_filter(MAX_INSTRUCTIONS)
        .instructions
        .into_iter()
        .map(|i| Instruction { code: i.code, jt: i.jt, jf: i.jf, k: i.k })
        .collect();
    (layer2, open(link.left, &program))
}

fn ip_says(arguments: &[&str]) -> String {
    String::from_utf8(Command::new("ip").args(arguments).output().unwrap().stdout).unwrap()
}

/// True within half a second, or not at all.
fn comes_true(condition: impl Fn() -> bool) -> bool {
    (0..50).any(|_| {
        let now = condition();
        if !now {
            std::thread::sleep(Duration::from_millis(10));
        }
        now
    })
}

/// The MAC under which the host on the right knows the address.
fn known_mac(address: IpAddr) -> Option<String> {
    let text = ip_says(&["neigh", "show", "to", &address.to_string(), "dev", "right"]);
    let mut words = text.split_whitespace();
    words.find(|word| *word == "lladdr")?;
    words.next().map(str::to_owned)
}

/// The host on the right must know the address under this MAC within half a second: it takes a moment until the kernel
/// has worked off a frame that was sent.
fn assert_known_as(address: impl Into<IpAddr>, mac: MacAddr) {
    let address = address.into();
    let known = comes_true(|| known_mac(address) == Some(mac.to_string()));
    assert!(known, "the host knows {:?} instead of {mac}", known_mac(address));
}

/// The host on the right asks for the address and gets our answer.
fn resolved_by_the_host(layer2: &mut Layer2, socket: &PacketSocket, link: Link) {
    ip("addr add 192.168.1.10/24 dev right");
    UdpSocket::bind("192.168.1.10:0").unwrap().send_to(b"hello", (VIP, 9)).unwrap();
    assert!(readable(socket, Duration::from_secs(2)), "the host did not ask");
    let mut buffer = [0; 200];
    let received = socket.receive(&mut buffer).unwrap();
    let frame = &buffer[..received.length];
    let Outcome::Reply { frame, .. } = layer2.receive(InterfaceIndex(link.left), frame, NOW) else {
        panic!("not answered")
    };
    socket.send(&frame).unwrap();
    assert_known_as(VIP, OURS);
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
            assert_known_as(VIP, NEXT_OWNERS);
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
        let outcome = layer2.receive(InterfaceIndex(link.left), &buffer[..received.length], NOW);
        let Outcome::Claim(claim) = outcome else { panic!("no claim: {outcome:?}") };
        assert_eq!((claim.ip, claim.mac), (IpAddr::V4(VIP), MacAddr(2, 0, 0, 0, 0, 2)));
    });
}

/// IPv6: the host asks, is answered, and takes an unsolicited advertisement although its entry was just confirmed.
#[test]
fn an_ipv6_address_is_resolved_and_moves() {
    with_link(|link| {
        let vip6 = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0x12, 0x3456);
        let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1);
        let interface = |mac| Interface {
            index: InterfaceIndex(link.left),
            name: "left".to_owned(),
            mac,
            link_local: Some(link_local),
            addresses: Vec::new(),
        };
        let mut layer2 = Layer2::new(Settings::default());
        layer2.set_interface(interface(OURS), NOW);
        layer2.own(IpAddr::V6(vip6), Scope::All, BTreeSet::new(), NOW);
        let socket = PacketSocket::open(link.left, Protocol::Ipv6, &EVERYTHING).unwrap();

        ip("addr add fd00::10/64 dev right nodad");
        // The kernel begins to receive for an IPv6 address some time after it was added.
        let receives = || ip_says(&["-6", "route", "show", "table", "local"]).contains("local fd00::10");
        assert!(comes_true(receives), "the host's address does not come into use");
        UdpSocket::bind("[fd00::10]:0").unwrap().send_to(b"hello", (vip6, 9)).unwrap();
        let answer = loop {
            assert!(readable(&socket, Duration::from_secs(2)), "the host did not ask");
            let mut buffer = [0; 200];
            let received = socket.receive(&mut buffer).unwrap();
            let frame = &buffer[..received.length];
            // The host has more to say in IPv6 than this question.
            match layer2.receive(InterfaceIndex(link.left), frame, NOW) {
                Outcome::Reply { frame, .. } => break frame,
                Outcome::Ignored(_) | Outcome::Heard => {}
                Outcome::Claim(claim) => panic!("{claim:?}"),
            }
        };
        socket.send(&answer).unwrap();
        assert_known_as(vip6, OURS);

        layer2.set_interface(interface(NEXT_OWNERS), NOW);
        let announcements = layer2.poll(NOW);
        assert!(!announcements.is_empty());
        for announcement in announcements {
            socket.send(&announcement.frame).unwrap();
        }
        assert_known_as(vip6, NEXT_OWNERS);
    });
}
