//! What routers are told.

use std::sync::Arc;

use herald_bgp::{Attributes, Community, Family, Prefix};
use herald_compiler::object::{BgpAdvertisement, BgpPeer, Password};

use super::*;
use crate::watch::secret::SecretTrouble;

const TOR: &str = "tor";

fn peer(name: &str) -> BgpPeer {
    BgpPeer {
        meta: meta(name),
        my_asn: 64_512,
        peer_asn: Some(64_513),
        peer_address: Some("10.0.0.1".into()),
        peer_port: 179,
        ..BgpPeer::default()
    }
}

/// Another router.
fn spine_peer() -> BgpPeer {
    BgpPeer { peer_address: Some("10.0.0.9".into()), ..peer("spine") }
}

fn advertised() -> BgpAdvertisement {
    BgpAdvertisement { meta: meta("bgp"), ip_address_pools: vec!["public".into()], ..BgpAdvertisement::default() }
}

/// Something happens to a world.
type Happening = fn(&mut World);

/// What routers have been told, as they would remember it.
#[derive(Debug, Default, PartialEq)]
struct Routers {
    tables: BTreeMap<String, BTreeMap<Prefix, Arc<Attributes>>>,
    had_by: BTreeMap<ServiceKey, BTreeSet<String>>,
}

impl Routers {
    fn follow(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Peers { wanted, routes, .. } => {
                    self.tables.retain(|peer, _| wanted.sessions.contains_key(peer) && !routes.contains_key(peer));
                    routes.into_iter().for_each(|(peer, routes)| self.tell(peer, routes));
                }
                Step::Routes(changes) => changes.into_iter().for_each(|(peer, routes)| self.tell(peer, routes)),
                Step::Routed { service, peers: Some(peers), .. } => drop(self.had_by.insert(service, peers)),
                Step::Routed { service, peers: None, .. } => drop(self.had_by.remove(&service)),
                _ => {}
            }
        }
    }

    fn tell(&mut self, peer: String, routes: crate::bgp::Routes) {
        let table = self.tables.entry(peer).or_default();
        for (prefix, attributes) in routes {
            match attributes {
                Some(attributes) => drop(table.insert(prefix, attributes)),
                None => drop(table.remove(&prefix)),
            }
        }
    }

    fn has(&self, peer: &str) -> Vec<String> {
        self.tables.get(peer).into_iter().flat_map(BTreeMap::keys).map(ToString::to_string).collect()
    }

    fn of(&self, peer: &str, prefix: &str) -> &Attributes {
        let found = self.tables[peer].iter().find(|(known, _)| known.to_string() == prefix);
        found.expect("the peer has it").1
    }
}

/// A node with one router, for whose pool there is a BGPAdvertisement and no L2Advertisement.
fn routing(me: &str) -> World {
    let mut world = world(me);
    world.see(Seen::L2Advertisements(Change::Reset(vec![])));
    world.see(Seen::BgpPeers(Change::Reset(vec![peer(TOR)])));
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![advertised()])));
    world
}

fn told(world: &mut World) -> Routers {
    let mut routers = Routers::default();
    routers.follow(world.decide(START));
    routers
}

fn slices(world: &mut World, nodes: &[(&str, EndpointState)]) {
    world.see(Seen::Slices(Change::Applied(slice(nodes))));
}

fn set_service(world: &mut World, name: &str, seen: ServiceSeen, nodes: &[(&str, EndpointState)]) {
    world.see(Seen::Services(Change::Applied((key(name), Some(seen)))));
    let slice = Slice { service: key(name), name: format!("{name}-1"), ..slice(nodes) };
    world.see(Seen::SlicesOf(key(name), vec![slice.clone()]));
    world.see(Seen::Slices(Change::Applied(slice)));
}

fn local(address: &str) -> ServiceSeen {
    ServiceSeen { local: true, addresses: vec![ip(address)], ..service() }
}

#[test]
fn every_node_announces_to_its_routers() {
    for me in ["node-a", "node-b", "node-c"] {
        let routers = told(&mut routing(me));
        assert_eq!(routers.has(TOR), ["192.168.1.240/32"], "{me}");
        assert_eq!(routers.had_by[&key("web")], BTreeSet::new(), "no session yet");
    }
}

