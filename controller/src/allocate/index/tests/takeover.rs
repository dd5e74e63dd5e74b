//! What happens when another controller leads.

use herald_ipam::Wish;
use herald_runtime::watch::Change;
use serde_json::json;

use super::*;
use crate::allocate::Job;

/// A replica that leads from now on and has listed everything since.
fn successor(c: &mut Cluster, epoch: &str) -> Index {
    std::mem::replace(&mut c.index, {
        let mut index = Index::new(None, "metallb-system".into());
        index.pools(Change::Reset(c.server.pools.clone()), c.now);
        index.namespaces(Change::Reset(vec![]), c.now);
        index.begin_term(Epoch::new(epoch));
        index.services(Change::Reset(c.server.services.values().cloned().collect()), c.now);
        index
    })
}

fn touched(jobs: &[Job]) -> Vec<&str> {
    let mut names = Vec::new();
    for job in jobs {
        if let Job::Write(write) = job {
            assert!(write.change.ingress.is_none(), "nothing is handed out yet: {write:?}");
            assert!(write.change.epoch.is_some());
            names.push(&*write.key.name);
        }
    }
    names
}

#[test]
fn a_cluster_at_rest_is_taken_over_without_a_write() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    c.create("a");
    c.create("b");
    c.settle();
    successor(&mut c, "7");
    assert_eq!(c.settle(), 0);
}

#[test]
fn a_late_write_of_the_last_leader_meets_a_conflict() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    let slow = c.create("slow");
    let late = c.jobs();
    let Some(Job::Write(late)) = late.first() else { panic!("{late:?}") };

    // The leader stops right here. The next one must not give the address to a second Service before the first one's
    // late write can do no harm.
    let mut old = successor(&mut c, "7");
    let jobs = c.jobs();
    assert_eq!(touched(&jobs), ["slow"]);
    assert_eq!(c.jobs(), [], "and waits for it");
    let other = c.create("two");
    for job in jobs {
        c.perform(job);
    }
    assert!(c.services[&slow].has_epoch);
    c.settle();
    assert!(matches!(c.server.serve(late), Written::Conflict));
    let shown = [c.shown(&slow), c.shown(&other)];
    assert_eq!(shown, ["192.0.2.0", ""], "the older one has it");
    assert!(!c.services[&slow].has_epoch, "its mark went with the same write");
    old.done(Done::Write { write: late.clone(), outcome: Written::Conflict }, c.now);
}

#[test]
fn a_late_write_that_came_first_counts() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    let slow = c.create("slow");
    let Some(Job::Write(late)) = c.jobs().pop() else { panic!() };
    successor(&mut c, "7");
    let other = c.create("two");
    let jobs = c.jobs();
    assert_eq!(touched(&jobs), ["slow", "two"]);
    assert!(matches!(c.server.serve(&late), Written::Stands(_)), "the list was older");
    for job in jobs {
        c.perform(job);
    }
    assert_eq!(c.jobs(), [], "the Service has to be asked for first");
    c.now += ms(200);
    let jobs = c.jobs();
    assert!(matches!(&jobs[..], [Job::Fetch { key, .. }] if *key == slow), "{jobs:?}");
    for job in jobs {
        c.perform(job);
    }
    c.settle();
    assert_eq!([c.shown(&slow), c.shown(&other)], ["192.0.2.0", ""]);
}

#[test]
fn what_an_earlier_term_decided_is_forgotten() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/31"])]);
    let first = c.create("first");
    let Some(Job::Write(lost)) = c.jobs().pop() else { panic!() };
    // Another one led for a while and gave the address to somebody else.
    let second = c.server.store("shop", "second", json!({}), json!({}));
    c.server.change(&second, |service| service.request.shown = vec!["192.0.2.0".parse().unwrap()]);
    c.index.begin_term(Epoch::new("9"));
    assert_eq!(c.index.jobs(10, c.now), [], "not before the Services are listed anew");
    c.index.services(Change::Reset(c.server.services.values().cloned().collect()), c.now);
    c.index.done(Done::Write { write: lost, outcome: Written::Conflict }, c.now);
    c.settle();
    c.now += ms(1000);
    c.settle();
    assert_eq!([c.shown(&first), c.shown(&second)], ["192.0.2.1", "192.0.2.0"]);
}

#[test]
fn a_service_that_goes_or_changes_meanwhile_holds_up_nobody() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let [gone, changed, unlucky] = ["gone", "changed", "unlucky"].map(|name| c.create(name));
    successor(&mut c, "7");
    let jobs = c.jobs();
    assert_eq!(touched(&jobs).len(), 3);
    c.remove(&gone);
    c.server.change(&changed, |_| {});
    c.show(&changed);
    for job in jobs {
        match job {
            Job::Write(write) if write.key == unlucky => {
                c.index.done(Done::Write { write, outcome: Written::Unknown("lost".into()) }, c.now);
            }
            job => c.perform(job),
        }
    }
    assert_eq!(c.settle(), 0, "one is not known about");
    c.now += ms(200);
    c.settle();
    assert_eq!([c.shown(&changed), c.shown(&unlucky)], ["192.0.2.0", "192.0.2.1"]);
}

#[test]
fn a_wish_that_was_taken_back_leaves_nothing_behind() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/31"])]);
    let web = c.create("web");
    c.settle();
    let ask = |c: &mut Cluster, addresses: &str| {
        let addresses = addresses.split_whitespace().map(|text| text.parse().unwrap()).collect();
        c.server.change(&web, |service| service.request.wish = Ok(Wish { addresses, pool: None }));
        c.show(&web);
    };
    // The user asks for another address and takes it back before that is written.
    ask(&mut c, "192.0.2.1");
    let Some(Job::Write(first)) = c.jobs().pop() else { panic!() };
    ask(&mut c, "");
    c.index.done(Done::Write { write: first, outcome: Written::Conflict }, c.now);
    assert_eq!(c.settle(), 0, "it has what it has");
    assert_eq!(c.shown(&web), "192.0.2.0");
    let other = c.create("other");
    c.settle();
    assert_eq!(c.shown(&other), "192.0.2.1");
}
