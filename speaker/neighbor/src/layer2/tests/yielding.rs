//! Giving way to a speaker ahead, and taking back.

use super::*;
use crate::action::Purpose;
use crate::yielding::PROBE_INTERVAL;

const IP: IpAddr = IpAddr::V4(VIP);

/// The address owned for a while, then claimed by a speaker ahead.
fn yielded() -> (Layer2, Duration) {
    let mut layer2 = node(Scope::All);
    let now = START + Duration::from_secs(10);
    pass(&mut layer2, now);
    claim(&mut layer2, OTHER, Claimant::Ahead, now);
    assert_eq!(notices(&mut layer2), [Notice::Yielded { ip: IP, mac: OTHER }]);
    (layer2, now)
}

fn asked(layer2: &mut Layer2) -> Outcome {
    hear(layer2, ETH0, Arp::request(CLIENT, CLIENT_IP, VIP))
}

#[test]
fn from_the_claim_on_there_is_no_answer_and_no_announcement() {
    let (mut layer2, now) = yielded();
    assert_eq!(layer2.standing(IP), Some(Standing::Yielded));
    assert_eq!(asked(&mut layer2), Outcome::Ignored(Ignored::Yielded));
    assert_eq!(layer2.interfaces_of(IP).count(), 0);
    layer2.announce_all(now);
    layer2.announce(IP, now);
    layer2.announce_on(ETH0, now);
    let later = now + PROBE_INTERVAL * 3;
    let sent = pass(&mut layer2, later);
    assert_eq!(sent.len(), 3 * 2, "a probe each time on each interface");
    assert!(sent.iter().all(|transmission| transmission.purpose == Purpose::Probe));
    let probe = Arp::decode(&sent[0].frame).unwrap();
    assert_eq!((probe.operation, probe.sender_ip, probe.target_ip), (Operation::Request, Ipv4Addr::UNSPECIFIED, VIP));
}

#[test]
fn while_the_one_ahead_answers_it_stays_yielded_and_after_three_misses_it_is_taken_back() {
    let (mut layer2, mut now) = yielded();
    for _ in 0..100 {
        now += PROBE_INTERVAL;
        pass(&mut layer2, now);
        let answer = Arp::reply_to(&Arp::request(OURS, Ipv4Addr::UNSPECIFIED, VIP), OTHER);
        layer2.receive(ETH0, &answer.encode(), now);
        assert_eq!(layer2.standing(IP), Some(Standing::Yielded));
    }
    assert_eq!(notices(&mut layer2), [], "told once");
    let last_answer = now;
    while layer2.standing(IP) == Some(Standing::Yielded) {
        now = layer2.next_deadline().unwrap();
        let sent = layer2.poll(now);
        if layer2.standing(IP) == Some(Standing::Owner) {
            assert_eq!(sent.iter().filter(|sent| sent.purpose == Purpose::Announcement).count(), 4, "at once");
        }
    }
    assert_eq!(now - last_answer, PROBE_INTERVAL * 4);
    assert_eq!(notices(&mut layer2), [Notice::Resumed { ip: IP }]);
    assert!(matches!(asked(&mut layer2), Outcome::Reply { .. }));
}

#[test]
fn somebody_behind_or_a_stranger_does_not_keep_it_yielded() {
    let (mut layer2, now) = yielded();
    layer2.set_speakers(BTreeSet::from([CLIENT]));
    for step in 1..=4 {
        let now = now + PROBE_INTERVAL * step;
        for mac in [CLIENT, MacAddr(2, 9, 9, 9, 9, 9)] {
            layer2.receive(ETH0, &Arp::announcement_reply(mac, VIP).encode(), now);
        }
        pass(&mut layer2, now);
    }
    assert_eq!(layer2.standing(IP), Some(Standing::Owner));
}

#[test]
fn a_new_decision_ends_it_if_the_other_one_is_not_ahead_any_more() {
    let (mut layer2, now) = yielded();
    layer2.own(IP, Scope::All, BTreeSet::from([OTHER, CLIENT]), now);
    assert_eq!(layer2.standing(IP), Some(Standing::Yielded));
    layer2.own(IP, Scope::All, BTreeSet::from([CLIENT]), now);
    assert_eq!(layer2.standing(IP), Some(Standing::Owner));
    assert_eq!(notices(&mut layer2), [Notice::Resumed { ip: IP }]);
    assert_eq!(sent_by(&mut layer2, now), 4);
}

#[test]
fn a_lost_address_is_not_probed() {
    let (mut layer2, now) = yielded();
    layer2.disown(IP);
    assert!(pass(&mut layer2, now + Duration::from_secs(100)).is_empty());
    assert_eq!(notices(&mut layer2), []);
}

#[test]
fn a_speaker_that_was_held_up_has_missed_one_answer_only() {
    let (mut layer2, mut now) = yielded();
    now += PROBE_INTERVAL;
    layer2.poll(now);
    now += Duration::from_secs(30);
    assert_eq!(layer2.poll(now).len(), 2, "one miss, one probe");
    assert_eq!(layer2.poll(now).len(), 0);
    assert_eq!(layer2.standing(IP), Some(Standing::Yielded));
}

#[test]
fn thousands_yielded_at_once_are_probed_at_a_pace() {
    let mut layer2 = Layer2::new(Settings::default());
    layer2.set_interface(interface(ETH0, "eth0", OURS), START);
    let vips: Vec<Ipv4Addr> = (0..5_000).map(|number| Ipv4Addr::from_bits(0x0a00_0000 + number)).collect();
    for vip in &vips {
        layer2.own(IpAddr::V4(*vip), Scope::All, BTreeSet::from([OTHER]), START);
    }
    for vip in &vips {
        layer2.receive(ETH0, &Arp::announcement_request(OTHER, *vip).encode(), START);
    }
    assert_eq!(notices(&mut layer2).len(), 5_000);
    let sent = pass(&mut layer2, START + Duration::from_secs(2)).len();
    assert!((1_500..2_200).contains(&sent), "{sent} probes in two seconds");
}
