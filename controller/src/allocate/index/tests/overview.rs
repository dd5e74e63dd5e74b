//! ConfigurationState `controller`.

use super::*;
use crate::watch::SeenState;

/// A controller that knows whether there is a ConfigurationState.
fn cluster(pools: Vec<crate::compile::SeenPool>) -> Cluster {
    let mut c = Cluster::new(pools);
    relist(&mut c);
    c
}

fn relist(c: &mut Cluster) {
    let all = c.state.clone().into_iter().collect();
    c.index.observe(Observed::State(Change::Reset(all)), c.now);
}

fn later(c: &mut Cluster, seconds: u64) -> usize {
    c.settle();
    c.now += Duration::from_secs(seconds);
    let jobs = c.jobs();
    let writes = jobs.iter().filter(|job| matches!(job, Job::State(_))).count();
    for job in jobs {
        c.perform(job);
    }
    c.settle();
    writes
}

/// `Result Reason` and the summary.
fn said(c: &Cluster) -> (String, String) {
    let state = c.state.clone().unwrap();
    let [condition] = &state.conditions[..] else { panic!("one condition") };
    assert_eq!(condition.type_, "poolReconcilerValid");
    let reason = format!("{} {}={}", state.result.unwrap(), condition.reason, condition.status);
    (reason, state.summary.unwrap_or_default())
}

#[test]
fn it_is_created_valid_and_not_written_again() {
    let mut c = cluster(vec![pool("p", &["192.0.2.0/29"])]);
    assert_eq!(later(&mut c, 2), 1);
    assert_eq!(said(&c), ("Valid Reconciled=True".into(), String::new()));
    for _ in 0..3 {
        c.create("web");
        relist(&mut c);
        c.set_pools(c.pools.clone());
        assert_eq!(later(&mut c, 2), 0);
    }
    c.restart();
    relist(&mut c);
    assert_eq!(later(&mut c, 2), 0);
}

#[test]
fn without_knowing_whether_it_exists_nothing_is_written() {
    let mut c = Cluster::new(vec![]);
    assert_eq!(later(&mut c, 2), 0);
    assert_eq!(c.state, None);
}

#[test]
fn objects_that_are_left_out_have_a_line_each_and_overlaps_too() {
    let mut older = pool("older", &["192.0.2.0/29"]);
    older.object.meta.created = 1;
    let mut younger = pool("younger", &["192.0.2.4/30"]);
    younger.object.meta.created = 2;
    let mut c = cluster(vec![older.clone(), younger.clone()]);
    later(&mut c, 2);
    let (result, summary) = said(&c);
    assert_eq!(result, "Valid Reconciled=True", "an overlap is no invalid object");
    assert!(summary.starts_with("IPAddressPool younger: Overlap: ") && !summary.contains('\n'), "{summary}");

    c.set_pools(vec![pool("bad", &["nonsense"]), older, younger, pool("worse", &[])]);
    assert_eq!(later(&mut c, 2), 1);
    let (result, summary) = said(&c);
    assert_eq!(result, "Invalid ConfigurationError=False");
    let lines: Vec<_> = summary.lines().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect();
    let expected = [
        "IPAddressPool bad: InvalidAddresses",
        "IPAddressPool worse: InvalidAddresses",
        "IPAddressPool younger: Overlap",
    ];
    assert_eq!(lines, expected);
    assert!(c.state.as_ref().unwrap().conditions[0].message.starts_with("configuration error: IPAddressPool bad: "));

    c.set_pools(vec![]);
    assert_eq!(later(&mut c, 2), 1);
    assert_eq!(said(&c), ("Valid Reconciled=True".into(), String::new()));
}

#[test]
fn thousands_of_bad_objects_fit() {
    let mut c = cluster((0..3000).map(|number| pool(&format!("bad{number}"), &["x"])).collect());
    for _ in 0..200 {
        later(&mut c, 2);
    }
    let (_, summary) = said(&c);
    assert_eq!(summary.lines().count(), 21);
    assert!(summary.ends_with("and 2980 objects more") && summary.len() < 10_000);
}

