//! Groups of IPv6 on a real interface: what the kernel says it has joined, and what the card lets through.

use std::net::Ipv6Addr;
use std::process::Command;
use std::time::Duration;

use herald_neighbor::MacAddr;
use herald_neighbor::filter::{Instruction as Wanted, MAX_INSTRUCTIONS, compile_ndp};
use herald_neighbor::packet::ndp::{Ndp, group_mac, solicited_node_group};
use herald_sys::{Groups, Instruction, PacketSocket, Protocol};

use crate::link::{EVERYTHING, ip, readable, with_link};

const RIGHT_MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const ASKER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x10);
const VIP: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0x12, 0x3456);

/// What the kernel shows of the left interface's groups.
fn maddress() -> String {
    let output = Command::new("ip").args(["maddress", "show", "dev", "left"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_joined_group_is_in_the_hosts_list_and_in_the_cards_and_gone_afterwards() {
    with_link(|link| {
        let group = solicited_node_group(VIP);
        let (in_host, in_card) = (format!("inet6 {group}"), format!("link  {}", group_mac(group)));
        let joined = || (maddress().contains(&in_host), maddress().contains(&in_card));
        assert_eq!(joined(), (false, false));
        let mut groups = Groups::new(link.left);
        groups.join(group).unwrap();
        groups.join(group).unwrap();
        assert_eq!(joined(), (true, true), "{}", maddress());
        ip("link set left down");
        ip("link set left up");
        assert_eq!(joined(), (true, true), "also after the link was down");
        groups.leave(group).unwrap();
        groups.leave(group).unwrap();
        assert_eq!(joined(), (false, false));
        groups.join(group).unwrap();
        drop(groups);
        assert_eq!(joined(), (false, false), "left when dropped");
    });
}

#[test]
fn thousands_of_groups_are_joined_whatever_one_socket_holds() {
    with_link(|link| {
        let mut groups = Groups::new(link.left);
        let group = |number: u32| solicited_node_group(Ipv6Addr::from_bits(u128::from(number)));
        for number in 0..3_000 {
            groups.join(group(number)).unwrap();
        }
        assert_eq!(groups.joined().count(), 3_000);
        assert!(maddress().contains(&format!("inet6 {}", group(2_999))));
        for number in 0..3_000 {
            groups.leave(group(number)).unwrap();
        }
        assert!(!maddress().contains(&format!("inet6 {}", group(7))));
    });
}

#[test]
fn what_is_no_group_or_no_interface_is_refused_with_a_reason() {
    with_link(|link| {
        let error = Groups::new(link.left).join(VIP).unwrap_err();
        assert!(error.to_string().contains("cannot join fd00::12:3456 on interface"), "{error}");
        assert!(Groups::new(9_999).join(solicited_node_group(VIP)).is_err());
    });
}

/// The kernel's neighbour discovery itself is the background noise here; the filter lets none of it through.
#[test]
fn the_kernel_passes_exactly_the_solicitations_and_advertisements_that_the_filter_means() {
    with_link(|link| {
        let program = compile_ndp([VIP..=VIP], MAX_INSTRUCTIONS).instructions;
        let translate = |Wanted { code, jt, jf, k }| Instruction { code, jt, jf, k };
        let program: Vec<Instruction> = program.into_iter().map(translate).collect();
        let left = PacketSocket::open(link.left, Protocol::Ipv6, &program).unwrap();
        let right = PacketSocket::open(link.right, Protocol::Ipv6, &EVERYTHING).unwrap();
        let mut groups = Groups::new(link.left);
        groups.join(solicited_node_group(VIP)).unwrap();

        let neighbour = Ipv6Addr::from_bits(VIP.to_bits() + 1);
        let asked = Ndp::solicitation(RIGHT_MAC, ASKER, VIP);
        let unicast = Ndp { destination: MacAddr(2, 0, 0, 0, 0, 1), destination_ip: VIP, ..asked };
        let mut routed = asked.encode();
        routed[21] = 254;
        let frames = [
            (asked.encode(), true),
            (Ndp::solicitation(RIGHT_MAC, ASKER, neighbour).encode(), false),
            (Ndp::solicitation(RIGHT_MAC, Ipv6Addr::UNSPECIFIED, VIP).encode(), true),
            (unicast.encode(), true),
            (Ndp { destination: MacAddr(2, 0, 0, 0, 0, 9), ..unicast }.encode(), false),
            (Ndp::announcement(RIGHT_MAC, ASKER, VIP).encode(), true),
            (Ndp::announcement(RIGHT_MAC, ASKER, neighbour).encode(), false),
            (routed, false),
        ];
        for (frame, _) in &frames {
            right.send(frame).unwrap();
        }
        for (frame, _) in frames.iter().filter(|(_, passes)| *passes) {
            assert!(readable(&left, Duration::from_secs(2)));
            let mut buffer = [0; 200];
            let received = left.receive(&mut buffer).unwrap();
            assert_eq!(&buffer[..received.length], frame);
        }
        assert!(!readable(&left, Duration::from_millis(50)));
    });
}
