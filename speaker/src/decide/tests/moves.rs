//! Moves that nobody notices: handing over, restarting, standing in, staying put, stepping back.

use super::*;

const MS: Duration = Duration::from_millis(1);
/// A speaker that is waited for so long.
const AWAY: Duration = Duration::from_secs(10);

/// All of node-a is told with this change.
fn node_a(world: &mut World, change: impl FnOnce(&mut NodeSeen)) {
    let mut node = NodeSeen { internal_ips: vec![ip("192.168.1.11")], ..node("node-a") };
    change(&mut node);
    world.see(Seen::Nodes(Change::Applied(node)));
}

fn facts(world: &mut World, node: &str, facts: Facts) {
    world.hear(MemberEvent::Facts(node.into(), facts));
}

/// node-c, the next in line, with node-a owning the address and telling its MAC.
fn second() -> World {
    let mut world = world("node-c");
    node_a(&mut world, |_| {});
    facts(&mut world, "node-a", Facts { macs: vec![mac("node-a").octets()], ..owning() });
    assert_eq!(wire(&mut world), [Step::Speakers(BTreeSet::from([mac("node-a")]))]);
    world
}

fn probe() -> Step {
    Step::Probe { target: ip("192.168.1.11") }
}

#[test]
fn an_owner_answers_until_the_next_one_does() {
    let reasons: [fn(&mut World); 4] = [
        |world| node_a(world, |node| drop(node.labels.insert(EXCLUDE.into(), String::new()))),
        |world| node_a(world, |node| node.draining = true),
        |world| node_a(world, |node| node.cordoned = true),
        World::leave,
    ];
    for reason in reasons {
        let mut world = world("node-a");
        assert_eq!(wire(&mut world), owns());
        reason(&mut world);
        assert_eq!(wire(&mut world), []);
        assert!(!world.has_handed_over());
        assert!(matches!(&world.verdicts[&key("web")], Verdict::HandingOver { to, .. } if to == "node-c"));
        facts(&mut world, "node-b", owning());
        assert_eq!(wire(&mut world), [], "not the next one");
        facts(&mut world, "node-c", owning());
        assert_eq!(wire(&mut world), disowns());
        assert!(world.has_handed_over());
    }
}

#[test]
fn a_successor_that_does_not_take_over_is_not_waited_for_for_ever() {
    let mut world = world("node-a");
    world.decide(START);
    node_a(&mut world, |node| node.draining = true);
    assert_eq!(wire(&mut world), []);
    let ends = world.deadline().unwrap();
    assert_eq!(world.decide(ends - MS), []);
    assert!(world.decide(ends).contains(&Step::Disown { ip: ip(IP) }));
    // One with too many addresses to name each is given the time that a takeover takes.
    let mut world = super::world("node-a");
    world.decide(START);
    let many = Digest::of((0..1000).map(|number| number.to_string()));
    facts(&mut world, "node-c", Facts { owned: many, ..current() });
    node_a(&mut world, |node| node.draining = true);
    assert_eq!(wire(&mut world), []);
    assert!(world.deadline().unwrap() <= START + 500 * MS);
}

#[test]
fn the_last_node_is_never_left() {
    let mut world = world("node-a");
    world.decide(START);
    world.leave();
    node_a(&mut world, |node| node.cordoned = true);
    for other in ["node-b", "node-c"] {
        world.hear(MemberEvent::Down(other.into()));
    }
    assert_eq!(wire(&mut world), []);
    assert!(matches!(world.verdicts[&key("web")], Verdict::Announce { .. }));
    assert!(world.has_handed_over(), "there is nobody to wait for");
}

#[test]
fn what_can_no_longer_be_served_is_dropped_at_once() {
    let mut world = world("node-a");
    world.see(Seen::Services(Change::Applied((key("web"), Some(ServiceSeen { local: true, ..service() })))));
    assert_eq!(wire(&mut world), owns());
    world.see(Seen::Slices(Change::Applied(slice(&[("node-c", EndpointState::Ready)]))));
    assert_eq!(wire(&mut world), disowns(), "no endpoint here any more");
    let mut world = super::world("node-a");
    world.decide(START);
    node_a(&mut world, |node| node.network_unavailable = true);
    assert_eq!(wire(&mut world), disowns());
}

