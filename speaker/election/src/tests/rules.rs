//! Each rule of eligibility, with the reason it gives.

use std::net::IpAddr;

use crate::{Endpoints, Node, Policy, Presence, Question, Reason, Verdict, elect};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const READY: Endpoints = Endpoints { ready: true, serving_terminating: false };
const ENDING: Endpoints = Endpoints { ready: false, serving_terminating: true };
const NONE: Endpoints = Endpoints { ready: false, serving_terminating: false };

/// In the order of election for [`ADDRESS`]: b, a, c.
fn node(name: &'static str) -> Node<'static> {
    Node { name, speaker: Presence::GOOD, selected: true, has_interface: true, endpoints: READY, ..Node::default() }
}

fn question(nodes: impl IntoIterator<Item = Node<'static>>) -> Question<'static> {
    Question {
        address: ADDRESS,
        policy: Policy::Local,
        shared_with_selector: false,
        failback: true,
        elsewhere: NONE,
        nodes: nodes.into_iter().collect(),
    }
}

fn abc() -> [Node<'static>; 3] {
    [node("node-a"), node("node-b"), node("node-c")]
}

#[track_caller]
fn expect(verdict: &Verdict<'_>, owner: Option<&str>, refused: &[(&str, Reason)]) {
    assert_eq!(verdict.owner, owner);
    assert_eq!(verdict.refused, refused);
}

#[test]
fn the_first_in_order_owns_and_the_second_succeeds() {
    let verdict = elect(&question(abc()));
    expect(&verdict, Some("node-b"), &[]);
    assert_eq!(verdict.successor(), Some("node-a"));
}

#[test]
fn a_node_that_fails_alone_is_refused_with_its_reason() {
    type Spoil = fn(&mut Node<'_>);
    let spoil: [(Spoil, Reason); 6] = [
        (|n| n.speaker = Presence::Absent, Reason::NoSpeaker),
        (|n| n.selected = false, Reason::NotSelected),
        (|n| n.network_unavailable = true, Reason::NetworkUnavailable),
        (|n| n.excluded = true, Reason::Excluded),
        (|n| n.has_interface = false, Reason::NoInterface),
        (|n| n.endpoints = NONE, Reason::NoLocalEndpoint),
    ];
    for (spoil, reason) in spoil {
        let [a, mut b, c] = abc();
        spoil(&mut b);
        let verdict = elect(&question([a, b, c]));
        expect(&verdict, Some("node-a"), &[("node-b", reason)]);
        assert_eq!(verdict.reason("node-b"), Some(reason));
        assert_eq!(verdict.reason("node-a"), None);
        let alone = elect(&question([b]));
        assert_eq!(alone.owner, None, "{reason:?} also refuses the last");
    }
}

#[test]
fn the_policy_cluster_needs_an_endpoint_anywhere_and_local_one_here() {
    let without = abc().map(|n| Node { endpoints: NONE, ..n });
    let mut ask = question(without);
    let nobody = |reason| [("node-a", reason), ("node-b", reason), ("node-c", reason)];
    expect(&elect(&ask), None, &nobody(Reason::NoEndpoint));
    ask.elsewhere = ENDING;
    expect(&elect(&ask), None, &nobody(Reason::NoLocalEndpoint));
    ask.policy = Policy::Cluster;
    expect(&elect(&ask), Some("node-b"), &[]);
}

#[test]
fn terminating_endpoints_count_only_if_nobody_is_ready() {
    let [a, b, c] = abc();
    let (b, c) = (Node { endpoints: ENDING, ..b }, Node { endpoints: NONE, ..c });
    let terminating = ("node-b", Reason::OnlyTerminating);
    let without = ("node-c", Reason::NoLocalEndpoint);
    expect(&elect(&question([a, b, c])), Some("node-a"), &[terminating, without]);
    // The node with the ready endpoint cannot announce: better the terminating one than nobody.
    let a = Node { excluded: true, ..a };
    expect(&elect(&question([a, b, c])), Some("node-b"), &[("node-a", Reason::Excluded), without]);
    // With Cluster it does not matter where endpoints are.
    let mut ask = question([a, b, c]);
    ask.policy = Policy::Cluster;
    expect(&elect(&ask), Some("node-b"), &[("node-a", Reason::Excluded)]);
}

#[test]
fn stale_and_leaving_speakers_step_back_only_for_a_better_one() {
    let stale = Presence::Alive { current: false, leaving: false };
    let leaving = Presence::Alive { current: true, leaving: true };
    let [a, b, c] = abc();
    let with = |n: Node<'static>, speaker| Node { speaker, ..n };
    expect(&elect(&question([a, with(b, stale), c])), Some("node-a"), &[("node-b", Reason::Stale)]);
    expect(&elect(&question([a, b, c].map(|n| with(n, stale)))), Some("node-b"), &[]);
    expect(&elect(&question([a, with(b, leaving), c])), Some("node-a"), &[("node-b", Reason::Leaving)]);
    expect(&elect(&question([with(b, leaving)])), Some("node-b"), &[]);
    // A stale speaker that stays is better than a fresh one that goes.
    expect(&elect(&question([with(a, stale), with(b, leaving)])), Some("node-a"), &[("node-b", Reason::Leaving)]);
    // Freshness of a node that may not announce anyway drives nobody out.
    let a = Node { selected: false, ..a };
    expect(&elect(&question([a, with(b, stale)])), Some("node-b"), &[("node-a", Reason::NotSelected)]);
}

#[test]
fn a_cordoned_node_ranks_behind_but_is_never_removed() {
    let [a, b, c] = abc();
    let b = Node { cordoned: true, score: 100, ..b };
    let verdict = elect(&question([a, b, c]));
    assert_eq!(verdict.ranking.iter().map(|c| c.node).collect::<Vec<_>>(), ["node-a", "node-c", "node-b"]);
    expect(&elect(&question([b])), Some("node-b"), &[]);
}

#[test]
fn scores_come_before_hashes() {
    let [a, b, c] = abc();
    let c = Node { score: 1, ..c };
    expect(&elect(&question([a, b, c])), Some("node-c"), &[]);
    let a = Node { score: i64::MAX, ..a };
    let b = Node { score: i64::MIN, ..b };
    assert_eq!(elect(&question([a, b, c])).successor(), Some("node-c"));
}

#[test]
fn without_failback_the_owner_keeps_the_address_while_it_may() {
    let [a, b, c] = abc();
    let c = Node { owns_now: true, ..c };
    let mut ask = question([a, b, c]);
    assert_eq!(elect(&ask).owner, Some("node-b"), "with failback a claim means nothing");
    ask.failback = false;
    assert_eq!(elect(&ask).owner, Some("node-c"));
    assert_eq!(elect(&ask).successor(), Some("node-b"));
    ask.nodes = vec![Node { owns_now: true, ..a }, b, c];
    assert_eq!(elect(&ask).owner, Some("node-a"), "two claims: the order decides");
    ask.nodes = vec![a, b, Node { excluded: true, ..c }];
    assert_eq!(elect(&ask).owner, Some("node-b"), "who may not announce cannot hold it");
}

#[test]
fn a_shared_address_with_selecting_advertisements_is_announced_by_nobody() {
    let mut ask = question([node("node-a")]);
    ask.shared_with_selector = true;
    expect(&elect(&ask), None, &[("node-a", Reason::SharedWithSelector)]);
}