#[test]
fn who_has_a_route_depends_on_sessions_and_families() {
    let mut world = routing("node-b");
    let mut routers = told(&mut world);
    world.set_session(TOR, [Family::Ipv6].into());
    assert_eq!(world.decide(START), [], "another family");
    world.set_session(TOR, [Family::Ipv4, Family::Ipv6].into());
    routers.follow(world.decide(START));
    assert_eq!(routers.had_by[&key("web")], [TOR.to_owned()].into());
    world.set_session("stranger", [Family::Ipv4].into());
    assert_eq!(world.decide(START), []);
    world.set_session(TOR, BTreeSet::new());
    routers.follow(world.decide(START));
    assert_eq!(routers.had_by[&key("web")], BTreeSet::new());
    world.see(Seen::Services(Change::Deleted((key("web"), None))));
    routers.follow(world.decide(START));
    assert_eq!(routers, Routers { tables: [(TOR.to_owned(), BTreeMap::new())].into(), ..Routers::default() });
}

#[test]
fn what_keeps_a_node_from_announcing() {
    let cases: [(&str, Happening); 7] = [
        ("no advertisement", |w| drop(w.see(Seen::BgpAdvertisements(Change::Reset(vec![]))))),
        ("another node is selected", |w| {
            let only_c = LabelSelector {
                match_labels: BTreeMap::from([("name".to_owned(), "node-c".to_owned())]),
                ..LabelSelector::default()
            };
            let advertisement = BgpAdvertisement { node_selectors: vec![only_c], ..advertised() };
            drop(w.see(Seen::BgpAdvertisements(Change::Reset(vec![advertisement]))));
        }),
        ("another Service is selected", |w| {
            let other = LabelSelector {
                match_labels: BTreeMap::from([("app".to_owned(), "other".to_owned())]),
                ..LabelSelector::default()
            };
            let advertisement = BgpAdvertisement { service_selectors: vec![other], ..advertised() };
            drop(w.see(Seen::BgpAdvertisements(Change::Reset(vec![advertisement]))));
        }),
        ("no network", |w| {
            drop(w.see(Seen::Nodes(Change::Applied(NodeSeen { network_unavailable: true, ..node("node-b") }))));
        }),
        ("excluded", |w| {
            let mut excluded = node("node-b");
            excluded.labels.insert(EXCLUDE.into(), String::new());
            drop(w.see(Seen::Nodes(Change::Applied(excluded))));
        }),
        ("no endpoint", |w| slices(w, &[])),
        ("no address", |w| {
            let bare = ServiceSeen { addresses: vec![], ..service() };
            drop(w.see(Seen::Services(Change::Applied((key("web"), Some(bare))))));
        }),
    ];
    for (what, change) in cases {
        let mut world = routing("node-b");
        change(&mut world);
        assert_eq!(told(&mut world).has(TOR), [""; 0], "{what} from the start");
        let mut world = routing("node-b");
        let mut routers = told(&mut world);
        change(&mut world);
        routers.follow(world.decide(START));
        routers.follow(world.decide(START + settings().bgp_drain));
        assert_eq!(routers.has(TOR), [""; 0], "{what}");
    }
    for (what, change) in [
        ("cordoned", NodeSeen { cordoned: true, ..node("node-b") }),
        ("not ready", NodeSeen { ready: false, ..node("node-b") }),
    ] {
        let mut world = routing("node-b");
        world.see(Seen::Nodes(Change::Applied(change)));
        assert_eq!(told(&mut world).has(TOR), ["192.168.1.240/32"], "{what} does not matter");
    }
}

#[test]
fn local_follows_the_endpoints() {
    use EndpointState::{Ready, ServingTerminating};
    let announces = |nodes: &[(&str, EndpointState)], prepare: fn(&mut World)| {
        let mut world = routing("node-b");
        set_service(&mut world, "web", local(IP), nodes);
        prepare(&mut world);
        !told(&mut world).has(TOR).is_empty()
    };
    let as_is: fn(&mut World) = |_| {};
    assert!(announces(&[("node-b", Ready)], as_is));
    assert!(!announces(&[("node-a", Ready)], as_is));
    assert!(!announces(&[("node-b", ServingTerminating), ("node-a", Ready)], as_is), "withdraws while it still serves");
    assert!(announces(&[("node-b", ServingTerminating), ("node-a", ServingTerminating)], as_is), "nobody has better");
    let a_is_gone: fn(&mut World) = |w| w.hear(MemberEvent::Down("node-a".into()));
    assert!(announces(&[("node-b", ServingTerminating), ("node-a", Ready)], a_is_gone), "node-a does not announce");

    // And that is noticed when it changes.
    let mut world = routing("node-b");
    set_service(&mut world, "web", local(IP), &[("node-b", ServingTerminating), ("node-a", Ready)]);
    let mut routers = told(&mut world);
    world.hear(MemberEvent::Down("node-a".into()));
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.240/32"]);
}