#[test]
fn terminating_endpoints_serve_until_the_next_owner_answers() {
    let mut world = world("node-a");
    world.see(Seen::Services(Change::Applied((key("web"), Some(ServiceSeen { local: true, ..service() })))));
    assert_eq!(wire(&mut world), owns());
    let both = [("node-a", EndpointState::ServingTerminating), ("node-c", EndpointState::Ready)];
    world.see(Seen::Slices(Change::Applied(slice(&both))));
    assert_eq!(wire(&mut world), []);
    facts(&mut world, "node-c", owning());
    assert_eq!(wire(&mut world), disowns());
}

#[test]
fn who_hands_over_and_is_elected_again_simply_goes_on() {
    let mut world = world("node-a");
    world.decide(START);
    node_a(&mut world, |node| node.draining = true);
    assert_eq!(wire(&mut world), []);
    node_a(&mut world, |node| node.draining = false);
    assert_eq!(wire(&mut world), []);
    assert!(matches!(world.verdicts[&key("web")], Verdict::Announce { .. }));
    assert!(world.has_handed_over());
}

#[test]
fn an_address_that_another_node_gives_up_is_announced_again() {
    let mut world = world("node-a");
    facts(&mut world, "node-c", owning());
    assert_eq!(wire(&mut world), owns(), "after a partition, two have it");
    facts(&mut world, "node-c", current());
    assert_eq!(wire(&mut world), [Step::Announce { ip: ip(IP) }]);
    facts(&mut world, "node-b", current());
    assert_eq!(wire(&mut world), []);
}

#[test]
fn who_was_cut_off_may_have_had_anything() {
    let mut world = world("node-a");
    assert_eq!(wire(&mut world), owns());
    for (freshness, steps) in [(Freshness::Blind, vec![]), (Freshness::Current, vec![Step::Announce { ip: ip(IP) }])] {
        world.hear(MemberEvent::Down("node-c".into()));
        world.hear(MemberEvent::Up("node-c".into()));
        assert_eq!(wire(&mut world), []);
        facts(&mut world, "node-c", Facts { freshness, ..current() });
        assert_eq!(wire(&mut world), steps, "{freshness:?}");
    }
}

#[test]
fn a_restart_is_no_move() {
    let mut world = second();
    world.hear(MemberEvent::Away("node-a".into(), AWAY));
    assert_eq!(wire(&mut world), [probe()], "the node's own address, which its kernel answers");
    assert!(matches!(&world.verdicts[&key("web")], Verdict::StandIn { owner, .. } if owner == "node-a"));
    world.heard(ip("192.168.1.11"), mac("node-a"), "eth0");
    let scope = Scope::Named(BTreeSet::from(["eth0".to_owned()]));
    let stand_in = Step::StandIn { ip: ip(IP), scope, mac: mac("node-a") };
    assert_eq!(wire_at(&mut world, MS), [stand_in]);
    for tenth in 1..90 {
        assert_eq!(wire_at(&mut world, 100 * tenth * MS), [probe()]);
        world.heard(ip("192.168.1.11"), mac("node-a"), "eth0");
    }
    // Back, but it does not see the cluster yet; then it does.
    world.hear(MemberEvent::Up("node-a".into()));
    facts(&mut world, "node-a", Facts { freshness: Freshness::Stale, ..current() });
    assert_eq!(wire_at(&mut world, 9010 * MS), [probe()]);
    facts(&mut world, "node-a", current());
    assert_eq!(wire_at(&mut world, 9020 * MS), disowns());
    assert_eq!(world.verdicts[&key("web")], Verdict::Not(Reason::Owner("node-a".into())));
    assert_eq!(world.stand_ins.deadline(), None);
}

#[test]
fn a_node_that_does_not_answer_has_not_only_restarted_its_speaker() {
    let mut world = second();
    world.hear(MemberEvent::Away("node-a".into(), AWAY));
    for miss in 0..3 {
        assert_eq!(wire_at(&mut world, 50 * miss * MS), [probe()]);
    }
    let steps = wire_at(&mut world, 150 * MS);
    let ahead = BTreeSet::from([mac("node-a")]);
    assert_eq!(steps, [Step::Own { ip: ip(IP), scope: Scope::All, ahead }]);
}

