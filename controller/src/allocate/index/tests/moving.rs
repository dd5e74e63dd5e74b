//! `metallb.io/reallocate`, and other ways in which a Service's own change moves it.

use serde_json::json;

use super::*;

fn ask(c: &mut Cluster, key: &ServiceKey) {
    c.change(key, |service| service.reallocate = true);
    c.show(key);
}

#[test]
fn it_moves_once_and_the_same_write_takes_the_request_away() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let web = c.create("web");
    c.settle();
    c.events();
    ask(&mut c, &web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "192.0.2.1");
    let write = c.writes.last().unwrap();
    assert!(write.change.reallocated && write.change.ingress.is_some());
    assert!(!c.services[&web].reallocate);
    assert_eq!(c.events(), ["IPAllocated: Assigned IP [\"192.0.2.1\"]"]);
    // The echo, a restart: nothing more.
    c.show(&web);
    assert_eq!(c.settle(), 0);
    c.restart();
    assert_eq!(c.settle(), 0);
}

#[test]
fn it_leaves_a_retained_address() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let web = c.create("web");
    c.settle();
    c.set_pools(vec![pool("p", &["192.0.2.4/30"])]);
    c.settle();
    ask(&mut c, &web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.condition(&web), (true, "Allocated: 192.0.2.4 from pool \"p\"".into()));
}

#[test]
fn what_can_not_be_moved_says_why_until_there_is_something_else_to_say() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    let web = c.create("web");
    c.settle();
    c.events();
    ask(&mut c, &web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "192.0.2.0");
    let why = "no available IPs: pool \"p\": the only IPv4 address is in use";
    let why = why.replace("the only IPv4 address is in use", "all 1 IPv4 addresses are in use");
    let said = format!("Allocated: 192.0.2.0 from pool \"p\"; not moved as asked by metallb.io/reallocate: {why}");
    assert_eq!(c.condition(&web), (true, said.clone()));
    let event = format!("NotReallocated: not moved as asked by metallb.io/reallocate, it keeps its address: {why}");
    assert_eq!(c.events(), [event]);
    assert!(!c.services[&web].reallocate, "asked and answered");
    // It stays said, through echoes and restarts.
    c.show(&web);
    c.restart();
    assert_eq!(c.settle(), 0);
    assert_eq!(c.condition(&web), (true, said));
    c.set_pools(vec![pool("q", &["192.0.2.0/32"])]);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.condition(&web), (true, "Allocated: 192.0.2.0 from pool \"q\"".into()));
}

#[test]
fn a_requested_address_is_not_moved_and_says_so() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let web = c.create_with("web", json!({"metallb.io/loadBalancerIPs": "192.0.2.5"}), json!({}));
    c.settle();
    ask(&mut c, &web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "192.0.2.5");
    assert!(c.condition(&web).1.contains("it asks for exactly what it has"));
}

#[test]
fn a_waiting_service_loses_the_request_and_waits_on() {
    let mut c = Cluster::new(vec![]);
    let web = c.create("web");
    c.settle();
    ask(&mut c, &web);
    assert_eq!(c.settle(), 1);
    assert!(!c.services[&web].reallocate);
    assert!(!c.condition(&web).0);
}

#[test]
fn a_conflict_or_a_lost_reply_does_not_move_it_twice() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let web = c.create("web");
    c.settle();
    ask(&mut c, &web);
    let Some(Job::Write(write)) = c.jobs().pop() else { panic!("must move") };
    // It stands, and nobody hears of it.
    c.serve(&write);
    c.index.done(Done::Write { write, outcome: Written::Unknown("timeout".into()) }, c.now);
    c.now += Duration::from_secs(60);
    c.settle();
    assert_eq!(c.shown(&web), "192.0.2.1");
    ask(&mut c, &web);
    let Some(Job::Write(write)) = c.jobs().pop() else { panic!("must move") };
    c.change(&web, |_| {});
    let outcome = c.serve(&write);
    assert!(matches!(outcome, Written::Conflict));
    c.index.done(Done::Write { write, outcome }, c.now);
    c.show(&web);
    c.settle();
    assert_eq!(c.shown(&web), "192.0.2.0");
    c.restart();
    assert_eq!(c.settle(), 0);
}

#[test]
fn a_new_leader_fences_a_service_that_is_to_be_moved() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let web = c.create("web");
    c.settle();
    c.change(&web, |service| service.reallocate = true);
    c.restart();
    c.settle();
    assert_eq!(c.shown(&web), "192.0.2.1");
}

#[test]
fn a_class_that_comes_or_goes_takes_the_service_away_from_us_or_gives_it_to_us() {
    // Immutable while the type stays, so this is a type change and back, or a re-creation.
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    let web = c.create("web");
    let waiting = c.create("waiting");
    c.settle();
    // A type change: the API server drops the class and the addresses, the Service leaves the selection.
    c.remove(&web);
    c.settle();
    assert_eq!(c.shown(&waiting), "192.0.2.0");
    // Created again for another product.
    let again = c.create_with("waiting", json!({}), json!({"loadBalancerClass": "example.com/other"}));
    assert_eq!(again, waiting);
    let third = c.create("third");
    c.settle();
    assert_eq!(c.shown(&third), "192.0.2.0", "what it had is free");
    assert_eq!(c.shown(&again), "", "and it is somebody else's");
}

#[test]
fn with_a_class_of_our_own_a_change_of_type_releases() {
    let class = json!({"loadBalancerClass": "example.com/herald"});
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    c.index = Index::new(Some("example.com/herald".into()), "metallb-system".into());
    c.index.pools(Change::Reset(c.pools.clone()), c.now);
    c.index.namespaces(Change::Reset(vec![]), c.now);
    c.index.services(Change::Reset(vec![]), c.now);
    let web = c.create_with("web", json!({}), class.clone());
    c.settle();
    let waiting = c.create_with("waiting", json!({}), class);
    c.settle();
    assert_eq!([&web, &waiting].map(|key| c.shown(key)), ["192.0.2.0", ""]);
    // What the watch shows last still has the class; the API server takes it away with the type.
    c.remove(&web);
    let jobs = c.jobs();
    assert!(jobs.contains(&Job::Unmark { key: web }), "{jobs:?}");
    for job in jobs {
        c.perform(job);
    }
    c.settle();
    assert_eq!(c.shown(&waiting), "192.0.2.0");
}
