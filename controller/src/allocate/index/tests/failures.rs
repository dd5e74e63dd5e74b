//! What happens when requests fail, answers are lost and watches lag.

use herald_runtime::watch::Change;

use super::*;
use crate::allocate::{Fetched, ServiceWrite};

/// The one write among the next jobs.
fn write(c: &mut Cluster) -> ServiceWrite {
    let mut writes = c.jobs().into_iter().filter_map(|job| match job {
        Job::Write(write) => Some(write),
        _ => None,
    });
    let write = writes.next().expect("a write");
    assert_eq!(writes.next(), None);
    write
}

#[test]
fn a_conflict_means_to_decide_again_on_what_is_there_now() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    let first = write(&mut c);
    c.change(&web, |service| service.request.labels.clear());
    let outcome = c.serve(&first);
    assert!(matches!(outcome, Written::Conflict));
    c.index.done(Done::Write { write: first, outcome }, c.now);
    // Without news from the watch there is nothing to decide on, for a while.
    assert_eq!(c.jobs(), []);
    c.show(&web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "192.0.2.0");
}

#[test]
fn news_that_come_while_a_write_is_under_way_are_decided_afterwards() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    let first = write(&mut c);
    c.change(&web, |service| service.request.wish.as_mut().unwrap().addresses = vec!["192.0.2.3".parse().unwrap()]);
    c.show(&web);
    assert_eq!(c.jobs(), [], "one write at a time");
    let outcome = c.serve(&first);
    c.index.done(Done::Write { write: first, outcome }, c.now);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "192.0.2.3");
}

#[test]
fn a_lost_reply_is_asked_for_before_anything_else() {
    for written in [true, false] {
        let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
        let web = c.create("web");
        let first = write(&mut c);
        if written {
            c.serve(&first);
        }
        c.index.done(Done::Write { write: first, outcome: Written::Unknown("timeout".into()) }, c.now);
        // Nobody else gets the address meanwhile.
        let other = c.create("other");
        c.settle();
        assert_eq!(c.shown(&other), "192.0.2.1");
        c.now += ms(100);
        let writes = c.settle();
        assert_eq!((c.shown(&web), writes), ("192.0.2.0".into(), usize::from(!written)));
    }
}

#[test]
fn failures_back_off_and_are_bounded() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    let first = write(&mut c);
    c.index.done(Done::Write { write: first, outcome: Written::Unknown("503".into()) }, c.now);
    let mut pauses = Vec::new();
    let mut failed = c.now;
    while pauses.len() < 12 {
        c.now = c.index.deadline().unwrap();
        for job in c.jobs() {
            let Job::Fetch { ticket, key } = job else {
                c.perform(job);
                continue;
            };
            pauses.push(c.now - failed);
            failed = c.now;
            let outcome = Fetched::Unknown("503".into());
            c.index.done(Done::Fetch { ticket, key, outcome }, c.now);
        }
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
    assert_eq!((pauses[0], pauses[11]), (ms(100), Duration::from_secs(30)));
    assert_eq!(c.index.summary().counted.failures, 13);
    // The watch works: no need to wait.
    c.change(&web, |service| service.request.labels.clear());
    c.show(&web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "192.0.2.0");
}

#[test]
fn the_watch_may_be_behind_our_own_answers() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    let old = c.services[&web].clone();
    c.settle();
    c.index.services(Change::Applied(old.clone()), c.now);
    assert_eq!(c.settle(), 0, "an old version means nothing");
    c.index.services(Change::Reset(vec![old]), c.now);
    let jobs = c.jobs();
    assert!(matches!(&jobs[..], [Job::Fetch { .. }]), "an old list is asked about: {jobs:?}");
    for job in jobs {
        c.perform(job);
    }
    assert_eq!(c.settle(), 0);
}

#[test]
fn an_outcome_that_comes_late_is_not_taken_for_another_ones() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    let first = write(&mut c);
    c.remove(&web);
    let web = c.create("web");
    let second = write(&mut c);
    c.index.done(Done::Write { write: first, outcome: Written::Gone }, c.now);
    assert_eq!(c.jobs(), [], "the second write is still under way");
    let outcome = c.serve(&second);
    c.index.done(Done::Write { write: second, outcome }, c.now);
    assert_eq!((c.shown(&web), c.settle()), ("192.0.2.0".into(), 0));
}

#[test]
fn versions_that_go_back_are_believed() {
    // The server is restored from a backup of the time before the address.
    for relisted in [true, false] {
        let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
        let web = c.create("web");
        c.settle();
        if !relisted {
            // Otherwise the last that is known comes from an answer of ours.
            c.change(&web, |service| service.request.labels.clear());
            c.show(&web);
        }
        let service = c.services.get_mut(&web).unwrap();
        service.resource_version = "0".into();
        service.request.shown.clear();
        if relisted {
            c.index.services(Change::Reset(c.services.values().cloned().collect()), c.now);
        } else {
            c.show(&web);
        }
        assert_eq!(c.settle(), 1);
        assert_eq!(c.shown(&web), "192.0.2.0");
    }
}