#[test]
fn who_falls_silent_on_a_node_that_answers_keeps_its_addresses_for_a_while() {
    let mut world = second();
    world.hear(MemberEvent::Silent("node-a".into()));
    assert_eq!(wire(&mut world), [probe()], "does its node live?");
    // A router that answers for everybody says nothing of the node.
    world.heard(ip("192.168.1.11"), mac("node-b"), "eth0");
    assert_eq!(wire_at(&mut world, MS), []);
    world.heard(ip("192.168.1.11"), mac("node-a"), "eth0");
    assert!(matches!(&wire_at(&mut world, 2 * MS)[..], [Step::StandIn { mac: its, .. }] if *its == mac("node-a")));
    // It only had no processor for a moment.
    world.hear(MemberEvent::Up("node-a".into()));
    facts(&mut world, "node-a", owning());
    assert_eq!(wire_at(&mut world, 30 * MS), disowns());
    assert_eq!(world.verdicts[&key("web")], Verdict::Not(Reason::Owner("node-a".into())));
    // Or it was killed, and nobody starts it again.
    world.hear(MemberEvent::Silent("node-a".into()));
    for tenth in 1..100 {
        let steps = wire_at(&mut world, 100 * tenth * MS);
        assert!(!steps.iter().any(|step| matches!(step, Step::Own { .. })), "{tenth}: {steps:?}");
        world.heard(ip("192.168.1.11"), mac("node-a"), "eth0");
    }
    let steps = wire_at(&mut world, 100 * MS + AWAY);
    assert!(matches!(&steps[..], [Step::Own { .. }]), "{steps:?}");
}

#[test]
fn who_falls_silent_with_its_node_is_replaced() {
    let mut world = second();
    world.hear(MemberEvent::Silent("node-a".into()));
    for miss in 0..3 {
        assert_eq!(wire_at(&mut world, 50 * miss * MS), [probe()]);
    }
    assert!(matches!(&wire_at(&mut world, 150 * MS)[..], [Step::Own { .. }]));
}

#[test]
fn the_grace_time_ends() {
    for proxy in [true, false] {
        let mut world = second();
        world.stand_ins = crate::decide::stand_in::StandIns::new(proxy);
        world.hear(MemberEvent::Away("node-a".into(), AWAY));
        world.decide(START);
        let mut answered = 0;
        for tenth in 1..100 {
            world.heard(ip("192.168.1.11"), mac("node-a"), "eth0");
            let steps = wire_at(&mut world, 100 * tenth * MS);
            assert!(!steps.iter().any(|step| matches!(step, Step::Own { .. })), "{tenth}: {steps:?}");
            answered += steps.iter().filter(|step| matches!(step, Step::StandIn { .. })).count();
        }
        assert_eq!(answered, usize::from(proxy), "--restart-proxy={proxy}");
        world.heard(ip("192.168.1.11"), mac("node-a"), "eth0");
        let steps = wire_at(&mut world, AWAY);
        assert!(matches!(&steps[..], [Step::Own { .. }]), "{steps:?}");
    }
}

#[test]
fn nobody_waits_for_a_speaker_for_what_it_did_not_own() {
    let mut world = world("node-c");
    world.decide(START);
    world.hear(MemberEvent::Away("node-a".into(), AWAY)); // its facts said that it owns nothing
    assert_eq!(wire(&mut world), owns());
    // Who restarts twice is waited for, for what it owned the first time.
    let mut twice = second();
    twice.hear(MemberEvent::Away("node-a".into(), AWAY));
    twice.hear(MemberEvent::Up("node-a".into()));
    let phase = Phase::Restarting { grace: AWAY };
    facts(&mut twice, "node-a", Facts { freshness: Freshness::Blind, phase, ..current() });
    assert_eq!(wire(&mut twice), [probe()]);
    // Nor does anybody but the next in line stand in.
    let mut third = super::world("node-b");
    facts(&mut third, "node-a", owning());
    third.hear(MemberEvent::Away("node-a".into(), AWAY));
    assert_eq!(wire(&mut third), []);
    third.hear(MemberEvent::Down("node-c".into()));
    node_a(&mut third, |_| {});
    assert_eq!(wire(&mut third), [probe()], "unless that one is gone, too");
}

