//! Others with an address of ours: what is told, how often, and when it is over.

use super::*;
use crate::action::Purpose;

const IP: IpAddr = IpAddr::V4(VIP);
const REFRESH: Duration = Duration::from_secs(60);

fn conflict(mac: MacAddr) -> Notice {
    Notice::Conflict { ip: IP, mac, interface: ETH0 }
}

#[test]
fn a_foreign_claim_is_told_at_first_and_then_once_per_refresh() {
    let mut layer2 = node(Scope::All);
    let mut told = 0;
    for second in 0..=600 {
        let now = START + Duration::from_secs(second);
        claim(&mut layer2, OTHER, Claimant::Foreign, now);
        pass(&mut layer2, now);
        told += notices(&mut layer2).len();
    }
    assert_eq!(told, 1 + 10);
}

#[test]
fn two_machines_in_turn_do_not_flood_the_decider() {
    let mut layer2 = node(Scope::All);
    for millisecond in 0..10_000 {
        let mac = if millisecond % 2 == 0 { OTHER } else { CLIENT };
        claim(&mut layer2, mac, Claimant::Foreign, START + Duration::from_millis(millisecond));
    }
    assert!((2..=11).contains(&notices(&mut layer2).len()));
}

#[test]
fn it_is_over_when_nobody_was_heard_for_three_refreshes() {
    let mut layer2 = node(Scope::All);
    claim(&mut layer2, OTHER, Claimant::Foreign, START);
    let again = START + Duration::from_secs(100);
    pass(&mut layer2, again);
    claim(&mut layer2, OTHER, Claimant::Foreign, again);
    assert_eq!(notices(&mut layer2), [conflict(OTHER), conflict(OTHER)]);
    pass(&mut layer2, again + REFRESH * 3 - Duration::from_millis(1));
    assert_eq!(notices(&mut layer2), []);
    assert!(layer2.conflict(IP).is_some());
    pass(&mut layer2, again + REFRESH * 3);
    assert_eq!(notices(&mut layer2), [Notice::ConflictOver { ip: IP }]);
    assert_eq!(layer2.conflict(IP), None);
}

#[test]
fn each_refresh_asks_who_else_has_the_address() {
    let mut layer2 = node(Scope::All);
    let burst = pass(&mut layer2, START + Duration::from_secs(10));
    assert!(burst.iter().all(|sent| sent.purpose == Purpose::Announcement), "the burst does not ask");
    let sent = pass(&mut layer2, START + REFRESH * 10);
    let probes: Vec<_> = sent.iter().filter(|sent| sent.purpose == Purpose::Probe).collect();
    assert_eq!(probes.len() * 2, sent.len() - probes.len(), "one probe and two announcements, on each interface");
    assert!((8 * 2..=12 * 2).contains(&probes.len()), "{}", probes.len());
}

#[test]
fn without_refresh_nobody_is_asked_but_what_is_heard_is_told() {
    let mut layer2 = Layer2::new(Settings { refresh: Duration::ZERO, ..Settings::default() });
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    layer2.own(IP, Scope::All, BTreeSet::new(), START);
    claim(&mut layer2, OTHER, Claimant::Foreign, START);
    let sent = pass(&mut layer2, START + Duration::from_secs(1_000));
    assert!(sent.iter().all(|sent| sent.purpose == Purpose::Announcement));
    assert_eq!(notices(&mut layer2), [conflict(OTHER), Notice::ConflictOver { ip: IP }]);
}

#[test]
fn a_speaker_behind_is_told_only_if_it_still_answers_at_the_second_refresh() {
    // It has not heard yet that the address is ours: it gives way, and nobody needs to know.
    let mut layer2 = node(Scope::All);
    claim(&mut layer2, OTHER, Claimant::Behind, START);
    pass(&mut layer2, START + REFRESH * 10);
    assert_eq!(notices(&mut layer2), []);

    // Its kernel answers, whatever the speaker does (IPVS without strict ARP).
    let mut now = START + REFRESH * 20;
    for _ in 0..3 {
        let mut probed = false;
        while !probed {
            now = layer2.next_deadline().unwrap();
            probed = layer2.poll(now).iter().any(|sent| sent.purpose == Purpose::Probe);
        }
        claim(&mut layer2, OTHER, Claimant::Behind, now);
    }
    assert_eq!(notices(&mut layer2)[0], conflict(OTHER));
}

#[test]
fn a_stranger_that_turns_out_to_be_a_speaker_is_no_conflict() {
    let mut layer2 = node(Scope::All);
    claim(&mut layer2, OTHER, Claimant::Foreign, START);
    assert_eq!(notices(&mut layer2), [conflict(OTHER)]);
    layer2.set_speakers(BTreeSet::from([OTHER]));
    assert_eq!(notices(&mut layer2), [Notice::ConflictOver { ip: IP }]);
    pass(&mut layer2, START + REFRESH * 10);
    assert_eq!(notices(&mut layer2), []);
}

#[test]
fn an_address_that_is_lost_takes_its_conflict_along() {
    let mut layer2 = node(Scope::All);
    claim(&mut layer2, OTHER, Claimant::Foreign, START);
    layer2.disown(IP);
    notices(&mut layer2);
    pass(&mut layer2, START + REFRESH * 10);
    assert_eq!(notices(&mut layer2), []);
}

#[test]
fn what_nobody_takes_is_dropped_and_counted() {
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    for number in 0..40_000_u32 {
        let vip = Ipv4Addr::from_bits(0x0a00_0000 + number);
        layer2.own(IpAddr::V4(vip), Scope::All, BTreeSet::new(), START);
        layer2.receive(ETH0, &Arp::announcement_request(OTHER, vip).encode(), START);
    }
    let kept = notices(&mut layer2).len();
    assert_eq!(kept, crate::layer2::NOTICES_KEPT);
    assert_eq!(layer2.notices_dropped(), 40_000 - kept as u64);
}
