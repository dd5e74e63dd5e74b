//! Pools and advertisements that vanish, and come back or don't.

use super::*;

fn after(seconds: u64) -> Duration {
    START + Duration::from_secs(seconds)
}

/// The owner's world, announcing.
fn announcing() -> World {
    let mut world = world("node-a");
    assert_eq!(wire(&mut world), owns());
    world
}

fn wire_at(world: &mut World, at: Duration) -> Vec<Step> {
    world.decide(at).into_iter().filter(|step| !matches!(step, Step::Verdict { .. })).collect()
}

fn delete_pool(world: &mut World) {
    world.see(Seen::Pools(Change::Deleted(pool())));
}

fn delete_advertisement(world: &mut World) {
    world.see(Seen::L2Advertisements(Change::Deleted(advertisement())));
}

fn create_pool(world: &mut World) {
    world.see(Seen::Pools(Change::Applied(pool())));
}

fn create_advertisement(world: &mut World) {
    world.see(Seen::L2Advertisements(Change::Applied(advertisement())));
}

/// What was decided last about a Service, and that the wire hears nothing of it.
fn silently(world: &mut World, at: Duration) -> Option<Verdict> {
    let steps = world.decide(at);
    assert!(steps.iter().all(|step| matches!(step, Step::Verdict { .. })), "{steps:?}");
    steps.into_iter().find_map(|step| match step {
        Step::Verdict { verdict, .. } => verdict,
        _ => None,
    })
}

#[test]
fn an_orphan_is_announced_until_the_grace_is_over() {
    let mut world = announcing();
    delete_pool(&mut world);
    let verdict = silently(&mut world, after(10));
    assert!(matches!(verdict, Some(Verdict::Announce { remembered: true, .. })), "{verdict:?}");
    assert_eq!(world.deadline(), Some(after(600)), "its own start comes first");
    assert_eq!(wire_at(&mut world, after(609)), []);
    assert_eq!(world.deadline(), Some(after(610)));
    let steps = world.decide(after(610));
    assert!(steps.contains(&disowns()[0]));
    let verdict = steps.into_iter().find_map(|step| match step {
        Step::Verdict { verdict, .. } => verdict,
        _ => None,
    });
    let reason = verdict.as_ref().and_then(Verdict::reason);
    assert_eq!(reason, Some(&Reason::PoolGone(Some("public".into()))));
    assert_eq!(world.deadline(), None, "nothing is remembered any more");
    // And later: announced again.
    create_pool(&mut world);
    assert_eq!(wire_at(&mut world, after(10_000)), owns());
}

#[test]
fn without_a_grace_it_ends_at_once() {
    let mut world = world("node-a");
    world.memory = crate::decide::memory::Memory::new(Duration::ZERO);
    assert_eq!(wire(&mut world), owns());
    delete_pool(&mut world);
    assert_eq!(wire_at(&mut world, after(1)), disowns());
    assert_eq!(world.deadline(), None);
}

#[test]
fn deleted_and_created_again_nobody_notices_in_whatever_order() {
    type Deed = fn(&mut World);
    let without: [&[Deed]; 5] = [
        &[delete_pool],
        &[delete_pool, delete_advertisement],
        &[delete_pool, delete_advertisement, create_pool],
        &[delete_pool, delete_advertisement, create_advertisement],
        // The API has no such kinds for a while, then it has them, then the objects are there.
        &[
            |w| drop(w.see(Seen::Pools(Change::Broken("404".into())))),
            |w| drop(w.see(Seen::Pools(Change::Reset(vec![])))),
            |w| drop(w.see(Seen::L2Advertisements(Change::Broken("404".into())))),
            |w| drop(w.see(Seen::L2Advertisements(Change::Reset(vec![])))),
        ],
    ];
    for deeds in without {
        let mut world = announcing();
        let mut at = 10;
        for deed in deeds {
            deed(&mut world);
            silently(&mut world, after(at));
            at += 30;
        }
        create_pool(&mut world);
        silently(&mut world, after(at));
        create_advertisement(&mut world);
        let verdict = silently(&mut world, after(at + 30));
        assert!(matches!(verdict, None | Some(Verdict::Announce { remembered: false, .. })), "{verdict:?}");
        // Nothing is left of it: the next deletion of the advertisement counts at once.
        assert_eq!(wire_at(&mut world, after(at + 60)), []);
        delete_advertisement(&mut world);
        assert_eq!(wire_at(&mut world, after(at + 61)), disowns());
    }
}

#[test]
fn an_advertisement_deleted_on_purpose_ends_at_once_while_the_pool_exists() {
    let mut world = announcing();
    delete_advertisement(&mut world);
    assert_eq!(wire_at(&mut world, after(10)), disowns());
    // The pool follows much later: that is no reason to announce again.
    delete_pool(&mut world);
    assert_eq!(wire_at(&mut world, after(60)), []);
    let verdict = world.verdicts.get(&key("web"));
    assert!(verdict.is_some_and(|verdict| verdict.reason() == Some(&Reason::PoolGone(Some("public".into())))));
}