#[test]
fn without_failback_the_address_stays_where_it_is() {
    let stay = L2Advertisement { failback: Some(false), ..advertisement() };
    let of = |me: &str| {
        let mut world = world(me);
        world.see(Seen::L2Advertisements(Change::Reset(vec![stay.clone()])));
        world
    };
    let mut first = of("node-a");
    facts(&mut first, "node-b", owning());
    assert_eq!(wire(&mut first), [], "node-b has it and may keep it");
    facts(&mut first, "node-c", owning());
    assert_eq!(wire(&mut first), []);
    assert_eq!(
        first.verdicts[&key("web")],
        Verdict::Not(Reason::Owner("node-c".into())),
        "of two claims the first counts"
    );
    let mut holder = of("node-b");
    for other in ["node-a", "node-c"] {
        holder.hear(MemberEvent::Down(other.into()));
    }
    assert_eq!(wire(&mut holder), owns());
    for other in ["node-a", "node-c"] {
        holder.hear(MemberEvent::Up(other.into()));
        facts(&mut holder, other, current());
    }
    assert_eq!(wire(&mut holder), [Step::Announce { ip: ip(IP) }], "it stays, and says so to who was cut off");
    assert!(matches!(holder.verdicts[&key("web")], Verdict::Announce { .. }));
}

/// node-b owned the address before its speaker restarted, and comes after node-a in the election's order.
#[test]
fn without_failback_a_restart_is_no_move_either() {
    let stay = L2Advertisement { failback: Some(false), ..advertisement() };
    let stays = |world: &mut World| {
        world.see(Seen::L2Advertisements(Change::Reset(vec![stay.clone()])));
    };
    // As node-a sees it: away, up, blind, and then it has it.
    let mut first = world("node-a");
    stays(&mut first);
    facts(&mut first, "node-b", owning());
    assert_eq!(wire(&mut first), []);
    first.hear(MemberEvent::Away("node-b".into(), AWAY));
    assert_eq!(wire(&mut first), []);
    first.hear(MemberEvent::Up("node-b".into()));
    assert_eq!(wire(&mut first), []);
    facts(&mut first, "node-b", Facts { freshness: Freshness::Blind, ..current() });
    assert_eq!(wire(&mut first), []);
    facts(&mut first, "node-b", owning());
    assert_eq!(wire(&mut first), []);
    assert_eq!(first.verdicts[&key("web")], Verdict::Not(Reason::Owner("node-b".into())));
    // As node-b's next speaker sees it.
    let phase = Phase::Restarting { grace: AWAY };
    let former = || MemberEvent::Former(Facts { phase, ..owning() });
    let mut next = world("node-b");
    stays(&mut next);
    next.hear(former());
    assert_eq!(wire(&mut next), owns());
    let mut late = world("node-b");
    stays(&mut late);
    late.hear(former());
    facts(&mut late, "node-c", owning());
    assert_eq!(wire(&mut late), [], "the grace time was over, and another node has it");
}

#[test]
fn cordoned_nodes_come_last_unless_that_means_nothing() {
    let mut world = world("node-c");
    world.decide(START);
    node_a(&mut world, |node| node.cordoned = true);
    assert_eq!(wire(&mut world), owns());
    let mut ignoring = super::world("node-c");
    ignoring.settings.heed_cordon = false;
    node_a(&mut ignoring, |node| node.cordoned = true);
    assert_eq!(wire(&mut ignoring), []);
}

#[test]
fn who_would_be_ahead_if_it_were_alive_is_told_to_the_wire() {
    let mut world = second();
    facts(&mut world, "node-b", Facts { macs: vec![mac("node-b").octets()], ..current() });
    world.hear(MemberEvent::Down("node-b".into()));
    world.hear(MemberEvent::Down("node-a".into()));
    let steps = wire(&mut world);
    let ahead = BTreeSet::from([mac("node-a")]);
    assert!(steps.contains(&Step::Own { ip: ip(IP), scope: Scope::All, ahead }), "{steps:?}");
    // A node that is gone from the cluster is no speaker's any more.
    world.see(Seen::Nodes(Change::Deleted(node("node-a"))));
    let steps = wire(&mut world);
    assert!(steps.contains(&Step::Own { ip: ip(IP), scope: Scope::All, ahead: BTreeSet::new() }), "{steps:?}");
}

