//! What happens to Services when nothing goes wrong.

use herald_runtime::watch::Change;
use serde_json::json;

use super::*;
use crate::watch::AllocatedCondition;

#[test]
fn a_service_gets_an_address_in_one_write_and_an_event() {
    let mut c = Cluster::new(vec![pool("p", &["192.168.1.240-192.168.1.250"])]);
    let web = c.create("web");
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "192.168.1.240");
    assert_eq!(c.services[&web].request.recorded_pool.as_deref(), Some("p"));
    assert_eq!(c.condition(&web), (true, "Allocated: 192.168.1.240 from pool \"p\"".into()));
    assert_eq!(c.events(), ["IPAllocated: Assigned IP [\"192.168.1.240\"]"]);
    // The echo of our own write, and a change that means nothing, are no work.
    c.show(&web);
    assert_eq!(c.settle(), 0);
    c.change(&web, |service| service.request.labels.clear());
    c.show(&web);
    assert_eq!(c.settle(), 0);
    assert_eq!(c.events(), Vec::<String>::new());
}

#[test]
fn nothing_is_handed_out_before_everything_is_listed() {
    let mut index = Index::new(None, "ns".into());
    let mut cluster = Cluster::new(vec![]);
    let key = cluster.create("web");
    let service = cluster.services[&key].clone();
    let steps: [&mut dyn FnMut(&mut Index); 3] = [
        &mut |index| index.pools(Change::Reset(vec![pool("p", &["192.0.2.0/30"])]), ms(0)),
        &mut |index| index.services(Change::Reset(vec![service.clone()]), ms(0)),
        &mut |index| index.namespaces(Change::Reset(vec![]), ms(0)),
    ];
    for step in steps {
        assert_eq!(index.jobs(10, ms(0)), []);
        assert!(index.summary().missing.is_some());
        step(&mut index);
    }
    assert_eq!(index.summary().missing, None);
    assert!(matches!(index.jobs(10, ms(0))[..], [Job::Write(_)]));
}

#[test]
fn a_restart_adopts_before_it_hands_out() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0-192.0.2.1"])]);
    let first = c.create("z-first");
    c.settle();
    c.remove(&first);
    let taker = c.create("z-taker");
    c.settle();
    assert_eq!(c.shown(&taker), "192.0.2.0");
    // Created while nobody watched; its name sorts before the one that has an address.
    c.index = Index::new(None, String::new());
    let new = c.create("a-new");
    c.restart();
    assert_eq!(c.settle(), 1);
    assert_eq!((c.shown(&taker), c.shown(&new)), ("192.0.2.0".into(), "192.0.2.1".into()));
}

#[test]
fn a_released_address_goes_to_who_waits_and_nobody_else_is_written() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"]), pool("q", &["198.51.100.0/32"])]);
    let [first, other] = ["a", "b"].map(|name| c.create(name));
    let waiting = c.create("waiting");
    c.settle();
    let (status, message) = c.condition(&waiting);
    assert!(!status);
    assert_eq!(
        message,
        "NoAddressAvailable: no available IPs: pool \"p\": all 1 IPv4 addresses are in use; pool \"q\": all 1 IPv4 \
         addresses are in use"
    );
    let events = c.events();
    assert!(events[2].starts_with("AllocationFailed: Failed to allocate IP for \"shop/waiting\": no available IPs"));
    c.remove(&first);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&waiting), "192.0.2.0");
    assert_eq!(c.shown(&other), "198.51.100.0");
}

#[test]
fn a_request_outside_every_pool_says_so_once_and_disturbs_nobody() {
    let mut c = Cluster::new(vec![pool("public-pool", &["192.168.1.240-192.168.1.250"])]);
    let lost = c.create_with("lost", json!({"metallb.io/loadBalancerIPs": "10.0.0.7"}), json!({}));
    let web = c.create("web");
    assert_eq!(c.settle(), 2);
    assert_eq!((c.shown(&lost), c.shown(&web)), (String::new(), "192.168.1.240".into()));
    let events = c.events();
    assert_eq!(
        events[0],
        "AllocationFailed: Failed to allocate IP for \"shop/lost\": [\"10.0.0.7\"] is not allowed in config: no pool \
         has 10.0.0.7; the pools are: public-pool (192.168.1.240-192.168.1.250)"
    );
    c.restart();
    assert_eq!(c.settle(), 0);
    assert_eq!(c.events(), Vec::<String>::new());
}

#[test]
fn a_service_that_leaves_the_selection_is_looked_at_and_its_address_is_free() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    let web = c.create("web");
    let waiting = c.create("waiting");
    c.settle();
    let seen = c.services[&web].clone();
    c.index.services(Change::Deleted(seen), c.now);
    let jobs = c.jobs();
    assert!(jobs.contains(&Job::Unmark { key: web.clone() }), "{jobs:?}");
    for job in jobs {
        c.perform(job);
    }
    assert_eq!(c.shown(&waiting), "192.0.2.0");
    // It comes back as a LoadBalancer before the look failed: no more looking.
    c.index.done(Done::Unmark { key: web.clone(), clean: false }, c.now);
    assert_eq!(c.index.deadline().map(|at| at > c.now), Some(true));
    c.change(&web, |service| service.request.shown.clear());
    c.show(&web);
    c.settle();
    c.now += Duration::from_secs(60);
    assert!(!c.jobs().iter().any(|job| matches!(job, Job::Unmark { .. })));
}

