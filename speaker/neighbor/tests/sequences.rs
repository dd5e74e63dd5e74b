//! Whatever happens in whatever order: what is not owned is never answered or announced, and time never stands still.
#![cfg(test)]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herald_neighbor::announcer::{ROUNDS_AT_ONCE, SHORTEST_GAP};
use herald_neighbor::packet::arp::{Arp, Operation};
use herald_neighbor::{Claimant, Interface, InterfaceIndex, Layer2, MacAddr, Outcome, Scope, Settings};
use proptest::prelude::*;

/// Few addresses, interfaces and machines, so that steps concern each other.
#[derive(Clone, Debug)]
enum Step {
    Own(u8, Option<u8>),
    Disown(u8),
    Interface(u8, u8),
    NoInterface(u8),
    Silent(bool),
    Announce(u8),
    Hear { on: u8, mac: u8, sender: u8, target: u8, request: bool, claimant: u8 },
    Noise { on: u8, bytes: Vec<u8> },
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..4, prop::option::of(0_u8..3)).prop_map(|(ip, scope)| Step::Own(ip, scope)),
        2 => (0_u8..4).prop_map(Step::Disown),
        2 => (0_u8..3, 0_u8..4).prop_map(|(index, mac)| Step::Interface(index, mac)),
        1 => (0_u8..3).prop_map(Step::NoInterface),
        1 => any::<bool>().prop_map(Step::Silent),
        1 => (0_u8..4).prop_map(Step::Announce),
        6 => (0_u8..3, 0_u8..8, 0_u8..6, 0_u8..6, any::<bool>(), 0_u8..3).prop_map(
            |(on, mac, sender, target, request, claimant)| Step::Hear { on, mac, sender, target, request, claimant }
        ),
        1 => (0_u8..3, prop::collection::vec(any::<u8>(), 0..70)).prop_map(|(on, bytes)| Step::Noise { on, bytes }),
        4 => any::<u16>().prop_map(Step::Wait),
    ]
}

