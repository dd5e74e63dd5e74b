//! The whole of it, frame by frame.

mod asking;
mod conflicts;
mod ipv6;
mod standing_in;
mod yielding;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Layer2, Settings};
use crate::action::{Claim, Claimant, Ignored, Notice, Outcome, Transmission};
use crate::conflict::{DEFEND_INTERVAL, REASSERT_INTERVAL};
use crate::packet::MacAddr;
use crate::packet::arp::{Arp, DecodeError, Operation};
use crate::state::{AddressCounters, Interface, InterfaceIndex, Scope, Standing};

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
    Interface { index, name: name.to_owned(), mac, link_local: None, addresses: Vec::new() }
}

fn named(names: &[&str]) -> Scope {
    Scope::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Two interfaces, the address owned on `scope`, its first round sent.
fn node(scope: Scope) -> Layer2 {
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    layer2.set_interface(interface(ETH1, "eth1", OURS_TOO), START);
    layer2.own(IpAddr::V4(VIP), scope, BTreeSet::new(), START);
    layer2.poll(START);
    layer2
}

fn hear(layer2: &mut Layer2, on: InterfaceIndex, arp: Arp) -> Outcome {
    layer2.receive(on, &arp.encode(), START)
}

fn claim(layer2: &mut Layer2, mac: MacAddr, claimant: Claimant, now: Duration) -> Claim {
    let scope = layer2.held().next().map(|(_, scope, _)| scope.clone()).unwrap();
    let only = BTreeSet::from([mac]);
    let (ahead, speakers) = match claimant {
        Claimant::Ahead => (only, BTreeSet::new()),
        Claimant::Behind => (BTreeSet::new(), only),
        Claimant::Foreign => (BTreeSet::new(), BTreeSet::new()),
    };
    layer2.own(IpAddr::V4(VIP), scope, ahead, now);
    layer2.set_speakers(speakers);
    let frame = Arp::announcement_request(mac, VIP).encode();
    match layer2.receive(ETH0, &frame, now) {
        Outcome::Claim(claim) => claim,
        other => panic!("expected a claim: {other:?}"),
    }
}

/// Sends what falls due up to `now`.
fn pass(layer2: &mut Layer2, now: Duration) -> Vec<Transmission> {
    let mut sent = Vec::new();
    while let Some(next) = layer2.next_deadline().filter(|next| *next <= now) {
        sent.extend(layer2.poll(next));
    }
    sent
}

fn notices(layer2: &mut Layer2) -> Vec<Notice> {
    std::iter::from_fn(|| layer2.take_notice()).collect()
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

#[test]
fn a_probe_and_a_unicast_request_are_answered() {
    let mut layer2 = node(Scope::All);
    let probe = Arp::probe(CLIENT, VIP);
    let unicast = Arp { destination: OURS, ..Arp::request(CLIENT, CLIENT_IP, VIP) };
    for asked in [probe, unicast] {
        assert!(matches!(hear(&mut layer2, ETH0, asked), Outcome::Reply { .. }), "{asked:?}");
    }
}

#[test]
fn what_is_not_ours_to_answer_is_ignored_and_counted_by_reason() {
    let mut layer2 = node(named(&["eth0"]));
    let request = Arp::request(CLIENT, CLIENT_IP, VIP);
    let cases = [
        (ETH0, Arp { target_ip: Ipv4Addr::new(192, 168, 1, 241), ..request }, Ignored::NotOwned),
        (ETH1, request, Ignored::OtherInterface),
        (ETH0, Arp { operation: Operation::Reply, ..request }, Ignored::NotARequest),
        (ETH0, Arp { destination: OTHER, ..request }, Ignored::NotToUs),
        (ETH1, Arp { destination: OURS, ..request }, Ignored::OtherInterface),
        (ETH0, Arp { sender_mac: MacAddr::broadcast(), ..request }, Ignored::InvalidSender),
        (ETH0, Arp { sender_mac: MacAddr::zero(), ..request }, Ignored::InvalidSender),
        (ETH0, Arp { sender_mac: OURS_TOO, source: OURS_TOO, ..request }, Ignored::OwnFrame),
        // What a speaker sends on behalf of another machine has its own address on the outside only.
        (ETH0, Arp { source: OURS_TOO, ..request }, Ignored::OwnFrame),
        (InterfaceIndex(9), request, Ignored::UnknownInterface),
    ];
    for (on, arp, reason) in cases {
        assert_eq!(hear(&mut layer2, on, arp), Outcome::Ignored(reason), "{arp:?}");
    }
    let truncated = layer2.receive(ETH0, &request.encode()[..30], START);
    assert_eq!(truncated, Outcome::Ignored(Ignored::Malformed(DecodeError::Truncated { length: 30 }.into())));

    let counted: Vec<(&str, u64)> = layer2.ignored().collect();
    let expected = [
        ("invalid_sender", 2),
        ("not_a_request", 1),
        ("not_owned", 1),
        ("not_to_us", 1),
        ("other_interface", 2),
        ("own_frame", 2),
        ("truncated", 1),
        ("unknown_interface", 1),
    ];
    assert_eq!(counted, expected);
    let (_, counters) = layer2.counters().next().unwrap();
    assert_eq!((counters.requests_received, counters.responses_sent), (0, 0));
}

#[test]
fn a_unicast_request_to_another_interface_of_ours_is_not_answered() {
    let mut layer2 = node(Scope::All);
    let to_the_other = Arp { destination: OURS_TOO, ..Arp::request(CLIENT, CLIENT_IP, VIP) };
    assert_eq!(hear(&mut layer2, ETH0, to_the_other), Outcome::Ignored(Ignored::NotToUs));
}

#[test]
fn winning_announces_in_both_forms_on_every_interface_in_scope() {
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    layer2.set_interface(interface(ETH1, "eth1", OURS_TOO), START);
    layer2.own(IpAddr::V4(VIP), Scope::All, BTreeSet::new(), START);
    assert_eq!(layer2.next_deadline(), Some(START));
    let sent: Vec<_> = layer2.poll(START).into_iter().map(|t| (t.interface, Arp::decode(&t.frame).unwrap())).collect();
    let expected = [(ETH0, OURS), (ETH1, OURS_TOO)].into_iter().flat_map(|(index, mac)| {
        [(index, Arp::announcement_request(mac, VIP)), (index, Arp::announcement_reply(mac, VIP))]
    });
    assert_eq!(sent, expected.collect::<Vec<_>>());
    assert_eq!(sent_by(&mut layer2, START), 0, "once");
}

#[test]
fn counters_tell_what_was_asked_and_sent() {
    let mut layer2 = node(Scope::All);
    for _ in 0..3 {
        hear(&mut layer2, ETH0, Arp::request(CLIENT, CLIENT_IP, VIP));
    }
    claim(&mut layer2, OTHER, Claimant::Foreign, START);
    let expected = AddressCounters { requests_received: 3, responses_sent: 3, gratuitous_sent: 4, claims_received: 1 };
    assert_eq!(layer2.counters().collect::<Vec<_>>(), [(IpAddr::V4(VIP), expected)]);
    layer2.disown(IpAddr::V4(VIP));
    assert_eq!(layer2.counters().count(), 0, "nothing is kept of what is not ours");
}

#[test]
fn a_lost_address_is_neither_answered_nor_announced() {
    let mut layer2 = node(Scope::All);
    assert!(layer2.disown(IpAddr::V4(VIP)));
    assert!(!layer2.disown(IpAddr::V4(VIP)));
    let asked = hear(&mut layer2, ETH0, Arp::request(CLIENT, CLIENT_IP, VIP));
    assert_eq!(asked, Outcome::Ignored(Ignored::NotOwned));
    assert_eq!(layer2.next_deadline(), None);
    assert_eq!(sent_by(&mut layer2, START + Duration::from_secs(100)), 0);
}

#[test]
fn owning_twice_changes_nothing_and_a_wider_scope_announces() {
    let mut layer2 = node(named(&["eth0"]));
    let later = START + Duration::from_secs(10);
    pass(&mut layer2, later);
    let vip = IpAddr::V4(VIP);
    layer2.own(vip, named(&["eth0"]), BTreeSet::new(), later);
    layer2.own(vip, named(&["eth0", "missing"]), BTreeSet::new(), later);
    assert_eq!(sent_by(&mut layer2, later), 0);
    layer2.own(vip, Scope::All, BTreeSet::new(), later);
    assert_eq!(sent_by(&mut layer2, later), 4);
    layer2.own(vip, named(&["eth1"]), BTreeSet::new(), later + Duration::from_secs(1));
    assert_eq!(layer2.interfaces_of(vip).map(|interface| interface.index).collect::<Vec<_>>(), [ETH1]);
    layer2.own(vip, named(&["missing"]), BTreeSet::new(), later);
    assert_eq!(layer2.interfaces_of(vip).count(), 0);
}

#[test]
fn an_interface_that_comes_or_changes_its_mac_is_announced_on() {
    let mut layer2 = Layer2::new(Settings { refresh: Duration::ZERO, ..Settings::default() });
    layer2.own(IpAddr::V4(VIP), Scope::All, BTreeSet::new(), START);
    assert_eq!(sent_by(&mut layer2, START), 0, "no interface yet");
    let later = START + Duration::from_secs(100);
    layer2.set_interface(interface(ETH0, "eth0", OURS), later);
    assert_eq!(sent_by(&mut layer2, later), 2);
    layer2.set_interface(interface(ETH0, "eth0", OURS), later + Duration::from_secs(50));
    layer2.set_interface(interface(ETH0, "eth0", OURS_TOO), later + Duration::from_secs(60));
    let sent = layer2.poll(later + Duration::from_secs(60));
    assert_eq!(Arp::decode(&sent[0].frame).unwrap().sender_mac, OURS_TOO);
    assert!(layer2.remove_interface(ETH0).is_some());
    assert_eq!(sent_by(&mut layer2, later + Duration::from_secs(61)), 0);
}

#[test]
fn a_silent_node_neither_answers_nor_announces_and_makes_up_for_it_afterwards() {
    let mut layer2 = node(Scope::All);
    layer2.set_silent(true, START);
    let asked = hear(&mut layer2, ETH0, Arp::request(CLIENT, CLIENT_IP, VIP));
    assert_eq!(asked, Outcome::Ignored(Ignored::Silent));
    assert_eq!(layer2.next_deadline(), None);
    let later = START + Duration::from_secs(5);
    assert_eq!(sent_by(&mut layer2, later), 0);
    layer2.set_silent(false, later);
    assert_eq!(layer2.next_deadline(), Some(later));
    assert_eq!(sent_by(&mut layer2, later), 4);
}

#[test]
fn a_foreign_claim_is_reported_and_defended_against_within_measure() {
    let mut layer2 = node(Scope::All);
    let mut now = START + Duration::from_secs(30);
    pass(&mut layer2, now);
    let first = claim(&mut layer2, OTHER, Claimant::Foreign, now);
    let expected = Claim { ip: IpAddr::V4(VIP), mac: OTHER, interface: ETH0, claimant: Claimant::Foreign, first: true };
    assert_eq!(first, expected);
    assert_eq!(sent_by(&mut layer2, now), 4, "defended once");

    // Two stations insist in turn, a thousand times a second.
    let heard_first = now;
    for step in 0..5_000_u32 {
        now += Duration::from_millis(1);
        let mac = if step % 2 == 0 { OTHER } else { CLIENT };
        claim(&mut layer2, mac, Claimant::Foreign, now);
        assert_eq!(sent_by(&mut layer2, now), 0, "defended again after {:?}", now - heard_first);
    }
    now = heard_first + DEFEND_INTERVAL;
    assert!(claim(&mut layer2, OTHER, Claimant::Foreign, now).mac == OTHER);
    assert_eq!(sent_by(&mut layer2, now), 4);
    let conflict = layer2.conflict(IpAddr::V4(VIP)).unwrap();
    assert_eq!((conflict.mac, conflict.last_heard), (OTHER, now));
    assert_eq!(layer2.standing(IpAddr::V4(VIP)), Some(Standing::Owner), "a stranger does not take an address away");
}

#[test]
fn a_claim_is_one_in_a_reply_a_request_or_a_request_for_something_else() {
    for frame in [
        Arp::announcement_request(OTHER, VIP),
        Arp::announcement_reply(OTHER, VIP),
        Arp::request(OTHER, VIP, CLIENT_IP),
        Arp::reply_to(&Arp::request(OURS, Ipv4Addr::UNSPECIFIED, VIP), OTHER),
    ] {
        let mut layer2 = node(Scope::All);
        let outcome = layer2.receive(ETH0, &frame.encode(), START);
        assert!(matches!(outcome, Outcome::Claim(Claim { mac: OTHER, first: true, .. })), "{frame:?}: {outcome:?}");
    }
}

#[test]
fn the_same_address_on_a_network_that_ours_is_not_on_is_no_claim() {
    let mut layer2 = node(named(&["eth0"]));
    let heard = hear(&mut layer2, ETH1, Arp::announcement_request(OTHER, VIP));
    assert_eq!(heard, Outcome::Ignored(Ignored::OtherInterface));
}

#[test]
fn our_own_word_is_no_claim_whichever_interface_it_comes_back_through() {
    let mut layer2 = node(Scope::All);
    layer2.set_other_local_mac(OTHER, true);
    for mac in [OURS, OURS_TOO, OTHER] {
        let heard = hear(&mut layer2, ETH0, Arp::announcement_reply(mac, VIP));
        assert_eq!(heard, Outcome::Ignored(Ignored::OwnFrame), "{mac}");
    }
    layer2.set_other_local_mac(OTHER, false);
    assert_eq!(claim(&mut layer2, OTHER, Claimant::Foreign, START).mac, OTHER);
}

#[test]
fn a_worse_ranked_speakers_claim_is_answered_by_a_new_burst_at_most_every_second() {
    let mut layer2 = node(Scope::All);
    let mut now = START + Duration::from_secs(20);
    pass(&mut layer2, now);
    claim(&mut layer2, OTHER, Claimant::Behind, now);
    assert_eq!(sent_by(&mut layer2, now), 4);
    now += REASSERT_INTERVAL / 2;
    assert_eq!(sent_by(&mut layer2, now), 4, "the burst goes on");
    claim(&mut layer2, OTHER, Claimant::Behind, now);
    assert_eq!(sent_by(&mut layer2, now), 0, "but does not begin anew yet");
    now += REASSERT_INTERVAL / 2;
    claim(&mut layer2, OTHER, Claimant::Behind, now);
    assert_eq!(sent_by(&mut layer2, now), 4);
}

#[test]
fn the_filter_follows_the_addresses() {
    let mut layer2 = Layer2::new(Settings::default());
    assert!(!layer2.take_filter_changed());
    assert_eq!(layer2.arp_filter(4_096), crate::filter::Program::reject_all());
    layer2.own(IpAddr::V4(VIP), Scope::All, BTreeSet::new(), START);
    assert!(layer2.take_filter_changed());
    layer2.own(IpAddr::V4(VIP), named(&["eth0"]), BTreeSet::new(), START);
    assert!(!layer2.take_filter_changed(), "interfaces are not the filter's business");
    assert_eq!(layer2.arp_filter(4_096), crate::filter::compile_arp([VIP..=VIP], 4_096));
}

#[test]
fn one_poll_does_not_hand_out_everything_at_once() {
    let mut layer2 = Layer2::new(Settings::default());
    for index in 0..100 {
        layer2.set_interface(interface(InterfaceIndex(index), "many", MacAddr(2, 0, 0, 0, 1, 1)), START);
    }
    for number in 0..200 {
        layer2.own(IpAddr::V4(Ipv4Addr::from_bits(number)), Scope::All, BTreeSet::new(), START);
    }
    let transmissions = layer2.poll(START).len();
    assert!((512..712).contains(&transmissions), "{transmissions}");
    assert!(layer2.next_deadline().unwrap() <= START, "there is more to send");
}

#[test]
fn scopes_unite_as_several_advertisements_do() {
    assert_eq!(named(&["a"]).union(named(&["b"])), named(&["a", "b"]));
    assert_eq!(named(&["a"]).union(Scope::All), Scope::All);
    assert_eq!(Scope::All.union(named(&["a"])), Scope::All);
}