#[test]
fn it_is_made_again_when_somebody_deletes_or_edits_it() {
    let mut c = cluster(vec![]);
    later(&mut c, 2);
    let whole = c.state.clone();
    let gone = c.state.take().unwrap();
    c.index.observe(Observed::State(Change::Deleted(gone)), c.now);
    assert_eq!(later(&mut c, 2), 1);
    assert_eq!(c.state, whole);
    for edit in [
        |state: &mut SeenState| state.labelled = false,
        |state: &mut SeenState| state.result = Some("Unknown".into()),
        |state: &mut SeenState| state.summary = Some("fine".into()),
        |state: &mut SeenState| state.conditions.clear(),
    ] {
        edit(c.state.as_mut().unwrap());
        let edited = c.state.clone().unwrap();
        c.index.observe(Observed::State(Change::Applied(edited)), c.now);
        assert_eq!(later(&mut c, 2), 1);
        assert_eq!(c.state, whole);
    }
}

#[test]
fn a_failed_write_is_tried_again() {
    let mut c = cluster(vec![]);
    c.now += ms(60);
    let jobs = c.jobs();
    assert!(matches!(&jobs[..], [Job::State(_)]), "{jobs:?}");
    assert_eq!(c.jobs(), []);
    c.index.done(Done::State { written: None }, c.now);
    assert_eq!(c.index.deadline().unwrap(), c.now + ms(50));
    c.now += ms(60);
    assert_eq!(c.jobs(), []);
    c.now = c.index.deadline().unwrap();
    assert!(matches!(&c.jobs()[..], [Job::State(_)]));
}

#[test]
fn a_kind_that_can_not_be_read_for_long_is_no_longer_valid_and_recovers() {
    let mut c = cluster(vec![]);
    later(&mut c, 2);
    let broken = |c: &mut Cluster| {
        let why = "ipaddresspools.metallb.io is forbidden; check the RBAC objects of the installation";
        c.index.observe(Observed::Pool(Change::Broken(why.into())), c.now);
    };
    broken(&mut c);
    assert!(c.index.is_stale(c.now));
    assert_eq!(later(&mut c, 5), 0, "a hiccup is not reported");
    c.index.observe(Observed::Pool(Change::Reset(vec![])), c.now);
    assert!(!c.index.is_stale(c.now));
    assert_eq!(later(&mut c, 60), 0);
    for _ in 0..7 {
        broken(&mut c);
        c.now += Duration::from_secs(5);
    }
    assert!(c.index.deadline().unwrap() <= c.now, "it is looked at in time");
    c.settle();
    let (result, summary) = said(&c);
    assert_eq!(result, "Unknown UnknownError=False");
    assert!(summary.starts_with("IPAddressPool: can't be read, ") && summary.contains("RBAC"), "{summary}");
    // It goes on, and says nothing new.
    for _ in 0..10 {
        broken(&mut c);
        assert_eq!(later(&mut c, 5), 0);
    }
    // A watch that works again has nothing to say of itself when nothing changes.
    c.now = c.index.deadline().unwrap();
    c.settle();
    assert_eq!(said(&c), ("Valid Reconciled=True".into(), String::new()));
    assert!(!c.index.is_stale(c.now));
    assert_eq!(later(&mut c, 2), 0);
    assert_eq!(c.index.deadline(), None);
}

#[test]
fn what_programs_say_is_no_configuration() {
    let mut c = cluster(vec![]);
    later(&mut c, 2);
    for _ in 0..10 {
        c.index.observe(Observed::State(Change::Broken("forbidden".into())), c.now);
        assert_eq!(later(&mut c, 5), 0);
    }
    assert!(!c.index.is_stale(c.now));
}

#[test]
fn pools_that_could_never_be_read_are_reported_though_nothing_is_handed_out() {
    let mut c = Cluster::new(vec![]);
    c.index = Index::new(None, "metallb-system".into());
    relist(&mut c);
    c.now += ms(60);
    assert_eq!(c.jobs(), [], "about to be read");
    for _ in 0..8 {
        c.index.observe(
            Observed::Pool(Change::Broken("not found; is the CustomResourceDefinition installed?".into())),
            c.now,
        );
        c.now += Duration::from_secs(5);
    }
    assert!(c.index.deadline().unwrap() <= c.now);
    c.settle();
    assert_eq!(said(&c).0, "Unknown UnknownError=False");
}
