//! Answering on behalf of an owner whose speaker is away.

use std::net::Ipv6Addr;

use super::*;
use crate::packet::ndp::{Message, Ndp};

const IP: IpAddr = IpAddr::V4(VIP);

fn standing_in() -> Layer2 {
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    layer2.stand_in(IP, Scope::All, OTHER);
    layer2
}

#[test]
fn the_answer_tells_the_owners_mac_and_comes_from_ours() {
    let mut layer2 = standing_in();
    assert!(layer2.take_filter_changed());
    assert_eq!(layer2.standing(IP), Some(Standing::StandIn));
    let outcome = hear(&mut layer2, ETH0, Arp::request(CLIENT, CLIENT_IP, VIP));
    let Outcome::Reply { frame, .. } = outcome else { panic!("{outcome:?}") };
    let reply = Arp::decode(&frame).unwrap();
    assert_eq!((reply.source, reply.sender_mac, reply.sender_ip), (OURS, OTHER, VIP));
    assert_eq!((reply.destination, reply.target_mac, reply.target_ip), (CLIENT, CLIENT, CLIENT_IP));
}

#[test]
fn so_does_the_answer_to_a_solicitation() {
    let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
    let (vip, client): (Ipv6Addr, Ipv6Addr) = ("fd00::12".parse().unwrap(), "fd00::10".parse().unwrap());
    let mut layer2 = Layer2::new(Settings::default());
    let eth0 = Interface { link_local: Some(link_local), ..interface(ETH0, "eth0", OURS) };
    layer2.set_interface(eth0.clone(), START);
    layer2.stand_in(IpAddr::V6(vip), Scope::All, OTHER);
    assert_eq!(layer2.groups(&eth0).len(), 1);
    let outcome = layer2.receive(ETH0, &Ndp::solicitation(CLIENT, client, vip).encode(), START);
    let Outcome::Reply { frame, .. } = outcome else { panic!("{outcome:?}") };
    let reply = Ndp::decode(&frame).unwrap();
    assert_eq!((reply.source, reply.source_ip, reply.target), (OURS, link_local, vip));
    assert!(matches!(reply.message, Message::Advertisement { owner: Some(OTHER), overrides: true, .. }));
}

#[test]
fn it_is_never_announced_and_nobody_elses_word_is_a_claim() {
    let mut layer2 = standing_in();
    layer2.announce_all(START);
    layer2.announce(IP, START);
    layer2.set_silent(true, START);
    layer2.set_silent(false, START);
    assert!(pass(&mut layer2, START + Duration::from_secs(1_000)).is_empty());
    for mac in [OTHER, CLIENT] {
        let heard = hear(&mut layer2, ETH0, Arp::announcement_request(mac, VIP));
        assert_eq!(heard, Outcome::Ignored(Ignored::StoodInFor));
    }
    assert_eq!(notices(&mut layer2), []);
}

#[test]
fn it_ends_by_owning_or_disowning() {
    let mut layer2 = standing_in();
    layer2.own(IP, Scope::All, BTreeSet::new(), START);
    assert_eq!(layer2.standing(IP), Some(Standing::Owner));
    assert_eq!(sent_by(&mut layer2, START), 2, "announced at once, as ours");
    layer2.stand_in(IP, Scope::All, OTHER);
    assert!(pass(&mut layer2, START + Duration::from_secs(1_000)).is_empty(), "no longer announced");
    assert!(layer2.disown(IP));
    let asked = hear(&mut layer2, ETH0, Arp::request(CLIENT, CLIENT_IP, VIP));
    assert_eq!(asked, Outcome::Ignored(Ignored::NotOwned));
}

#[test]
fn the_owner_does_not_take_its_own_mac_for_a_claim() {
    // Seen from the owner: our MAC inside, the stand-in's outside.
    let mut layer2 = node(Scope::All);
    let reply = Arp { source: OTHER, ..Arp::reply_to(&Arp::request(CLIENT, CLIENT_IP, VIP), OURS) };
    assert_eq!(hear(&mut layer2, ETH0, reply), Outcome::Ignored(Ignored::OwnFrame));
}
