mod duplicates;
mod incremental;
mod moves;
mod orphans;
mod reporting;
mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use herald_compiler::object::{IpAddressPool, L2Advertisement, LabelSelector, ObjectMeta, PreferredNodeSelector};
use herald_election::Reason as Refusal;
use herald_membership::{Digest, Facts, Freshness, Phase};
use herald_neighbor::{MacAddr, Scope};
use herald_runtime::watch::Change;

use super::*;
use crate::watch::Seen;
use crate::watch::endpoint_slice::{EndpointState, Slice};
use crate::watch::node::{EXCLUDE, NodeSeen};
use crate::watch::service::{ServiceKey, ServiceSeen};

// 192.168.1.240 ranks node-a, node-c, node-b; `printf 'node-a#192.168.1.240' | sha256sum` and so on.
const IP: &str = "192.168.1.240";
/// When everything happens in tests that are not about time.
const START: Duration = Duration::from_secs(1000);
const GRACE: Duration = Duration::from_secs(600);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn key(name: &str) -> ServiceKey {
    ServiceKey::new("shop", name)
}

fn service() -> ServiceSeen {
    ServiceSeen {
        uid: "u".into(),
        labels: BTreeMap::from([("app".into(), "web".into())]),
        addresses: vec![ip(IP)],
        pool: Some("public".into()),
        local: false,
        created: 0,
        sharing: None,
    }
}

fn node(name: &str) -> NodeSeen {
    NodeSeen {
        name: name.into(),
        uid: String::new(),
        labels: BTreeMap::from([("name".into(), name.into())]),
        network_unavailable: false,
        cordoned: false,
        draining: false,
        internal_ips: vec![],
        ready: true,
    }
}

fn slice(nodes: &[(&str, EndpointState)]) -> Slice {
    let nodes = nodes.iter().map(|(node, state)| ((*node).to_owned(), *state)).collect();
    Slice { service: key("web"), name: "web-1".into(), nodes }
}

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { name: name.into(), ..ObjectMeta::default() }
}

fn pool() -> IpAddressPool {
    IpAddressPool {
        meta: meta("public"),
        addresses: vec!["192.168.1.240-192.168.1.250".into()],
        auto_assign: true,
        ..IpAddressPool::default()
    }
}

fn advertisement() -> L2Advertisement {
    L2Advertisement { meta: meta("l2"), ip_address_pools: vec!["public".into()], ..L2Advertisement::default() }
}

/// A speaker that sees the cluster and owns nothing.
fn current() -> Facts {
    let owned = Digest::of::<&str>([]);
    Facts { protocol: 1, freshness: Freshness::Current, owned, ..Facts::default() }
}

/// One that has the address.
fn owning() -> Facts {
    Facts { owned: Digest::of([IP]), ..current() }
}

fn settings() -> Settings {
    Settings { orphan_grace: GRACE, ..Settings::default() }
}

/// One MAC for each node.
fn mac(node: &str) -> MacAddr {
    MacAddr::new(2, 0, 0, 0, 0, node.bytes().last().unwrap())
}

/// There is nothing of BGP.
fn without_bgp(world: &mut World) {
    world.see(Seen::BgpPeers(Change::Reset(vec![])));
    world.see(Seen::BgpAdvertisements(Change::Reset(vec![])));
    world.see(Seen::Communities(Change::Reset(vec![])));
    world.see(Seen::BfdProfiles(Change::Reset(vec![])));
}

/// A speaker on `me` that sees three nodes, all alive and current, and one Service with an endpoint on each.
fn world(me: &str) -> World {
    let mut world = World::new(me.into(), settings());
    world.set_interfaces(BTreeMap::from([("eth0".to_owned(), mac("node-a"))]));
    world.see(Seen::Services(Change::Reset(vec![(key("web"), Some(service()))])));
    let everywhere = ["node-b", "node-c", "node-a"].map(|node| (node, EndpointState::Ready));
    world.see(Seen::Slices(Change::Reset(vec![slice(&everywhere)])));
    world.see(Seen::Nodes(Change::Reset(["node-b", "node-c", "node-a"].map(node).into())));
    world.see(Seen::Pools(Change::Reset(vec![pool()])));
    world.see(Seen::L2Advertisements(Change::Reset(vec![advertisement()])));
    without_bgp(&mut world);
    for other in ["node-b", "node-c", "node-a"].into_iter().filter(|node| *node != me) {
        world.hear(MemberEvent::Up(other.into()));
        world.hear(MemberEvent::Facts(other.into(), current()));
    }
    world.hear(MemberEvent::Started);
    world
}