#[test]
fn an_advertisement_that_vanishes_just_before_its_pool_vanished_with_it() {
    let mut world = announcing();
    delete_advertisement(&mut world);
    delete_pool(&mut world);
    silently(&mut world, after(10));

    let mut world = announcing();
    delete_advertisement(&mut world);
    assert_eq!(wire_at(&mut world, after(10)), disowns());
    delete_pool(&mut world);
    assert_eq!(wire_at(&mut world, after(12)), owns(), "so it goes on, after a gap as long as theirs");
    assert_eq!(wire_at(&mut world, after(612)), disowns());
}

#[test]
fn an_advertisement_that_still_exists_counts_as_it_is_now() {
    let mut world = announcing();
    delete_pool(&mut world);
    silently(&mut world, after(10));
    let elsewhere =
        LabelSelector { match_labels: BTreeMap::from([("name".into(), "node-c".into())]), ..LabelSelector::default() };
    let moved = L2Advertisement { node_selectors: vec![elsewhere], ..advertisement() };
    world.see(Seen::L2Advertisements(Change::Applied(moved)));
    assert_eq!(wire_at(&mut world, after(20)), [], "until the other node has it");
    world.hear(MemberEvent::Facts("node-c".into(), owning()));
    assert_eq!(wire_at(&mut world, after(20)), disowns());
}

#[test]
fn a_pool_that_contains_the_address_adopts_it_at_once() {
    let mut world = announcing();
    delete_pool(&mut world);
    silently(&mut world, after(10));
    // Renamed: the pool first, the advertisement that covers it a moment later.
    let renamed = IpAddressPool { meta: meta("renamed"), ..pool() };
    world.see(Seen::Pools(Change::Applied(renamed)));
    silently(&mut world, after(11));
    let its_own = L2Advertisement { ip_address_pools: vec!["renamed".into()], ..advertisement() };
    world.see(Seen::L2Advertisements(Change::Applied(its_own.clone())));
    let verdict = silently(&mut world, after(12));
    assert!(matches!(verdict, Some(Verdict::Announce { remembered: false, .. })), "{verdict:?}");
    assert_eq!(wire_at(&mut world, after(1000)), []);
    world.see(Seen::L2Advertisements(Change::Deleted(its_own)));
    assert_eq!(wire_at(&mut world, after(1001)), disowns());
}

#[test]
fn a_retained_address_stays_announced() {
    let mut world = announcing();
    world.see(Seen::Pools(Change::Applied(IpAddressPool { addresses: vec!["10.0.0.0/24".into()], ..pool() })));
    assert_eq!(wire_at(&mut world, after(1)), []);
    assert_eq!(wire_at(&mut world, after(100_000)), []);
    // Deleted after that, it is an orphan all the same.
    delete_pool(&mut world);
    silently(&mut world, after(100_001));
    assert_eq!(wire_at(&mut world, after(100_601)), disowns());
}

#[test]
fn a_speaker_that_starts_without_the_pool_goes_by_what_names_it_or_means_all() {
    let named = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let mut world = world("node-a");
        world.see(Seen::Pools(Change::Reset(vec![])));
        world.see(Seen::L2Advertisements(Change::Reset(vec![L2Advertisement {
            ip_address_pools: names,
            ..advertisement()
        }])));
        world
    };
    for names in [&["public"][..], &[]] {
        let mut world = named(names);
        assert_eq!(wire(&mut world), owns());
        assert_eq!(world.deadline(), Some(after(600)), "from its own start");
        assert_eq!(wire_at(&mut world, after(600)), disowns());
        assert_eq!(world.deadline(), None);
    }
    assert_eq!(wire(&mut named(&["other"])), []);
}

#[test]
fn others_learn_the_end_of_the_grace_too() {
    let mut world = world("node-c");
    assert_eq!(verdict(&mut world), Some(Verdict::Not(Reason::Owner("node-a".into()))));
    delete_pool(&mut world);
    assert_eq!(world.decide(after(10)), []);
    let steps = world.decide(after(610));
    assert_eq!(steps.len(), 1);
    assert!(matches!(&steps[0], Step::Verdict { verdict: Some(Verdict::Not(Reason::PoolGone(_))), .. }), "{steps:?}");
}

#[test]
fn pools_without_an_address_in_use_are_not_remembered() {
    let mut world = announcing();
    for number in 0..100 {
        let unused =
            IpAddressPool { meta: meta(&format!("p{number}")), addresses: vec!["10.0.0.0/24".into()], ..pool() };
        world.see(Seen::Pools(Change::Applied(unused.clone())));
        world.decide(after(10));
        world.see(Seen::Pools(Change::Deleted(unused)));
        world.decide(after(11));
    }
    world.decide(after(600));
    assert_eq!(world.deadline(), None);
}
