use proptest::prelude::*;

use super::*;

fn node(name: &str) -> Node<'_> {
    Node {
        name,
        alive: true,
        staying: true,
        current: true,
        selected: true,
        has_interface: true,
        network_unavailable: false,
        excluded: false,
        cordoned: false,
        score: 0,
        endpoints: Endpoints::Ready,
    }
}

fn question<'a>(address: &str, nodes: Vec<Node<'a>>) -> Question<'a> {
    Question { address: address.parse().unwrap(), local: false, served: true, nodes }
}

fn ranking<'a>(address: &str, names: &[&'a str]) -> Vec<&'a str> {
    elect(&question(address, names.iter().map(|name| node(name)).collect())).ranking
}

#[test]
fn metallbs_order() {
    assert_eq!(ranking("10.0.0.1", &["node-a", "node-b", "node-c"]), ["node-b", "node-a", "node-c"]);
    assert_eq!(ranking("10.0.0.2", &["node-a", "node-b", "node-c"]), ["node-b", "node-c", "node-a"]);
    assert_eq!(ranking("10.20.30.1", &["iris1", "iris2"]), ["iris2", "iris1"]);
    assert_eq!(
        ranking("10.20.30.1", &["edge-a", "edge-b", "worker-a", "worker-b"]),
        ["edge-b", "worker-a", "edge-a", "worker-b"]
    );
}

#[test]
fn a_mapped_address_hashes_like_ipv4() {
    let names = ["node-a", "node-b", "node-c"];
    assert_eq!(ranking("::ffff:10.0.0.2", &names), ranking("10.0.0.2", &names));
}

#[test]
fn preference_goes_before_the_hash_and_cordon_before_both() {
    let preferred = Node { score: 5, ..node("node-c") };
    let verdict = elect(&question("10.0.0.1", vec![node("node-a"), node("node-b"), preferred.clone()]));
    assert_eq!(verdict.ranking, ["node-c", "node-b", "node-a"]);
    let cordoned = Node { cordoned: true, ..preferred };
    let verdict = elect(&question("10.0.0.1", vec![node("node-a"), node("node-b"), cordoned.clone()]));
    assert_eq!(verdict.ranking, ["node-b", "node-a", "node-c"]);
    let alone = elect(&question("10.0.0.1", vec![cordoned]));
    assert_eq!(alone.owner(), Some("node-c"), "cordon never removes the last");
}

#[test]
fn each_absolute_refusal() {
    let cases = [
        (Node { alive: false, ..node("x") }, Refusal::NotAlive),
        (Node { network_unavailable: true, ..node("x") }, Refusal::NetworkUnavailable),
        (Node { excluded: true, ..node("x") }, Refusal::Excluded),
        (Node { selected: false, ..node("x") }, Refusal::NotSelected),
        (Node { has_interface: false, ..node("x") }, Refusal::NoInterface),
    ];
    for (node, refusal) in cases {
        let verdict = elect(&question("10.0.0.1", vec![node]));
        assert_eq!(verdict.owner(), None);
        assert_eq!(verdict.refused, [("x", refusal)]);
        assert!(!refusal.describe().is_empty());
    }
}

#[test]
fn without_any_endpoint_nobody_announces() {
    let mut question = question("10.0.0.1", vec![node("x")]);
    question.served = false;
    assert_eq!(elect(&question).refused, [("x", Refusal::NoEndpoints)]);
}

#[test]
fn local_wants_ready_endpoints_then_terminating_ones() {
    let none = Node { endpoints: Endpoints::None, ..node("node-a") };
    let terminating = Node { endpoints: Endpoints::ServingTerminating, ..node("node-b") };
    let mut question = question("10.0.0.1", vec![none, terminating, node("node-c")]);
    assert_eq!(elect(&question).owner(), Some("node-b"), "policy Cluster does not look at where endpoints are");
    question.local = true;
    let verdict = elect(&question);
    assert_eq!(verdict.ranking, ["node-c"]);
    assert_eq!(verdict.refused, [("node-a", Refusal::NoLocalEndpoint), ("node-b", Refusal::OnlyTerminating)]);
    question.nodes.pop();
    assert_eq!(elect(&question).ranking, ["node-b"], "better a terminating endpoint than none");
}