fn v4(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

fn mac(number: u8) -> MacAddr {
    MacAddr(2, 0, 0, 0, 0, number)
}

fn index(number: u8) -> InterfaceIndex {
    InterfaceIndex(u32::from(number))
}

fn name(number: u8) -> String {
    format!("eth{number}")
}

/// What should be the case, kept as plainly as possible.
#[derive(Default)]
struct Model {
    owned: BTreeMap<u8, Option<u8>>,
    interfaces: BTreeMap<u8, u8>,
    silent: bool,
}

impl Model {
    fn answers(&self, ip: u8, on: u8) -> bool {
        let in_scope = self.owned.get(&ip).is_some_and(|scope| scope.is_none_or(|only| only == on));
        in_scope && self.interfaces.contains_key(&on)
    }

    fn is_ours(&self, mac: u8) -> bool {
        self.interfaces.values().any(|ours| *ours == mac)
    }
}

/// Sends what is due and checks every frame of it.
fn drain(layer2: &mut Layer2, model: &Model, now: Duration, last: &mut BTreeMap<IpAddr, Duration>) {
    let transmissions = layer2.poll(now);
    assert!(transmissions.len() <= 2 * 3 * ROUNDS_AT_ONCE as usize);
    assert!(!model.silent || transmissions.is_empty());
    let mut rounds: Vec<IpAddr> = transmissions.iter().map(|transmission| transmission.ip).collect();
    rounds.dedup();
    for ip in rounds {
        if let Some(before) = last.insert(ip, now) {
            assert!(now - before >= SHORTEST_GAP, "{ip} announced twice within {:?}", now - before);
        }
    }
    for transmission in transmissions {
        let arp = Arp::decode(&transmission.frame).unwrap();
        let (ip, on) = (arp.sender_ip.octets()[3], u8::try_from(transmission.interface.0).unwrap());
        assert!(model.answers(ip, on), "announced 10.0.0.{ip} on eth{on}");
        assert_eq!(arp.sender_mac, mac(model.interfaces[&on]));
        assert_eq!(transmission.ip, IpAddr::V4(arp.sender_ip));
    }
    assert!(layer2.next_deadline().is_none_or(|next| next > now), "nothing more is due, but the deadline says so");
}

proptest! {
    #[test]
    fn only_what_is_owned_here_and_now_is_answered_and_announced(steps in prop::collection::vec(step(), 1..120)) {
        let mut layer2 = Layer2::new(Settings { refresh: Some(Duration::from_secs(20)), seed: 3 });
        let mut model = Model::default();
        let mut now = Duration::from_secs(5);
        let mut last = BTreeMap::new();
        for step in steps {
            match step {
                Step::Own(ip, only) => {
                    let scope = only.map_or(Scope::All, |only| Scope::Named([name(only)].into()));
                    layer2.own(IpAddr::V4(v4(ip)), scope, now);
                    model.owned.insert(ip, only);
                }
                Step::Disown(ip) => {
                    let was_ours = layer2.disown(IpAddr::V4(v4(ip)));
                    prop_assert_eq!(was_ours, model.owned.remove(&ip).is_some());
                    // A new win is announced at once, however short ago the last announcement was.
                    last.remove(&IpAddr::V4(v4(ip)));
                }
                Step::Interface(number, address) => {
                    let new = Interface { index: index(number), name: name(number), mac: mac(address), link_local: None };
                    layer2.set_interface(new, now);
                    model.interfaces.insert(number, address);
                }
                Step::NoInterface(number) => {
                    let was_there = layer2.remove_interface(index(number)).is_some();
                    prop_assert_eq!(was_there, model.interfaces.remove(&number).is_some());
                }
                Step::Silent(silent) => {
                    layer2.set_silent(silent, now);
                    model.silent = silent;
                }
                Step::Announce(ip) => layer2.announce(IpAddr::V4(v4(ip)), now),
                Step::Hear { on, mac: from, sender, target, request, claimant } => {
                    let operation = if request { Operation::Request } else { Operation::Reply };
                    let arp = Arp { operation, ..Arp::request(mac(from), v4(sender), v4(target)) };
                    let claimant = [Claimant::Ahead, Claimant::Behind, Claimant::Foreign][usize::from(claimant)];
                    let outcome = layer2.receive(index(on), &arp.encode(), |_, _| claimant, now);
                    let heard = model.interfaces.contains_key(&on) && !model.is_ours(from);
                    let claims = heard && model.answers(sender, on);
                    let asks = heard && request && !model.owned.contains_key(&sender) && model.answers(target, on);
                    prop_assert_eq!(matches!(outcome, Outcome::Claim(_)), claims);
                    prop_assert_eq!(matches!(outcome, Outcome::Reply { .. }), asks && !model.silent);
                    if claims && claimant == Claimant::Ahead {
                        model.owned.remove(&sender);
                        last.remove(&IpAddr::V4(v4(sender)));
                    }
                    if let Outcome::Reply { frame, .. } = outcome {
                        prop_assert_eq!(Arp::decode(&frame).unwrap().sender_mac, mac(model.interfaces[&on]));
                    }
                }
                Step::Noise { on, bytes } => {
                    let outcome = layer2.receive(index(on), &bytes, |_, _| Claimant::Foreign, now);
                    prop_assert!(!matches!(outcome, Outcome::Reply { .. }), "noise was answered");
                }
                Step::Wait(milliseconds) => {
                    let until = now + Duration::from_millis(u64::from(milliseconds));
                    while let Some(next) = layer2.next_deadline().filter(|next| *next <= until) {
                        now = now.max(next);
                        drain(&mut layer2, &model, now, &mut last);
                    }
                    now = until;
                }
            }
            drain(&mut layer2, &model, now, &mut last);
            prop_assert!(layer2.owned().map(|(ip, _)| ip).eq(model.owned.keys().map(|ip| IpAddr::V4(v4(*ip)))));
        }
    }
}
