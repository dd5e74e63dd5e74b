//! What holds for any question.

use std::net::IpAddr;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::{Endpoints, Memo, Node, Policy, Presence, Question, elect, elect_with};

const NAMES: [&str; 8] = ["a", "b", "node-1", "node-2", "node-10", "worker", "edge.example.org", "z"];

fn endpoints() -> impl Strategy<Value = Endpoints> {
    (any::<bool>(), any::<bool>()).prop_map(|(ready, serving_terminating)| Endpoints { ready, serving_terminating })
}

fn presence() -> impl Strategy<Value = Presence> {
    prop_oneof![
        1 => Just(Presence::Absent),
        3 => Just(Presence::GOOD),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(current, leaving)| Presence::Alive { current, leaving }),
    ]
}

prop_compose! {
    fn node(name: &'static str)(
        speaker in presence(),
        selected in prop::bool::weighted(0.9),
        has_interface in prop::bool::weighted(0.9),
        network_unavailable in prop::bool::weighted(0.1),
        excluded in prop::bool::weighted(0.1),
        cordoned in prop::bool::weighted(0.2),
        score in prop_oneof![Just(0i64), -2..3i64],
        endpoints in endpoints(),
        owns_now in any::<bool>(),
    ) -> Node<'static> {
        Node { name, speaker, selected, has_interface, network_unavailable, excluded, cordoned, score, endpoints, owns_now }
    }
}

prop_compose! {
    fn question()(
        nodes in NAMES.map(node),
        count in 0..=NAMES.len(),
        last in any::<u32>(),
        local in any::<bool>(),
        shared_with_selector in prop::bool::weighted(0.05),
        failback in any::<bool>(),
        elsewhere in endpoints(),
    ) -> Question<'static> {
        Question {
            address: IpAddr::from(last.to_be_bytes()),
            policy: if local { Policy::Local } else { Policy::Cluster },
            shared_with_selector,
            failback,
            elsewhere,
            nodes: nodes.into_iter().take(count).collect(),
        }
    }
}

/// The rules once more, as one would say them, without regard to speed or reasons.
fn naive_owner(q: &Question<'static>) -> Option<&'static str> {
    let serves = |e: Endpoints| e.ready || e.serving_terminating;
    if q.shared_with_selector || !(serves(q.elsewhere) || q.nodes.iter().any(|n| serves(n.endpoints))) {
        return None;
    }
    let mut pool: Vec<Node<'static>> = q.nodes.clone();
    pool.retain(|n| n.speaker != Presence::Absent && n.selected && n.has_interface);
    pool.retain(|n| !n.network_unavailable && !n.excluded);
    if q.policy == Policy::Local {
        pool.retain(|n| serves(n.endpoints));
        if pool.iter().any(|n| n.endpoints.ready) {
            pool.retain(|n| n.endpoints.ready);
        }
    }
    let stays = |n: &Node<'_>| matches!(n.speaker, Presence::Alive { leaving: false, .. });
    if pool.iter().any(stays) {
        pool.retain(stays);
    }
    let fresh = |n: &Node<'_>| matches!(n.speaker, Presence::Alive { current: true, .. });
    if pool.iter().any(fresh) {
        pool.retain(fresh);
    }
    if !q.failback && pool.iter().any(|n| n.owns_now) {
        pool.retain(|n| n.owns_now);
    }
    let key = |n: &Node<'_>| -> (bool, i64, Vec<u8>) {
        let text = format!("{}#{}", n.name, q.address);
        (n.cordoned, n.score.checked_neg().unwrap(), Sha256::digest(text).to_vec())
    };
    pool.into_iter().min_by_key(key).map(|n| n.name)
}

proptest! {
    #[test]
    fn agrees_with_the_naive_reference(q in question()) {
        prop_assert_eq!(elect(&q).owner, naive_owner(&q));
    }

    #[test]
    fn everybody_is_ranked_or_refused_and_the_owner_is_ranked(q in question()) {
        let verdict = elect(&q);
        let mut named: Vec<_> = verdict.ranking.iter().map(|c| c.node).collect();
        prop_assert_eq!(verdict.owner.is_some(), !named.is_empty());
        prop_assert!(verdict.owner.is_none_or(|owner| named.contains(&owner)));
        named.extend(verdict.refused.iter().map(|(node, _)| *node));
        named.sort_unstable();
        let mut all: Vec<_> = q.nodes.iter().map(|n| n.name).collect();
        all.sort_unstable();
        prop_assert_eq!(named, all);
    }

    #[test]
    fn the_order_of_nodes_does_not_matter(q in question(), seed in any::<u64>()) {
        let mut shuffled = q.clone();
        shuffled.nodes.sort_by_key(|n| Sha256::digest(format!("{seed}{}", n.name)).to_vec());
        let (one, two) = (elect(&q), elect(&shuffled));
        prop_assert_eq!(one.owner, two.owner);
        prop_assert_eq!(one.ranking, two.ranking);
    }

    /// A node that is not the owner goes away, speaker and all, while its endpoints stay counted.
    #[test]
    fn the_loss_of_another_node_moves_nothing(q in question(), which in 0..NAMES.len()) {
        let before = elect(&q).owner;
        let mut after = q.clone();
        if let Some(node) = after.nodes.get_mut(which) && Some(node.name) != before {
            let lost_good_company = q.nodes.len() > 1;
            node.speaker = Presence::Absent;
            let now = elect(&after);
            // It may only let in somebody who had stepped back for it.
            let stepped_back = |name| elect(&q).reason(name).is_some();
            prop_assert!(
                now.owner == before || (lost_good_company && now.owner.is_some_and(stepped_back)),
                "{:?} became {:?}", before, now.owner
            );
        }
    }

    /// Among equals the law is strict.
    #[test]
    fn the_loss_of_a_candidate_moves_nothing_among_equals(q in question(), which in 0..NAMES.len()) {
        let mut q = q;
        for node in &mut q.nodes {
            node.speaker = Presence::GOOD;
            node.endpoints = Endpoints { ready: true, serving_terminating: false };
        }
        let before = elect(&q).owner;
        if which < q.nodes.len() && Some(q.nodes[which].name) != before {
            let lost = q.nodes.remove(which);
            q.elsewhere = lost.endpoints;
            prop_assert_eq!(elect(&q).owner, before);
        }
    }

    #[test]
    fn a_memo_changes_nothing(questions in prop::collection::vec(question(), 1..8), capacity in 0..40usize) {
        let mut memo = Memo::with_capacity(capacity);
        for q in &questions {
            prop_assert_eq!(elect_with(q, &mut memo), elect(q));
        }
    }
}