/// What [`World::decide`] says to the wire.
fn wire(world: &mut World) -> Vec<Step> {
    wire_at(world, Duration::ZERO)
}

/// The same so long after the start.
fn wire_at(world: &mut World, later: Duration) -> Vec<Step> {
    world.decide(START + later).into_iter().filter(|step| !matches!(step, Step::Verdict { .. })).collect()
}

fn verdict(world: &mut World) -> Option<Verdict> {
    world.decide(START).into_iter().find_map(|step| match step {
        Step::Verdict { verdict, .. } => verdict,
        _ => None,
    })
}

fn owns() -> [Step; 1] {
    owns_on(Scope::All)
}

fn owns_on(scope: Scope) -> [Step; 1] {
    [Step::Own { ip: ip(IP), scope, ahead: BTreeSet::new() }]
}

fn disowns() -> [Step; 1] {
    [Step::Disown { ip: ip(IP) }]
}

#[test]
fn exactly_one_of_three_announces() {
    let owners: Vec<_> =
        ["node-b", "node-c", "node-a"].into_iter().filter(|me| wire(&mut world(me)) == owns()).collect();
    assert_eq!(owners, ["node-a"]);
    let verdict = verdict(&mut world("node-b"));
    assert_eq!(verdict, Some(Verdict::Not(Reason::Owner("node-a".into()))));
}

#[test]
fn nothing_comes_out_before_everything_was_seen() {
    let steps: [fn(&mut World); 10] = [
        |w| drop(w.see(Seen::Services(Change::Reset(vec![(key("web"), Some(service()))])))),
        |w| drop(w.see(Seen::Slices(Change::Reset(vec![slice(&[("node-b", EndpointState::Ready)])])))),
        |w| drop(w.see(Seen::Nodes(Change::Reset(vec![node("node-b")])))),
        |w| drop(w.see(Seen::Pools(Change::Reset(vec![pool()])))),
        |w| drop(w.see(Seen::L2Advertisements(Change::Reset(vec![advertisement()])))),
        |w| w.hear(MemberEvent::Started),
        |w| drop(w.see(Seen::BgpPeers(Change::Reset(vec![])))),
        |w| drop(w.see(Seen::BgpAdvertisements(Change::Reset(vec![])))),
        |w| drop(w.see(Seen::Communities(Change::Reset(vec![])))),
        |w| drop(w.see(Seen::BfdProfiles(Change::Reset(vec![])))),
    ];
    // Services come first: EndpointSlices are not watched before they are known.
    for missing in 1..steps.len() {
        let mut world = World::new("node-b".into(), settings());
        for (_, step) in steps.iter().enumerate().filter(|(index, _)| *index != missing) {
            step(&mut world);
        }
        assert!(!world.is_ready() && world.missing().len() == 1);
        assert_eq!(world.decide(START), []);
        steps[missing](&mut world);
        assert_eq!(wire(&mut world), owns());
    }
}

#[test]
fn a_speaker_that_starts_waits_for_the_facts_of_those_that_answered() {
    let mut world = world("node-a");
    world.hear(MemberEvent::Up("node-c".into())); // came back as another process: its facts are unknown again
    assert_eq!(wire(&mut world), []);
    assert_eq!(world.missing(), ["other speakers' facts"]);
    world.hear(MemberEvent::FactsOverdue);
    assert_eq!(wire(&mut world), owns(), "but not for ever");
    let mut ready = super::tests::world("node-a");
    ready.decide(START);
    ready.hear(MemberEvent::Up("node-c".into()));
    assert_eq!(ready.freshness(), Freshness::Current, "once it sees the cluster, another's start changes nothing");
}

#[test]
fn the_next_in_line_takes_over_when_the_owner_is_gone() {
    let mut world = world("node-c");
    assert_eq!(wire(&mut world), []);
    world.hear(MemberEvent::Down("node-a".into()));
    assert_eq!(wire(&mut world), owns());
    world.hear(MemberEvent::Up("node-a".into()));
    world.hear(MemberEvent::FactsOverdue);
    assert_eq!(wire(&mut world), [], "a speaker that has just started does not see the cluster yet");
    world.hear(MemberEvent::Facts("node-a".into(), owning()));
    assert_eq!(wire(&mut world), disowns());
}