/// Two nodes don't hear each other. Each has a terminating endpoint, and the only ready one is on a node that is dead in truth,
/// which would be better than both.
#[test]
fn a_dead_node_does_not_come_between_two_that_are_left() {
    let ahead = |me: &str, other: &str, drained: &str| {
        let mut world = super::world(me);
        let local = ServiceSeen { local: true, ..service() };
        world.see(Seen::Services(Change::Applied((key("web"), Some(local)))));
        let [ready, terminating] = [EndpointState::Ready, EndpointState::ServingTerminating];
        let endpoints = slice(&[("node-a", terminating), ("node-c", terminating), ("node-b", ready)]);
        world.see(Seen::Slices(Change::Applied(endpoints)));
        world.see(Seen::Nodes(Change::Applied(NodeSeen { draining: true, ..node(drained) })));
        for node in [other, "node-b"] {
            facts(&mut world, node, Facts { macs: vec![mac(node).octets()], ..current() });
            world.hear(MemberEvent::Down(node.into()));
        }
        wire(&mut world).into_iter().find_map(|step| match step {
            Step::Own { ahead, .. } => Some(ahead),
            _ => None,
        })
    };
    let [a, b, c] = ["node-a", "node-b", "node-c"].map(mac);
    assert_eq!(ahead("node-a", "node-c", "elsewhere"), Some(BTreeSet::from([b])));
    assert_eq!(ahead("node-c", "node-a", "elsewhere"), Some(BTreeSet::from([a, b])));
    // Both know from the API that node-a is about to go.
    assert_eq!(ahead("node-a", "node-c", "node-a"), Some(BTreeSet::from([b, c])));
    assert_eq!(ahead("node-c", "node-a", "node-a"), Some(BTreeSet::from([b])));
}

/// This speaker has just started, and does not know for how long node-c has been stale: whether the others still count on it
/// shows when the owner dies.
#[test]
fn who_is_met_stale_counts_for_what_it_takes() {
    let stale = |facts: Facts| Facts { freshness: Freshness::Stale, ..facts };
    let mut world = world("node-b");
    facts(&mut world, "node-a", owning());
    facts(&mut world, "node-c", stale(current()));
    assert_eq!(wire(&mut world), []);
    world.hear(MemberEvent::Down("node-a".into()));
    assert_eq!(wire_at(&mut world, MS), owns(), "they may have left it out");
    facts(&mut world, "node-c", stale(owning()));
    assert_eq!(wire_at(&mut world, 2 * MS), disowns(), "they have not: it is elected before this one");
    let deadline = world.deadline().unwrap();
    assert_eq!(wire_at(&mut world, deadline - START), owns(), "all have left it out by now");
}

#[test]
fn the_next_in_line_watches_the_owner_and_looks_for_it_when_it_is_quiet() {
    let mut world = second();
    assert_eq!(world.watched().collect::<Vec<_>>(), ["node-a"]);
    let mut third = super::world("node-b");
    third.decide(START);
    assert_eq!(third.watched().count(), 0, "another one is next");

    let quiet = |answers| Step::Quiet { node: "node-a".into(), answers };
    world.hear(MemberEvent::Quiet("node-a".into()));
    for question in 0..3 {
        assert_eq!(wire_at(&mut world, 25 * question * MS), [probe()]);
    }
    assert_eq!(wire_at(&mut world, 79 * MS), []);
    assert_eq!(wire_at(&mut world, 80 * MS), [quiet(false)]);

    world.hear(MemberEvent::Quiet("node-a".into()));
    assert_eq!(wire_at(&mut world, 100 * MS), [probe()]);
    world.heard(ip("192.168.1.11"), mac("node-a"), "eth0");
    assert_eq!(wire_at(&mut world, 101 * MS), [quiet(true)]);
    assert_eq!(wire_at(&mut world, 200 * MS), []);

    world.see(Seen::Services(Change::Deleted((key("web"), None))));
    world.decide(START + 300 * MS);
    assert_eq!(world.watched().count(), 0);
}