#[test]
fn an_address_that_is_shared_goes_with_the_last_of_its_services() {
    let mut world = routing("node-b");
    let sharing = || Some(Box::new(crate::watch::service::Sharing { key: "k".into(), ..Default::default() }));
    for (name, port) in [("web", 80), ("dns", 53)] {
        let mut seen = ServiceSeen { sharing: sharing(), ..service() };
        seen.sharing.as_mut().unwrap().ports = [(crate::watch::service::Protocol::Tcp, port)].into();
        set_service(&mut world, name, seen, &[("node-a", EndpointState::Ready)]);
    }
    let mut routers = told(&mut world);
    world.see(Seen::Services(Change::Deleted((key("web"), None))));
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.240/32"]);
    world.see(Seen::Services(Change::Deleted((key("dns"), None))));
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), [""; 0]);
}

#[test]
fn an_aggregate_is_announced_only_where_all_below_it_is_served() {
    use EndpointState::Ready;
    let mut world = routing("node-b");
    let mut wide = pool();
    wide.addresses = vec!["192.168.1.0/24".into()];
    world.see(Seen::Pools(Change::Reset(vec![wide])));
    let aggregating = BgpAdvertisement { aggregation_length: 24, ..advertised() };
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![aggregating.clone()])));
    set_service(&mut world, "here", local("192.168.1.1"), &[("node-b", Ready)]);
    let mut routers = told(&mut world);
    assert_eq!(routers.has(TOR), ["192.168.1.0/24"], "web is Cluster");
    set_service(&mut world, "there", local("192.168.1.2"), &[("node-a", Ready)]);
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.1/32", "192.168.1.240/32"], "else it would attract what is for node-a");
    set_service(&mut world, "there", local("192.168.1.2"), &[("node-a", Ready), ("node-b", Ready)]);
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.0/24"]);
    set_service(&mut world, "there", local("192.168.1.2"), &[]);
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.0/24"], "nobody serves it");
    set_service(&mut world, "there", local("192.168.1.2"), &[("node-a", Ready)]);
    let always = BgpAdvertisement { aggregate_always: Some(true), ..aggregating };
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![always])));
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.0/24"], "the user has said so");
}

#[test]
fn a_service_that_goes_while_nothing_is_advertised_suppresses_nothing_later() {
    let mut world = routing("node-b");
    let mut wide = pool();
    wide.addresses = vec!["192.168.1.0/24".into()];
    world.see(Seen::Pools(Change::Reset(vec![wide])));
    let aggregating = BgpAdvertisement { aggregation_length: 24, ..advertised() };
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![aggregating.clone()])));
    set_service(&mut world, "there", local("192.168.1.2"), &[("node-a", EndpointState::Ready)]);
    let mut routers = told(&mut world);
    assert_eq!(routers.has(TOR), ["192.168.1.240/32"], "node-a serves what is below it");
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![])));
    routers.follow(world.decide(START));
    world.see(Seen::Services(Change::Deleted((key("there"), None))));
    routers.follow(world.decide(START));
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![aggregating])));
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.0/24"]);
}

#[test]
fn peers_get_what_is_for_them() {
    let mut world = routing("node-b");
    world.see(Seen::BgpPeers(Change::Reset(vec![peer(TOR), spine_peer()])));
    let all = BgpAdvertisement { local_pref: Some(100), communities: vec!["1:1".into()], ..advertised() };
    let spine = BgpAdvertisement {
        meta: ObjectMeta { created: 1, ..meta("spine") },
        peers: vec!["spine".into()],
        communities: vec!["2:2".into()],
        ..advertised()
    };
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![all, spine.clone()])));
    let mut routers = told(&mut world);
    let communities = |routers: &Routers, peer| {
        let of = &routers.of(peer, "192.168.1.240/32").communities;
        of.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(communities(&routers, TOR), ["1:1"]);
    assert_eq!(communities(&routers, "spine"), ["1:1", "2:2"]);
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![spine])));
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), [""; 0]);
    assert_eq!(communities(&routers, "spine"), ["2:2"]);
}