#[test]
fn a_leaving_owner_is_replaced_at_once_and_a_stale_one_when_it_stays_so() {
    for phase in [Phase::Stopping, Phase::Draining] {
        let mut world = world("node-c");
        world.decide(START);
        world.hear(MemberEvent::Facts("node-a".into(), Facts { phase, ..current() }));
        assert_eq!(wire(&mut world), owns());
    }
    let mut world = world("node-c");
    world.decide(START);
    world.hear(MemberEvent::Facts("node-a".into(), Facts { freshness: Freshness::Stale, ..current() }));
    assert_eq!(wire(&mut world), [], "an outage of the API server is seen by one before the others");
    let deadline = world.deadline().unwrap();
    assert_eq!(wire_at(&mut world, deadline - START), owns());
}

#[test]
fn a_broken_watch_steps_back_only_behind_a_current_speaker() {
    let mut world = world("node-a");
    assert_eq!(wire(&mut world), owns());
    world.see(Seen::Services(Change::Broken("gone".into())));
    for other in ["node-b", "node-c"] {
        world.hear(MemberEvent::Facts(other.into(), Facts { freshness: Freshness::Stale, ..current() }));
    }
    let minutes = |count: u64| Duration::from_secs(60 * count);
    assert_eq!(wire(&mut world), [], "all are stale: all stay");
    assert_eq!(wire_at(&mut world, minutes(1)), [], "and go on staying");
    world.hear(MemberEvent::Facts("node-b".into(), current()));
    assert_eq!(wire_at(&mut world, minutes(2)), [], "the others may be about to be current, too");
    assert_eq!(wire_at(&mut world, minutes(3)), [], "until the next owner has it");
    world.hear(MemberEvent::Facts("node-b".into(), owning()));
    assert_eq!(wire_at(&mut world, minutes(3)), disowns());
}

/// The API server is away, and the owner's speaker restarts: it sees nothing and can't announce, so somebody else goes
/// on doing that.
#[test]
fn who_has_seen_nothing_yet_is_no_candidate_even_if_all_are_stale() {
    let mut world = world("node-c");
    assert_eq!(wire(&mut world), []);
    world.see(Seen::Services(Change::Broken("away".into())));
    for other in ["node-a", "node-b"] {
        world.hear(MemberEvent::Facts(other.into(), Facts { freshness: Freshness::Stale, ..current() }));
    }
    world.hear(MemberEvent::Down("node-a".into()));
    assert_eq!(wire(&mut world), owns());
    world.hear(MemberEvent::Up("node-a".into()));
    world.hear(MemberEvent::Facts("node-a".into(), Facts { freshness: Freshness::Blind, ..current() }));
    assert_eq!(wire(&mut world), [], "node-a can't");
    world.hear(MemberEvent::Facts("node-a".into(), owning()));
    assert_eq!(wire(&mut world), disowns(), "now it can");
}

#[test]
fn blind_is_only_who_has_not_decided_yet() {
    let mut starting = World::new("node-a".into(), Settings::default());
    assert_eq!(starting.freshness(), Freshness::Blind);
    assert_eq!(starting.decide(START), []);
    assert_eq!(starting.freshness(), Freshness::Blind);
    let mut world = world("node-a");
    world.decide(START);
    world.hear(MemberEvent::Up("node-d".into()));
    assert_eq!(world.freshness(), Freshness::Current, "a newcomer that says nothing yet blinds nobody");
    world.see(Seen::Services(Change::Broken("away".into())));
    assert_eq!(world.freshness(), Freshness::Stale);
}

#[test]
fn local_follows_the_endpoints() {
    let mut world = world("node-c");
    let local = ServiceSeen { local: true, ..service() };
    world.see(Seen::Services(Change::Applied((key("web"), Some(local)))));
    assert_eq!(wire(&mut world), []);
    let only_here = [("node-c", EndpointState::Ready), ("node-a", EndpointState::ServingTerminating)];
    world.see(Seen::Slices(Change::Applied(slice(&only_here))));
    assert_eq!(wire(&mut world), owns());
    world.see(Seen::Slices(Change::Applied(slice(&[("node-b", EndpointState::Ready)]))));
    assert_eq!(wire(&mut world), disowns());
    world.see(Seen::Slices(Change::Deleted(slice(&[]))));
    assert_eq!(verdict(&mut world), Some(Verdict::Not(Reason::NoCandidate(Refusal::NoEndpoint))));
}

#[test]
fn the_exclude_label_moves_the_address_unless_it_is_ignored() {
    let mut excluded = node("node-a");
    excluded.labels.insert(EXCLUDE.into(), String::new());
    let mut second = world("node-c");
    second.see(Seen::Nodes(Change::Applied(excluded.clone())));
    assert_eq!(wire(&mut second), owns());
    let mut ignoring = world("node-c");
    ignoring.settings.ignore_exclude = true;
    ignoring.see(Seen::Nodes(Change::Applied(excluded)));
    assert_eq!(wire(&mut ignoring), []);
}

