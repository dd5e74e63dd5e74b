//! Deciding only about what a change concerns comes to the same as deciding about everything.

use herald_compiler::object::BgpAdvertisement;

use super::*;

const NODES: [&str; 6] = ["node-a", "node-b", "node-c", "node-d", "node-e", "node-f"];
const SERVICES: u64 = 12;

/// Random numbers that a seed repeats (Knuth's MMIX generator).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn node(&mut self) -> &'static str {
        NODES[usize::try_from(self.below(6)).unwrap()]
    }

    fn address(&mut self) -> String {
        format!("192.168.1.{}", 240 + self.below(SERVICES))
    }
}

fn some_facts(chance: &mut Chance, node: &str) -> Facts {
    let owned: Vec<_> = (0..chance.below(4)).map(|_| chance.address()).collect();
    Facts {
        freshness: if chance.one_in(6) { Freshness::Stale } else { Freshness::Current },
        phase: match chance.below(8) {
            0 => Phase::Draining,
            1 => Phase::Stopping,
            _ => Phase::Running,
        },
        owned: Digest::of(owned),
        macs: vec![mac(node).octets()],
        ..current()
    }
}

fn some_node(chance: &mut Chance, name: &str) -> NodeSeen {
    let mut node = NodeSeen {
        cordoned: chance.one_in(5),
        draining: chance.one_in(6),
        network_unavailable: chance.one_in(8),
        internal_ips: vec![ip("192.168.1.11")],
        ..node(name)
    };
    if chance.one_in(5) {
        node.labels.insert(EXCLUDE.into(), String::new());
    }
    node
}

fn some_slice(chance: &mut Chance, service: u64) -> Slice {
    let states = [EndpointState::Ready, EndpointState::ServingTerminating];
    let nodes =
        (0..chance.below(4)).map(|_| (chance.node().to_owned(), states[usize::from(chance.one_in(3))])).collect();
    Slice { service: key(&service.to_string()), name: format!("{service}-1"), nodes }
}

fn some_advertisement(chance: &mut Chance) -> L2Advertisement {
    let weight = |name: &str| PreferredNodeSelector {
        weight: 10,
        preference: LabelSelector {
            match_labels: BTreeMap::from([("name".to_owned(), name.to_owned())]),
            ..LabelSelector::default()
        },
    };
    let preferred = chance.one_in(3).then(|| weight(chance.node()));
    L2Advertisement {
        failback: chance.one_in(3).then_some(false),
        preferred_node_selectors: preferred.into_iter().collect(),
        ..advertisement()
    }
}

pub(super) fn happen(world: &mut World, chance: &mut Chance) {
    let node = chance.node();
    let service = chance.below(SERVICES);
    let me = world.me == node;
    match chance.below(14) {
        0 | 1 if !me => world.hear(MemberEvent::Up(node.into())),
        2 if !me && chance.below(2) == 0 => world.hear(MemberEvent::Down(node.into())),
        2 if !me => world.hear(MemberEvent::Silent(node.into())),
        3 if !me => world.hear(MemberEvent::Away(node.into(), Duration::from_secs(1 + chance.below(10)))),
        4..=6 if !me => {
            let facts = some_facts(chance, node);
            world.hear(MemberEvent::Facts(node.into(), facts));
        }
        7 | 8 => {
            let node = some_node(chance, node);
            let gone = chance.one_in(6) && !me;
            drop(world.see(Seen::Nodes(if gone { Change::Deleted(node) } else { Change::Applied(node) })));
        }
        9 => drop(world.see(Seen::Slices(Change::Applied(some_slice(chance, service))))),
        10 => {
            let local = chance.one_in(2);
            let addresses = vec![ip(&format!("192.168.1.{}", 240 + service))];
            let change = Some(ServiceSeen { local, addresses, ..super::service() });
            drop(world.see(Seen::Services(Change::Applied((key(&service.to_string()), change)))));
            drop(world.see(Seen::SlicesOf(key(&service.to_string()), vec![some_slice(chance, service)])));
        }
        11 if chance.one_in(4) => {
            drop(world.see(Seen::L2Advertisements(Change::Reset(vec![some_advertisement(chance)]))));
        }
        12 if chance.one_in(4) => {
            drop(world.see(Seen::BgpAdvertisements(Change::Reset(vec![some_bgp_advertisement(chance)]))));
        }
        _ => {}
    }
}

fn some_bgp_advertisement(chance: &mut Chance) -> BgpAdvertisement {
    BgpAdvertisement {
        meta: meta("bgp"),
        aggregation_length: [32, 29, 24][usize::try_from(chance.below(3)).unwrap()],
        aggregate_always: chance.one_in(4).then_some(true),
        ..BgpAdvertisement::default()
    }
}

#[test]
fn deciding_about_what_changed_is_enough() {
    let seed = std::env::var("HERALD_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in seed.map_or(0..1000, |seed: u64| seed..seed + 1) {
        let mut chance = Chance(seed);
        let mut world = world("node-c");
        let mut now = START;
        for step in 0..120 {
            for _ in 0..=chance.below(3) {
                happen(&mut world, &mut chance);
            }
            now += Duration::from_millis(chance.below(2000));
            world.decide(now);
            let decided = world.verdicts.clone();
            world.concerned.add_all();
            let more = world.decide(now);
            let changed: Vec<_> = world.verdicts.iter().filter(|(key, now)| decided.get(*key) != Some(*now)).collect();
            assert!(more.is_empty(), "HERALD_SEED={seed}, step {step}: {more:?} {changed:?}");
        }
    }
}
