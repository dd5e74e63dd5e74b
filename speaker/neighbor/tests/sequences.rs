//! Whatever happens in whatever order: what is not owned is never answered or announced, and time never stands still.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herald_neighbor::announcer::{ROUNDS_AT_ONCE, SHORTEST_GAP};
use herald_neighbor::asked::HEARD_WITHIN;
use herald_neighbor::packet::arp::{Arp, Operation};
use herald_neighbor::{
    Claimant, Interface, InterfaceIndex, Layer2, MacAddr, Notice, Outcome, Purpose, Scope, Settings, Standing,
    Transmission,
};
use proptest::prelude::*;

/// Few addresses, interfaces and machines, so that steps concern each other.
#[derive(Clone, Debug)]
enum Step {
    Own(u8, Option<u8>, u8),
    Disown(u8),
    StandIn(u8, Option<u8>, u8),
    Probe(u8),
    Speakers(u8),
    Interface(u8, u8),
    NoInterface(u8),
    Silent(bool),
    Announce(u8),
    Hear { on: u8, mac: u8, sender: u8, target: u8, request: bool },
    Noise { on: u8, bytes: Vec<u8> },
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..4, prop::option::of(0_u8..3), any::<u8>()).prop_map(|(ip, on, ahead)| Step::Own(ip, on, ahead)),
        1 => (0_u8..4, prop::option::of(0_u8..3), 0_u8..8).prop_map(|(ip, on, mac)| Step::StandIn(ip, on, mac)),
        1 => (0_u8..6).prop_map(Step::Probe),
        1 => any::<u8>().prop_map(Step::Speakers),
        2 => (0_u8..4).prop_map(Step::Disown),
        2 => (0_u8..3, 0_u8..4).prop_map(|(index, mac)| Step::Interface(index, mac)),
        1 => (0_u8..3).prop_map(Step::NoInterface),
        1 => any::<bool>().prop_map(Step::Silent),
        1 => (0_u8..4).prop_map(Step::Announce),
        6 => (0_u8..3, 0_u8..8, 0_u8..6, 0_u8..6, any::<bool>())
            .prop_map(|(on, mac, sender, target, request)| Step::Hear { on, mac, sender, target, request }),
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

/// The MACs whose bit is set.
fn macs(bits: u8) -> BTreeSet<MacAddr> {
    (0..8).filter(|number| bits & 1 << number != 0).map(mac).collect()
}

#[derive(Clone, Copy)]
struct Address {
    only: Option<u8>,
    /// As whom it is answered, if not as ourselves.
    stood_in_for: Option<u8>,
    ahead: u8,
    yielded_to: Option<u8>,
}

/// What should be the case, kept as plainly as possible.
#[derive(Default)]
struct Model {
    held: BTreeMap<u8, Address>,
    interfaces: BTreeMap<u8, u8>,
    speakers: u8,
    asked: BTreeMap<u8, Duration>,
    silent: bool,
}

impl Model {
    fn carries(&self, ip: u8, on: u8) -> bool {
        let in_scope = self.held.get(&ip).is_some_and(|address| address.only.is_none_or(|only| only == on));
        in_scope && self.interfaces.contains_key(&on)
    }

    fn announces(&self, ip: u8, on: u8) -> bool {
        let owner = |address: &Address| address.stood_in_for.is_none() && address.yielded_to.is_none();
        self.carries(ip, on) && self.held.get(&ip).is_some_and(owner)
    }

    fn is_ours(&self, mac: u8) -> bool {
        self.interfaces.values().any(|ours| *ours == mac)
    }