#[test]
fn advertisements_choose_nodes_services_and_interfaces() {
    let selector = |key: &str, value: &str| LabelSelector {
        match_labels: BTreeMap::from([(key.into(), value.into())]),
        ..LabelSelector::default()
    };
    let announced = |me: &str, advertisement: L2Advertisement| {
        let mut world = world(me);
        world.see(Seen::L2Advertisements(Change::Reset(vec![advertisement])));
        wire(&mut world)
    };
    let on_a = L2Advertisement { node_selectors: vec![selector("name", "node-b")], ..advertisement() };
    assert_eq!(announced("node-b", on_a.clone()), owns());
    assert_eq!(announced("node-a", on_a), []);
    let others = L2Advertisement { service_selectors: vec![selector("app", "db")], ..advertisement() };
    assert_eq!(announced("node-a", others), []);
    let eth0 = L2Advertisement { interfaces: vec!["eth0".into()], ..advertisement() };
    let scope = Scope::Named(BTreeSet::from(["eth0".to_owned()]));
    assert_eq!(announced("node-a", eth0), owns_on(scope));
    let eth9 = L2Advertisement { interfaces: vec!["eth9".into()], ..advertisement() };
    assert_eq!(announced("node-a", eth9), [], "a node without the interface is no candidate");
}

#[test]
fn other_nodes_interfaces_count_as_far_as_they_tell() {
    let mut world = world("node-c");
    let eth0 = L2Advertisement { interfaces: vec!["eth0".into()], ..advertisement() };
    world.see(Seen::L2Advertisements(Change::Reset(vec![eth0])));
    let with = |names: &[&str]| Facts { interfaces: Digest::of(names), ..current() };
    world.hear(MemberEvent::Facts("node-a".into(), with(&["eth0"])));
    assert_eq!(wire(&mut world), []);
    world.hear(MemberEvent::Facts("node-a".into(), with(&["eth1"])));
    let scope = Scope::Named(BTreeSet::from(["eth0".to_owned()]));
    assert_eq!(wire(&mut world), owns_on(scope));
}

#[test]
fn a_late_service_is_decided_about_when_its_slices_are_listed() {
    let mut world = world("node-a");
    world.see(Seen::Services(Change::Deleted((key("web"), None))));
    world.decide(START);
    let late = ServiceSeen { addresses: vec![ip(IP)], ..service() };
    let requests = world.see(Seen::Services(Change::Applied((key("late"), Some(late)))));
    assert_eq!(requests, [Request::ListSlices(key("late"))]);
    assert_eq!(world.decide(START), []);
    let its_slice = Slice { service: key("late"), ..slice(&[("node-b", EndpointState::Ready)]) };
    world.see(Seen::SlicesOf(key("late"), vec![its_slice]));
    assert!(matches!(verdict(&mut world), Some(Verdict::Announce { .. })));
}

#[test]
fn a_service_that_goes_or_loses_its_address_is_disowned() {
    for change in [
        Change::Deleted((key("web"), None)),
        Change::Applied((key("web"), None)),
        Change::Reset(vec![]),
        Change::Applied((key("web"), Some(ServiceSeen { addresses: vec![], ..service() }))),
    ] {
        let mut world = world("node-a");
        assert_eq!(wire(&mut world), owns());
        world.see(Seen::Services(change));
        assert_eq!(wire(&mut world), disowns());
    }
}

#[test]
fn what_changes_nothing_says_nothing() {
    let mut world = world("node-a");
    world.decide(START);
    world.see(Seen::Services(Change::Applied((key("web"), Some(service())))));
    world.see(Seen::Nodes(Change::Applied(node("node-b"))));
    world.see(Seen::Pools(Change::Applied(pool())));
    world.hear(MemberEvent::Facts("node-b".into(), current()));
    assert_eq!(world.decide(START), []);
}

#[test]
fn sharing_and_service_selectors_do_not_go_together() {
    let mut world = world("node-a");
    world.see(Seen::Services(Change::Applied((
        key("web"),
        Some(ServiceSeen { sharing: Some(Box::default()), ..service() }),
    ))));
    let selecting = L2Advertisement { service_selectors: vec![LabelSelector::default()], ..advertisement() };
    world.see(Seen::L2Advertisements(Change::Reset(vec![selecting])));
    let verdict = verdict(&mut world);
    let reason = verdict.as_ref().and_then(Verdict::reason);
    assert_eq!(reason, Some(&Reason::NoCandidate(Refusal::SharedWithSelector)));
}