#[test]
fn a_stale_or_leaving_speaker_owns_only_when_all_are() {
    let stale = |name| Node { current: false, ..node(name) };
    assert_eq!(elect(&question("10.0.0.1", vec![stale("node-b"), node("node-c")])).ranking, ["node-c"]);
    assert_eq!(elect(&question("10.0.0.1", vec![stale("node-b"), stale("node-c")])).ranking, ["node-b", "node-c"]);
    let leaving = |name| Node { staying: false, ..node(name) };
    assert_eq!(elect(&question("10.0.0.1", vec![leaving("node-b"), node("node-c")])).ranking, ["node-c"]);
    assert_eq!(elect(&question("10.0.0.1", vec![leaving("node-b")])).ranking, ["node-b"]);
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn any_node(name: &'static str) -> impl Strategy<Value = Node<'static>> {
    let likely = || prop::bool::weighted(0.8);
    let rarely = || prop::bool::weighted(0.15);
    let endpoints = prop_oneof![Just(Endpoints::None), Just(Endpoints::ServingTerminating), Just(Endpoints::Ready)];
    let well = (likely(), likely(), likely(), likely(), likely());
    (well, rarely(), rarely(), rarely(), 0_u32..3, endpoints).prop_map(
        move |(
            (alive, staying, current, selected, has_interface),
            network_unavailable,
            excluded,
            cordoned,
            score,
            endpoints,
        )| {
            Node {
                name,
                alive,
                staying,
                current,
                selected,
                has_interface,
                network_unavailable,
                excluded,
                cordoned,
                score,
                endpoints,
            }
        },
    )
}

fn any_question() -> impl Strategy<Value = Question<'static>> {
    let nodes = NAMES.map(|name| proptest::option::weighted(0.7, any_node(name)).boxed());
    (any::<u32>(), any::<bool>(), prop::bool::weighted(0.9), nodes).prop_map(|(address, local, served, nodes)| {
        Question {
            address: std::net::Ipv4Addr::from(address).into(),
            local,
            served,
            nodes: nodes.into_iter().flatten().collect(),
        }
    })
}

proptest! {
    #[test]
    fn every_node_is_ranked_or_refused_once(question in any_question()) {
        let verdict = elect(&question);
        let mut all: Vec<_> = verdict.ranking.iter().copied().chain(verdict.refused.iter().map(|(name, _)| *name)).collect();
        all.sort_unstable();
        let mut expected: Vec<_> = question.nodes.iter().map(|node| node.name).collect();
        expected.sort_unstable();
        prop_assert_eq!(all, expected);
    }

    #[test]
    fn the_owner_is_eligible(question in any_question()) {
        if let Some(owner) = elect(&question).owner() {
            let owner = question.nodes.iter().find(|node| node.name == owner).unwrap();
            prop_assert!(question.served && owner.alive && owner.selected && owner.has_interface);
            prop_assert!(!owner.excluded && !owner.network_unavailable);
            prop_assert!(!question.local || owner.endpoints != Endpoints::None);
        }
    }

    #[test]
    fn the_order_of_the_nodes_has_no_influence(question in any_question()) {
        let mut reversed = question.clone();
        reversed.nodes.reverse();
        prop_assert_eq!(elect(&question).ranking, elect(&reversed).ranking);
    }

    #[test]
    fn losing_another_node_moves_nothing(question in any_question(), victim in 0_usize..8) {
        let before = elect(&question);
        let Some(owner) = before.owner() else { return Ok(()) };
        let mut smaller = question.clone();
        smaller.nodes.retain(|node| node.name == owner || node.name != NAMES[victim]);
        prop_assert_eq!(elect(&smaller).owner(), Some(owner));
    }

    #[test]
    fn the_second_takes_over(question in any_question()) {
        let before = elect(&question);
        if before.ranking.len() >= 2 {
            let mut smaller = question.clone();
            smaller.nodes.retain(|node| node.name != before.ranking[0]);
            prop_assert_eq!(elect(&smaller).owner(), Some(before.ranking[1]));
        }
    }
}
