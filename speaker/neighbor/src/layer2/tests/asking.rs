//! Questions of our own.

use super::*;
use crate::action::Purpose;
use crate::state::InterfaceAddress;

const NODE: IpAddr = IpAddr::V4(CLIENT_IP);

fn answer() -> Arp {
    Arp::reply_to(&Arp::request(OURS, Ipv4Addr::new(192, 168, 1, 2), CLIENT_IP), CLIENT)
}

fn with_address(ip: &str) -> Interface {
    let address = InterfaceAddress { ip: ip.parse().unwrap(), prefix: 24 };
    Interface { addresses: vec![address], ..interface(ETH0, "eth0", OURS) }
}

#[test]
fn the_question_goes_out_in_the_targets_network_under_our_address_there() {
    let mut layer2 = node(Scope::All);
    layer2.set_interface(with_address("192.168.1.2"), START);
    pass(&mut layer2, START + Duration::from_secs(10));
    layer2.probe(NODE, START).unwrap();
    let sent = layer2.poll(START + Duration::from_secs(10));
    assert_eq!(sent.len(), 1, "eth1 is in another network");
    assert_eq!((sent[0].interface, sent[0].purpose), (ETH0, Purpose::Probe));
    let asked = Arp::request(OURS, Ipv4Addr::new(192, 168, 1, 2), CLIENT_IP);
    assert_eq!(Arp::decode(&sent[0].frame).unwrap(), asked);
}

#[test]
fn without_an_address_there_it_goes_out_everywhere_under_none() {
    let mut layer2 = node(Scope::All);
    layer2.set_interface(with_address("10.0.0.2"), START);
    pass(&mut layer2, START + Duration::from_secs(10));
    layer2.probe(NODE, START).unwrap();
    let sent = layer2.poll(START + Duration::from_secs(10));
    assert_eq!(sent.iter().map(|sent| sent.interface).collect::<Vec<_>>(), [ETH0, ETH1]);
    assert_eq!(Arp::decode(&sent[0].frame).unwrap(), Arp::probe(OURS, CLIENT_IP));
}

#[test]
fn an_address_of_an_interface_alone_is_no_reason_to_announce_again() {
    let mut layer2 = node(Scope::All);
    pass(&mut layer2, START + Duration::from_secs(10));
    layer2.set_interface(with_address("192.168.1.2"), START + Duration::from_secs(10));
    assert_eq!(sent_by(&mut layer2, START + Duration::from_secs(10)), 0);
}

#[test]
fn the_answer_is_told_and_the_filter_lets_it_through() {
    let mut layer2 = node(Scope::All);
    layer2.take_filter_changed();
    layer2.probe(NODE, START).unwrap();
    assert!(layer2.take_filter_changed());
    assert_eq!(layer2.arp_filter(4_096), crate::filter::compile_arp([VIP..=VIP, CLIENT_IP..=CLIENT_IP], 4_096));
    assert_eq!(hear(&mut layer2, ETH1, answer()), Outcome::Heard);
    assert_eq!(notices(&mut layer2), [Notice::Heard { target: NODE, mac: CLIENT, interface: ETH1 }]);
    // Asking every 100 ms does not change the filter each time.
    layer2.probe(NODE, START + Duration::from_millis(100)).unwrap();
    assert!(!layer2.take_filter_changed());
    pass(&mut layer2, START + Duration::from_secs(100));
    assert!(layer2.take_filter_changed(), "forgotten at last");
}

#[test]
fn a_question_of_somebody_elses_or_a_late_answer_is_not_told() {
    let mut layer2 = node(Scope::All);
    assert_eq!(hear(&mut layer2, ETH0, answer()), Outcome::Ignored(Ignored::NotOwned), "not asked for");
    layer2.probe(NODE, START - Duration::from_secs(2)).unwrap();
    assert_eq!(hear(&mut layer2, ETH0, answer()), Outcome::Ignored(Ignored::NotOwned), "too late");
    layer2.probe(NODE, START).unwrap();
    let asks = Arp::request(CLIENT, CLIENT_IP, Ipv4Addr::new(192, 168, 1, 1));
    assert_eq!(hear(&mut layer2, ETH0, asks), Outcome::Ignored(Ignored::NotOwned), "no answer");
    assert_eq!(notices(&mut layer2), []);
}

#[test]
fn an_address_of_ours_can_be_asked_for_too() {
    let mut layer2 = node(Scope::All);
    layer2.probe(IpAddr::V4(VIP), START).unwrap();
    let answer = Arp::reply_to(&Arp::request(OURS, Ipv4Addr::UNSPECIFIED, VIP), OTHER);
    assert!(matches!(hear(&mut layer2, ETH0, answer), Outcome::Claim(_)));
    let heard = Notice::Heard { target: IpAddr::V4(VIP), mac: OTHER, interface: ETH0 };
    assert!(notices(&mut layer2).contains(&heard));
}
