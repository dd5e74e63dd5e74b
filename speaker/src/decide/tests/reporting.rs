//! Who says that nobody announces a Service.

use super::*;

fn without_endpoints(me: &str) -> World {
    let mut world = world(me);
    world.see(Seen::Slices(Change::Reset(vec![])));
    world
}

fn says(world: &mut World) -> bool {
    matches!(verdict(world), Some(Verdict::Unannounced(_)))
}

const ALL: [&str; 3] = ["node-a", "node-b", "node-c"];

#[test]
fn exactly_one_speaker_says_it() {
    let voices: Vec<_> = ALL.into_iter().filter(|me| says(&mut without_endpoints(me))).collect();
    assert_eq!(voices, ["node-a"], "the first in the election's order");
    let Some(Verdict::Unannounced(said)) = verdict(&mut without_endpoints("node-a")) else { panic!("says nothing") };
    assert_eq!((said.word, &said.reason), ("NoReadyEndpoints", &Reason::NoCandidate(Refusal::NoEndpoint)));
}

#[test]
fn a_speaker_that_is_stale_leaving_unknown_or_dead_is_no_voice() {
    let events: [fn(&mut World); 5] = [
        |w| w.hear(MemberEvent::Facts("node-a".into(), Facts { freshness: Freshness::Stale, ..current() })),
        |w| w.hear(MemberEvent::Facts("node-a".into(), Facts { phase: Phase::Draining, ..current() })),
        |w| w.hear(MemberEvent::Facts("node-a".into(), Facts { phase: Phase::Stopping, ..current() })),
        |w| w.hear(MemberEvent::Facts("node-a".into(), Facts { protocol: 0, ..current() })),
        |w| w.hear(MemberEvent::Down("node-a".into())),
    ];
    for event in events {
        let voices = ["node-b", "node-c"].into_iter().filter(|me| {
            let mut world = without_endpoints(me);
            assert!(!says(&mut world));
            world.hear(MemberEvent::FactsOverdue);
            event(&mut world);
            says(&mut world)
        });
        assert_eq!(voices.collect::<Vec<_>>(), ["node-c"], "the next in order");
    }
    let mut blind = without_endpoints("node-a");
    blind.see(Seen::Services(Change::Broken("gone".into())));
    assert!(!says(&mut blind), "who doesn't see the cluster has no voice");
}

#[test]
fn eligibility_does_not_matter_for_having_a_voice() {
    let mut excluded = node("node-a");
    excluded.labels.insert(EXCLUDE.into(), String::new());
    let mut world = without_endpoints("node-a");
    world.see(Seen::Nodes(Change::Applied(excluded)));
    assert!(says(&mut world));
}

#[test]
fn it_is_taken_back_when_somebody_announces() {
    let mut world = without_endpoints("node-a");
    assert!(says(&mut world));
    world.see(Seen::Slices(Change::Applied(slice(&[("node-b", EndpointState::Ready)]))));
    assert!(matches!(verdict(&mut world), Some(Verdict::Announce { .. })));
}

#[test]
fn selectors_that_match_no_node_name_the_nodes() {
    let nowhere =
        LabelSelector { match_labels: BTreeMap::from([("rack".into(), "none".into())]), ..LabelSelector::default() };
    let mut world = world("node-a");
    let advertisement = L2Advertisement { node_selectors: vec![nowhere], ..advertisement() };
    world.see(Seen::L2Advertisements(Change::Reset(vec![advertisement])));
    let Some(Verdict::Unannounced(said)) = verdict(&mut world) else { panic!("says nothing") };
    assert_eq!(said.word, "NoEligibleNode");
    assert!(said.message.contains("node-a, node-b, node-c: no advertisement's nodeSelectors"), "{}", said.message);
}

#[test]
fn what_the_controller_sees_itself_no_speaker_says() {
    for me in ALL {
        let mut world = world(me);
        world.see(Seen::L2Advertisements(Change::Reset(vec![])));
        assert_eq!(verdict(&mut world), Some(Verdict::Not(Reason::NoAdvertisement)));
    }
}