    /// Takes in what the decider is told, and checks that it is told what happened and no more.
    fn told(&mut self, layer2: &mut Layer2, now: Duration) {
        while let Some(notice) = layer2.take_notice() {
            match notice {
                Notice::Resumed { ip: IpAddr::V4(ip) } => {
                    let address = self.held.get_mut(&ip.octets()[3]).expect("only what is held is resumed");
                    assert!(address.yielded_to.take().is_some(), "resumed what was not yielded");
                }
                Notice::Heard { target: IpAddr::V4(ip), .. } => {
                    assert!(self.asked.get(&ip.octets()[3]).is_some_and(|at| now <= *at + HEARD_WITHIN), "not asked");
                }
                Notice::Yielded { ip: IpAddr::V4(ip), mac: to } => {
                    let address = self.held[&ip.octets()[3]];
                    assert_eq!(address.yielded_to.map(mac), Some(to), "told of another one");
                }
                Notice::Conflict { ip: IpAddr::V4(ip), mac: other, .. } => {
                    let address = self.held[&ip.octets()[3]];
                    assert!(address.stood_in_for.is_none() && !macs(address.ahead).contains(&other));
                }
                Notice::ConflictOver { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        for (ip, address) in &self.held {
            let expected = match address {
                Address { stood_in_for: Some(_), .. } => Standing::StandIn,
                Address { yielded_to: Some(_), .. } => Standing::Yielded,
                _ => Standing::Owner,
            };
            assert_eq!(layer2.standing(IpAddr::V4(v4(*ip))), Some(expected), "10.0.0.{ip}");
        }
        assert_eq!(layer2.held().count(), self.held.len());
    }
}

/// Sends what is due and checks every frame of it.
fn drain(layer2: &mut Layer2, model: &mut Model, now: Duration, last: &mut BTreeMap<IpAddr, Duration>) {
    let transmissions = layer2.poll(now);
    model.told(layer2, now);
    assert!(transmissions.len() <= 3 * 3 * ROUNDS_AT_ONCE as usize);
    let announced = |sent: &&Transmission| sent.purpose == Purpose::Announcement;
    let mut rounds: Vec<IpAddr> = transmissions.iter().filter(announced).map(|sent| sent.ip).collect();
    assert!(!model.silent || rounds.is_empty());
    rounds.dedup();
    for ip in rounds {
        if let Some(before) = last.insert(ip, now) {
            assert!(now - before >= SHORTEST_GAP, "{ip} announced twice within {:?}", now - before);
        }
    }
    for Transmission { interface, frame, ip, purpose } in transmissions {
        let arp = Arp::decode(&frame).unwrap();
        let on = u8::try_from(interface.0).unwrap();
        assert_eq!((arp.source, arp.sender_mac), (mac(model.interfaces[&on]), arp.source));
        match purpose {
            Purpose::Announcement => {
                let number = arp.sender_ip.octets()[3];
                assert!(model.announces(number, on), "announced 10.0.0.{number} on eth{on}");
                assert_eq!(ip, IpAddr::V4(arp.sender_ip));
            }
            Purpose::Probe => {
                let number = arp.target_ip.octets()[3];
                assert!(model.carries(number, on) || model.asked.contains_key(&number), "asked for 10.0.0.{number}");
                assert_eq!((arp.operation, arp.sender_ip), (Operation::Request, Ipv4Addr::UNSPECIFIED));
            }
        }
    }
    assert!(layer2.next_deadline().is_none_or(|next| next > now), "nothing more is due, but the deadline says so");
}

fn scope(only: Option<u8>) -> Scope {
    only.map_or(Scope::All, |only| Scope::Named([name(only)].into()))
}

proptest! {
    #[test]
    fn only_what_is_held_here_and_now_is_answered_and_announced(steps in prop::collection::vec(step(), 1..120)) {
        let mut layer2 = Layer2::new(Settings { refresh: Duration::from_secs(20), seed: 3 });
        let mut model = Model::default();
        let mut now = Duration::from_secs(5);
        let mut last = BTreeMap::new();
        for step in steps {
            match step {
                Step::Own(ip, only, ahead) => {
                    layer2.own(IpAddr::V4(v4(ip)), scope(only), macs(ahead), now);
                    let known = model.held.get(&ip).filter(|known| known.stood_in_for.is_none());
                    let yielded_to = known.and_then(|known| known.yielded_to);
                    // Whether it is resumed is told.
                    model.held.insert(ip, Address { only, stood_in_for: None, ahead, yielded_to });
                    let still = yielded_to.is_none_or(|to| ahead & 1 << to != 0);
                    prop_assert_eq!(still, layer2.standing(IpAddr::V4(v4(ip))) != Some(Standing::Owner) || yielded_to.is_none());
                }
                Step::Disown(ip) => {
                    let was_ours = layer2.disown(IpAddr::V4(v4(ip)));
                    prop_assert_eq!(was_ours, model.held.remove(&ip).is_some());
                    // A new win is announced at once, however short ago the last announcement was.
                    last.remove(&IpAddr::V4(v4(ip)));
                }
                Step::StandIn(ip, only, owner) => {
                    layer2.stand_in(IpAddr::V4(v4(ip)), scope(only), mac(owner));
                    model.held.insert(ip, Address { only, stood_in_for: Some(owner), ahead: 0, yielded_to: None });
                    last.remove(&IpAddr::V4(v4(ip)));
                }
                Step::Probe(ip) => {
                    layer2.probe(IpAddr::V4(v4(ip)), now).unwrap();
                    model.asked.insert(ip, now);
                }
                Step::Speakers(bits) => {
                    layer2.set_speakers(macs(bits));
                    model.speakers = bits;
                }
                Step::Interface(number, address) => {
                    let interface = Interface {
                        index: index(number),
                        name: name(number),
                        mac: mac(address),
                        link_local: None,
                        addresses: Vec::new(),
                    };
                    layer2.set_interface(interface, now);
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
                Step::Hear { on, mac: from, sender, target, request } => {
                    let operation = if request { Operation::Request } else { Operation::Reply };
                    let arp = Arp { operation, ..Arp::request(mac(from), v4(sender), v4(target)) };
                    let outcome = layer2.receive(index(on), &arp.encode(), now);
                    let heard = model.interfaces.contains_key(&on) && !model.is_ours(from);
                    let said = model.held.get(&sender).copied();
                    let claims = heard && model.carries(sender, on) && said.is_some_and(|it| it.stood_in_for.is_none());
                    let asks = heard && request && said.is_none() && model.carries(target, on);
                    let yielded = model.held.get(&target).is_some_and(|address| address.yielded_to.is_some());
                    prop_assert_eq!(matches!(outcome, Outcome::Claim(_)), claims);
                    prop_assert_eq!(matches!(outcome, Outcome::Reply { .. }), asks && !model.silent && !yielded);
                    if let Outcome::Claim(claim) = outcome {
                        let address = model.held.get_mut(&sender).unwrap();
                        let expected = match () {
                            () if address.ahead & 1 << from != 0 => Claimant::Ahead,
                            () if model.speakers & 1 << from != 0 => Claimant::Behind,
                            () => Claimant::Foreign,
                        };
                        prop_assert_eq!(claim.claimant, expected);
                        if expected == Claimant::Ahead {
                            address.yielded_to = Some(from);
                            last.remove(&IpAddr::V4(v4(sender)));
                        }
                    }
                    if let Outcome::Reply { frame, .. } = outcome {
                        let reply = Arp::decode(&frame).unwrap();
                        let ours = model.interfaces[&on];
                        prop_assert_eq!(reply.source, mac(ours));
                        prop_assert_eq!(reply.sender_mac, mac(model.held[&target].stood_in_for.unwrap_or(ours)));
                    }
                }
                Step::Noise { on, bytes } => {
                    let counted = |layer2: &Layer2| layer2.ignored().map(|(_, count)| count).sum::<u64>();
                    let before = counted(&layer2);
                    let outcome = layer2.receive(index(on), &bytes, now);
                    prop_assert!(!matches!(outcome, Outcome::Reply { .. }), "noise was answered");
                    let ignored = matches!(outcome, Outcome::Ignored(_));
                    prop_assert_eq!(counted(&layer2) - before, u64::from(ignored), "what is dropped is counted");
                }
                Step::Wait(milliseconds) => {
                    let until = now + Duration::from_millis(u64::from(milliseconds));
                    while let Some(next) = layer2.next_deadline().filter(|next| *next <= until) {
                        now = now.max(next);
                        drain(&mut layer2, &mut model, now, &mut last);
                    }
                    now = until;
                }
            }
            drain(&mut layer2, &mut model, now, &mut last);
        }
    }
}
