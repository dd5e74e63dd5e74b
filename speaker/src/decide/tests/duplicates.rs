//! Two Services with one address.

use super::*;
use crate::watch::service::{Protocol, Sharing};

/// `web` is the older one, with an endpoint on node-a; `copy` has one on node-c. Both are Local.
fn world_with_copy(me: &str, sharing: Option<Sharing>) -> World {
    let of = |created| ServiceSeen { local: true, created, sharing: sharing.clone().map(Box::new), ..service() };
    let mut world = World::new(me.into(), settings());
    world.set_interfaces(BTreeMap::from([("eth0".to_owned(), mac("node-a"))]));
    world.see(Seen::Services(Change::Reset(vec![(key("copy"), Some(of(2))), (key("web"), Some(of(1)))])));
    let its = |service: &str, node: &str| Slice { service: key(service), ..slice(&[(node, EndpointState::Ready)]) };
    world.see(Seen::Slices(Change::Reset(vec![its("web", "node-a"), its("copy", "node-c")])));
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

fn of(steps: Vec<Step>, name: &str) -> Option<Verdict> {
    steps.into_iter().find_map(|step| match step {
        Step::Verdict { service, verdict, .. } if service == key(name) => verdict,
        _ => None,
    })
}

#[test]
fn exactly_one_node_owns_a_doubled_address() {
    let owners: Vec<_> = ["node-b", "node-c", "node-a"]
        .into_iter()
        .filter(|me| !wire(&mut world_with_copy(me, None)).is_empty())
        .collect();
    assert_eq!(owners, ["node-a"], "where the older one's endpoint is");
    let younger = of(world_with_copy("node-c", None).decide(START), "copy");
    assert_eq!(younger, Some(Verdict::Not(Reason::Displaced(key("web")))));
}

#[test]
fn the_younger_one_gets_it_when_the_older_one_goes() {
    let mut world = world_with_copy("node-c", None);
    assert_eq!(wire(&mut world), []);
    world.see(Seen::Services(Change::Deleted((key("web"), None))));
    assert_eq!(wire(&mut world), owns());
}

#[test]
fn a_silent_older_one_is_not_replaced() {
    let mut world = world_with_copy("node-c", None);
    world.see(Seen::Slices(Change::Applied(slice(&[]))));
    assert_eq!(wire(&mut world), [], "the address is not the younger one's, whoever answers");
}

#[test]
fn what_is_not_doubled_is_announced() {
    let mut world = world_with_copy("node-c", None);
    let other = "192.168.1.241";
    let both = ServiceSeen { local: true, created: 2, addresses: vec![ip(IP), ip(other)], ..service() };
    world.see(Seen::Services(Change::Applied((key("copy"), Some(both)))));
    assert_eq!(wire(&mut world), [Step::Own { ip: ip(other), scope: Scope::All, ahead: BTreeSet::new() }]);
}

#[test]
fn who_may_share_has_it_too() {
    let terms = Sharing { key: "k".into(), ports: [(Protocol::Tcp, 80)].into(), ..Sharing::default() };
    let mut world = world_with_copy("node-c", Some(terms.clone()));
    assert_eq!(wire(&mut world), [], "one port for both");
    let other_port = Sharing { ports: [(Protocol::Tcp, 443)].into(), ..terms };
    let copy = ServiceSeen { local: true, created: 2, sharing: Some(Box::new(other_port)), ..service() };
    world.see(Seen::Services(Change::Applied((key("copy"), Some(copy)))));
    assert_eq!(wire(&mut world), owns(), "lawful sharing stays as it was");
}