#[test]
fn leftovers_are_looked_at_unless_they_are_load_balancers() {
    let mut c = Cluster::new(vec![]);
    let web = c.create("web");
    c.index.leftover(web, c.now);
    let left = ServiceKey::new("shop", "left");
    c.index.leftover(left.clone(), c.now);
    let looked: Vec<_> = c.jobs().into_iter().filter(|job| matches!(job, Job::Unmark { .. })).collect();
    assert_eq!(looked, [Job::Unmark { key: left }]);
}

#[test]
fn classes_and_other_products() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let foreign = c.create_with("foreign", json!({}), json!({"loadBalancerClass": "example.com/other"}));
    c.change(&foreign, |service| service.request.shown = vec!["192.0.2.0".parse().unwrap()]);
    c.show(&foreign);
    let web = c.create("web");
    assert_eq!(c.settle(), 1, "somebody else's Service is not touched");
    assert_eq!(c.shown(&web), "192.0.2.1", "and its address is not given away");

    c.index = Index::new(Some("example.com/other".into()), String::new());
    c.index.pools(Change::Reset(c.pools.clone()), c.now);
    c.index.namespaces(Change::Reset(vec![]), c.now);
    c.index.services(Change::Reset(c.services.values().cloned().collect()), c.now);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.condition(&foreign), (true, "Allocated: 192.0.2.0 from pool \"p\"".into()));
}

#[test]
fn a_pool_edit_writes_nothing_but_what_a_user_should_know() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let keys = ["a", "b"].map(|name| c.create(name));
    c.settle();
    c.events();
    c.set_pools(vec![pool("p", &["192.0.2.0/30"])]);
    assert_eq!(c.settle(), 0);
    c.set_pools(vec![pool("p", &["192.0.2.1-192.0.2.3"])]);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.condition(&keys[0]), (true, "Retained: 192.0.2.0 is no longer in pool \"p\" and is kept".into()));
    c.set_pools(vec![]);
    assert_eq!(c.settle(), 2);
    assert!(c.condition(&keys[1]).1.starts_with("Orphaned: "));
    c.set_pools(vec![pool("renamed", &["192.0.2.0/29"])]);
    assert_eq!(c.settle(), 2);
    assert_eq!(c.services[&keys[0]].request.recorded_pool.as_deref(), Some("renamed"));
    assert_eq!(keys.map(|key| c.shown(&key)), ["192.0.2.0", "192.0.2.1"]);
}

#[test]
fn a_burst_is_written_as_room_allows_and_the_oldest_is_first() {
    let mut c = Cluster::new(vec![pool("p", &["10.0.0.0/8"])]);
    let keys: Vec<_> = (0..200).map(|number| c.create(&format!("s{number:03}"))).collect();
    let jobs = c.index.jobs(64, c.now);
    assert_eq!(jobs.len(), 64);
    assert_eq!(c.index.jobs(0, c.now), []);
    for job in jobs {
        c.perform(job);
    }
    assert_eq!(c.settle(), 136);
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(c.shown(key), format!("10.0.0.{number}"));
    }
}

#[test]
fn a_service_created_again_under_its_name_is_another_one() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    c.settle();
    // The watch was interrupted: what it shows next is the new one.
    let again = c.create("web");
    assert_eq!(c.settle(), 1);
    assert_eq!((web, c.shown(&again)), (again.clone(), "192.0.2.0".into()));
}

#[test]
fn a_service_on_its_way_out_gets_nothing_new() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    c.change(&web, |service| service.deleting = true);
    c.show(&web);
    assert_eq!(c.settle(), 0);
}

#[test]
fn deprecated_annotations_are_reported_when_something_changes() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create_with("web", json!({"metallb.universe.tf/address-pool": "p"}), json!({}));
    c.settle();
    let deprecated = "deprecatedAnnotation: service uses deprecated annotation metallb.universe.tf/address-pool";
    assert_eq!(c.events(), ["IPAllocated: Assigned IP [\"192.0.2.0\"]", deprecated]);
    c.show(&web);
    c.settle();
    assert_eq!(c.events(), Vec::<String>::new());
}

#[test]
fn a_condition_that_somebody_changed_is_put_right() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    let web = c.create("web");
    c.settle();
    let wrong = AllocatedCondition { status: false, reason: "X".into(), message: String::new() };
    c.change(&web, |service| service.condition = Some(wrong));
    c.show(&web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.condition(&web), (true, "Allocated: 192.0.2.0 from pool \"p\"".into()));
}
