//! The same for IPv6.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{CLIENT, ETH0, ETH1, OTHER, OURS, OURS_TOO, START, interface};
use crate::action::{Claim, Ignored, Outcome};
use crate::layer2::{Layer2, Settings};
use crate::packet::MacAddr;
use crate::packet::ndp::{self, Message, Ndp, group_mac, solicited_node_group};
use crate::state::{Interface, InterfaceIndex, Scope};

const VIP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0x12, 0x3456);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1);
const CLIENT_IP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x10);

/// eth0 with a link-local address, eth1 without, an IPv6 address owned on both.
fn node6() -> Layer2 {
    let mut layer2 = Layer2::new(Settings::default());
    let eth0 = Interface { link_local: Some(LINK_LOCAL), ..interface(ETH0, "eth0", OURS) };
    layer2.set_interface(eth0, START);
    layer2.set_interface(interface(ETH1, "eth1", OURS_TOO), START);
    layer2.own(IpAddr::V6(VIP6), Scope::All, BTreeSet::new(), START);
    layer2
}

fn hear6(layer2: &mut Layer2, on: InterfaceIndex, ndp: Ndp) -> Outcome {
    layer2.receive(on, &ndp.encode(), START)
}

#[test]
fn an_ipv6_address_is_announced_by_an_overriding_advertisement_where_there_is_a_link_local_address() {
    let mut layer2 = node6();
    let sent: Vec<_> = layer2.poll(START).into_iter().map(|t| (t.interface, Ndp::decode(&t.frame).unwrap())).collect();
    assert_eq!(sent, [(ETH0, Ndp::announcement(OURS, LINK_LOCAL, VIP6))]);
    assert_eq!(layer2.interfaces_of(IpAddr::V6(VIP6)).map(|i| i.index).collect::<Vec<_>>(), [ETH0]);
}

#[test]
fn solicitations_of_every_kind_are_answered() {
    let mut layer2 = node6();
    let multicast = Ndp::solicitation(CLIENT, CLIENT_IP6, VIP6);
    let no_mac = Message::Solicitation { asker: None };
    let unicast = Ndp { destination: OURS, destination_ip: VIP6, ..multicast };
    for (asked, answered_to) in [
        (multicast, CLIENT_IP6),
        (Ndp { message: no_mac, ..multicast }, CLIENT_IP6),
        (unicast, CLIENT_IP6),
        (Ndp { message: no_mac, ..unicast }, CLIENT_IP6),
        (
            Ndp { source_ip: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9), ..unicast },
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9),
        ),
        (Ndp::solicitation(CLIENT, Ipv6Addr::UNSPECIFIED, VIP6), ndp::ALL_NODES),
    ] {
        let Outcome::Reply { frame, ip, to } = hear6(&mut layer2, ETH0, asked) else { panic!("{asked:?}") };
        assert_eq!((ip, to), (IpAddr::V6(VIP6), CLIENT));
        let reply = Ndp::decode(&frame).unwrap();
        assert_eq!((reply.destination_ip, reply.source_ip, reply.target), (answered_to, LINK_LOCAL, VIP6));
        let solicited = answered_to == CLIENT_IP6 || answered_to.is_unicast_link_local();
        let expected = Message::Advertisement { router: false, solicited, overrides: true, owner: Some(OURS) };
        assert_eq!(reply.message, expected, "{asked:?}");
    }
}

#[test]
fn solicitations_that_are_not_for_us_are_ignored() {
    let mut layer2 = node6();
    let asked = Ndp::solicitation(CLIENT, CLIENT_IP6, VIP6);
    let other = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0x99, 0x3456);
    let group = Message::Solicitation { asker: Some(MacAddr::broadcast()) };
    for (on, ndp, reason) in [
        (ETH0, Ndp { target: other, ..asked }, Ignored::NotOwned),
        (ETH1, asked, Ignored::OtherInterface),
        (ETH0, Ndp { destination: OTHER, destination_ip: VIP6, ..asked }, Ignored::NotToUs),
        (ETH0, Ndp { destination: MacAddr::broadcast(), ..asked }, Ignored::NotToUs),
        (ETH0, Ndp { message: group, ..asked }, Ignored::InvalidSender),
        (ETH0, Ndp::announcement(OURS, LINK_LOCAL, VIP6), Ignored::OwnFrame),
        (ETH0, Ndp::announcement(CLIENT, LINK_LOCAL, other), Ignored::NotOwned),
    ] {
        assert_eq!(hear6(&mut layer2, on, ndp), Outcome::Ignored(reason), "{ndp:?}");
    }
    let mut routed = asked.encode();
    routed[21] = 254;
    let outcome = layer2.receive(ETH0, &routed, START);
    assert_eq!(outcome, Outcome::Ignored(Ignored::Malformed(ndp::DecodeError::HopLimit(254).into())));
    assert_eq!(asked.destination, group_mac(solicited_node_group(VIP6)));
}

