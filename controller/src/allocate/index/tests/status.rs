//! The status of pools.

use herald_compiler::verdict::Kind;

use super::*;
use crate::compile::Counters;

/// Lets the time pass in which changes are gathered.
fn settle_status(c: &mut Cluster) {
    c.settle();
    c.now += ms(50);
    c.settle();
}

#[test]
fn counters_and_conditions_are_written_once_for_a_burst_and_not_again() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/28", "2001:db8::/124"])]);
    for number in 0..10 {
        c.create(&format!("s{number}"));
    }
    c.settle();
    assert!(c.pools[0].status.counters.is_none(), "not before things have settled");
    c.now += ms(50);
    c.settle();
    let expected = Counters { assigned_v4: 10, assigned_v6: 0, available_v4: 6, available_v6: 16 };
    assert_eq!(c.counters("p"), expected);
    assert_eq!(c.pools[0].status.conditions[0].type_, "Accepted");
    // Nothing changes: nothing is due, also after the echo and a restart.
    c.set_pools(c.pools.clone());
    settle_status(&mut c);
    c.restart();
    settle_status(&mut c);
    c.now += Duration::from_secs(60);
    assert_eq!(c.jobs(), []);
    assert_eq!(c.index.deadline(), None);
}

#[test]
fn a_status_that_somebody_edited_is_put_right() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/28"])]);
    c.create("web");
    settle_status(&mut c);
    let right = c.pools[0].status.clone();
    c.pools[0].status.counters = Some(Counters { assigned_v4: 7, ..Counters::default() });
    c.pools[0].status.conditions.pop();
    c.now += Duration::from_secs(2);
    c.set_pools(c.pools.clone());
    settle_status(&mut c);
    assert_eq!(c.pools[0].status, right);
}

#[test]
fn a_pool_is_written_at_most_once_a_second() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/28"])]);
    settle_status(&mut c);
    let start = c.now;
    let mut writes = 0;
    for number in 0..100 {
        c.create(&format!("s{number}"));
        let status = |job: &&Job| matches!(job, Job::Status(_));
        let jobs = c.jobs();
        writes += jobs.iter().filter(status).count();
        for job in jobs {
            c.perform(job);
        }
        c.now += ms(20);
    }
    let seconds = (c.now - start).as_secs_f64();
    assert!((1..=3).contains(&writes), "{writes} writes in {seconds} s");
    c.now += Duration::from_secs(2);
    c.settle();
    assert_eq!(c.counters("p").available_v4, 0);
}

#[test]
fn an_overlap_is_said_on_both_pools_with_an_event() {
    let mut older = pool("older", &["192.0.2.0/29"]);
    older.object.meta.created = 1;
    let mut younger = pool("younger", &["192.0.2.4/29"]);
    younger.object.meta.created = 2;
    let mut c = Cluster::new(vec![older, younger]);
    settle_status(&mut c);
    for pool in &c.pools {
        let conflicted = pool.status.conditions.iter().find(|condition| condition.type_ == "Conflicted");
        assert_eq!(conflicted.map(|condition| condition.status.as_str()), Some("True"));
    }
    let about: Vec<_> = c.notices.iter().map(|notice| notice.about.name.clone().unwrap()).collect();
    assert!(about.contains(&"older".into()) && about.contains(&"younger".into()), "{about:?}");
    assert!(c.notices.iter().all(|notice| notice.about.namespace.as_deref() == Some("metallb-system")));
    c.events();
    c.restart();
    settle_status(&mut c);
    assert_eq!(c.events(), Vec::<String>::new(), "said once");
}

#[test]
fn a_pool_that_can_not_be_used_says_so_and_the_others_work() {
    let mut c = Cluster::new(vec![pool("bad", &["not-an-ip"]), pool("good", &["192.0.2.0/30"])]);
    let web = c.create("web");
    settle_status(&mut c);
    assert_eq!(c.shown(&web), "192.0.2.0");
    let accepted = &c.pools[0].status.conditions[0];
    assert_eq!((accepted.type_.as_str(), accepted.status.as_str()), ("Accepted", "False"));
    assert!(accepted.message.contains("not-an-ip"));
    assert!(c.events().iter().any(|event| event.starts_with("InvalidAddresses: ")));
    assert_eq!(c.counters("bad"), Counters::default());
}

#[test]
fn a_status_that_could_not_be_written_is_tried_again() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    c.settle();
    c.now += ms(50);
    let jobs = c.jobs();
    assert!(matches!(&jobs[..], [Job::Status(_)]));
    c.index.done(Done::Status { kind: Kind::IpAddressPool, name: "p".into(), written: None }, c.now);
    let mut tries = 0;
    while c.pools[0].status.counters.is_none() {
        c.now = c.index.deadline().expect("it tries again");
        c.settle();
        tries += 1;
        assert!(tries < 10);
    }
}