#[test]
fn a_peer_that_selects_other_nodes_or_lacks_its_secret_is_not_spoken_with() {
    let mut world = routing("node-b");
    let only_c = LabelSelector {
        match_labels: BTreeMap::from([("name".to_owned(), "node-c".to_owned())]),
        ..LabelSelector::default()
    };
    let elsewhere = BgpPeer { node_selectors: vec![only_c], ..peer("elsewhere") };
    let signed =
        BgpPeer { password_secret: Some("key".into()), peer_address: Some("10.0.0.2".into()), ..peer("signed") };
    world.see(Seen::BgpPeers(Change::Reset(vec![peer(TOR), elsewhere, signed])));
    let wanted = |steps: Vec<Step>| {
        steps.into_iter().find_map(|step| match step {
            Step::Peers { wanted, .. } => Some(wanted),
            _ => None,
        })
    };
    let first = wanted(world.decide(START)).unwrap();
    assert_eq!(first.sessions.keys().collect::<Vec<_>>(), [TOR], "the Secret was not looked up yet");
    assert_eq!(world.wanted_secrets(), &["key".to_owned()].into());
    world.see(Seen::Secret("key".into(), Err(SecretTrouble::Missing)));
    let second = wanted(world.decide(START)).unwrap();
    assert!(second.without["signed"].to_string().contains("does not exist"), "{:?}", second.without);
    let key = Password::new("k".into());
    world.see(Seen::Secret("key".into(), Ok(key.clone())));
    world.see(Seen::Secret("stranger".into(), Ok(key)));
    let third = wanted(world.decide(START)).unwrap();
    assert_eq!(third.sessions["signed"].transport.key.as_deref(), Some(&b"k"[..]));
    assert_eq!(wanted(world.decide(START)), None);
}

#[test]
fn a_drained_node_says_so_before_it_withdraws() {
    let mut world = routing("node-b");
    let mut routers = told(&mut world);
    assert!(routers.of(TOR, "192.168.1.240/32").communities.is_empty());
    world.leave();
    assert!(!world.has_withdrawn());
    routers.follow(world.decide(START));
    assert!(routers.of(TOR, "192.168.1.240/32").communities.contains(&Community::GRACEFUL_SHUTDOWN));
    assert_eq!(world.deadline(), Some(START + settings().bgp_drain));
    assert!(!world.has_withdrawn());
    routers.follow(world.decide(START + settings().bgp_drain));
    assert_eq!(routers.has(TOR), [""; 0]);
    assert!(world.has_withdrawn() && routers.had_by.is_empty());
}

#[test]
fn an_orphan_keeps_its_route_until_the_grace_is_over() {
    let mut world = routing("node-b");
    let aggregating = BgpAdvertisement { aggregation_length: 29, ..advertised() };
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![aggregating.clone()])));
    let mut routers = told(&mut world);
    assert_eq!(routers.has(TOR), ["192.168.1.240/29"]);
    world.see(Seen::Pools(Change::Deleted(pool())));
    world.see(Seen::BgpAdvertisements(Change::Deleted(aggregating)));
    routers.follow(world.decide(START));
    assert_eq!(routers.has(TOR), ["192.168.1.240/32"], "whose the others are is not known");
    routers.follow(world.decide(START + GRACE - Duration::from_secs(1)));
    assert_eq!(routers.has(TOR), ["192.168.1.240/32"]);
    routers.follow(world.decide(START + GRACE));
    assert_eq!(routers.has(TOR), [""; 0]);
}

#[test]
fn what_comes_by_and_by_is_what_comes_at_once() {
    let seed = std::env::var("HERALD_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut compared = 0;
    for seed in seed.map_or(0..300, |seed: u64| seed..seed + 1) {
        let mut chance = super::incremental::Chance(seed);
        let mut world = routing("node-c");
        let mut routers = Routers::default();
        let mut now = START;
        for step in 0..60 {
            super::incremental::happen(&mut world, &mut chance);
            match chance.below(6) {
                0 => world.set_session(TOR, [Family::Ipv4].into()),
                1 => world.set_session(TOR, BTreeSet::new()),
                2 if chance.one_in(4) => {
                    let peers = if chance.one_in(2) { vec![peer(TOR)] } else { vec![spine_peer(), peer(TOR)] };
                    drop(world.see(Seen::BgpPeers(Change::Reset(peers))));
                }
                _ => {}
            }
            now += Duration::from_millis(chance.below(2000));
            routers.follow(world.decide(now));
            // To a router that is met only now, everything is told at once.
            let all = world.table_of(TOR);
            let mut fresh = Routers::default();
            fresh.tell(TOR.into(), all);
            let Some(table) = routers.tables.get(TOR) else { continue }; // before the first decision
            assert_eq!(Some(table), fresh.tables.get(TOR), "HERALD_SEED={seed}, step {step}");
            compared += usize::from(!table.is_empty());
        }
    }
    assert!(compared > 0);
}