#[test]
fn an_advertisement_of_our_ipv6_address_is_a_claim() {
    let mut layer2 = node6();
    let untold = Message::Advertisement { router: false, solicited: false, overrides: false, owner: None };
    let announcement = Ndp::announcement(OTHER, CLIENT_IP6, VIP6);
    for claiming in [announcement, Ndp { message: untold, ..announcement }, Ndp::solicitation(OTHER, VIP6, CLIENT_IP6)]
    {
        let outcome = hear6(&mut layer2, ETH0, claiming);
        assert!(matches!(outcome, Outcome::Claim(Claim { mac: OTHER, ip: IpAddr::V6(VIP6), .. })), "{outcome:?}");
    }
}

#[test]
fn groups_are_those_of_held_addresses_where_they_are_carried() {
    let mut layer2 = Layer2::new(Settings::default());
    let eth0 = Interface { link_local: Some(LINK_LOCAL), ..interface(ETH0, "eth0", OURS) };
    layer2.set_interface(eth0.clone(), START);
    layer2.take_groups_changed();
    layer2.own(IpAddr::V4(Ipv4Addr::LOCALHOST), Scope::All, BTreeSet::new(), START);
    layer2.take_groups_changed();
    assert!(!layer2.concerns_ipv6() && layer2.groups(&eth0).is_empty());
    layer2.own(IpAddr::V6(VIP6), Scope::All, BTreeSet::new(), START);
    assert!(layer2.take_groups_changed() && layer2.concerns_ipv6());
    assert_eq!(layer2.groups(&eth0), BTreeSet::from([solicited_node_group(VIP6)]));
    // Nothing changes for the network if the address is owned again, and it leaves nothing behind when it goes.
    layer2.own(IpAddr::V6(VIP6), Scope::All, BTreeSet::new(), START);
    assert!(!layer2.take_groups_changed());
    assert!(layer2.groups(&interface(ETH1, "eth1", OURS_TOO)).is_empty(), "no link-local address, no group");
    layer2.own(IpAddr::V6(VIP6), Scope::Named(["eth1".to_owned()].into()), BTreeSet::new(), START);
    assert!(layer2.take_groups_changed() && layer2.groups(&eth0).is_empty());
    layer2.disown(IpAddr::V6(VIP6));
    assert!(layer2.take_groups_changed() && !layer2.concerns_ipv6());
}

#[test]
fn a_late_link_local_address_is_announced_on_and_its_group_is_to_be_joined() {
    let mut layer2 = Layer2::new(Settings { refresh: std::time::Duration::ZERO, ..Settings::default() });
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    layer2.own(IpAddr::V6(VIP6), Scope::All, BTreeSet::new(), START);
    assert!(layer2.poll(START).is_empty());
    layer2.take_groups_changed();
    let eth0 = Interface { link_local: Some(LINK_LOCAL), ..interface(ETH0, "eth0", OURS) };
    let later = START + std::time::Duration::from_secs(100);
    layer2.set_interface(eth0.clone(), later);
    assert!(layer2.take_groups_changed());
    assert_eq!(layer2.groups(&eth0).len(), 1);
    assert_eq!(layer2.poll(later).len(), 1);
}

proptest::proptest! {
    #[test]
    fn whatever_arrives_is_answered_only_if_it_asks_for_ours_and_else_counted(
        start in proptest::prop_oneof![
            proptest::strategy::Just(Vec::new()),
            proptest::strategy::Just(Ndp::solicitation(CLIENT, CLIENT_IP6, VIP6).encode()),
            proptest::strategy::Just(Ndp::announcement(CLIENT, CLIENT_IP6, VIP6).encode()),
        ],
        changes in proptest::collection::vec((proptest::prelude::any::<u8>(), proptest::prelude::any::<u8>()), 0..4),
        end in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
    ) {
        let mut frame = [start, end].concat();
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(usize::from(at)) {
                *byte = value;
            }
        }
        let mut layer2 = node6();
        let outcome = layer2.receive(ETH0, &frame, START);
        let ignored = layer2.ignored().map(|(_, count)| count).sum::<u64>();
        match outcome {
            Outcome::Reply { .. } => proptest::prop_assert_eq!(Ndp::decode(&frame).unwrap().target, VIP6),
            Outcome::Claim(claim) => proptest::prop_assert_eq!(claim.ip, IpAddr::V6(VIP6)),
            Outcome::Ignored(_) => proptest::prop_assert_eq!(ignored, 1),
            Outcome::Heard => proptest::prop_assert!(false, "nothing was asked"),
        }
    }
}
