//! What users are told about addresses that are outside of every pool, used up, or on two Services.

use serde_json::json;

use super::*;

/// Lets the time pass in which changes are gathered and writes are paced.
fn settle_status(c: &mut Cluster) {
    for _ in 0..3 {
        c.settle();
        c.now += Duration::from_secs(1);
    }
    c.settle();
}

/// A condition of a pool, as `Status Reason: message`.
fn of_pool(c: &Cluster, pool: &str, kind: &str) -> String {
    let pool = c.pools.iter().find(|one| one.object.meta.name == pool).unwrap();
    let condition = pool.status.conditions.iter().find(|one| one.type_ == kind);
    condition.map_or("absent".into(), |one| format!("{} {}: {}", one.status, one.reason, one.message))
}

/// The pool with other addresses, and the status that it has.
fn resized(c: &Cluster, name: &str, addresses: &[&str]) -> crate::compile::SeenPool {
    let mut pool = c.pools.iter().find(|one| one.object.meta.name == name).unwrap().clone();
    pool.object.addresses = addresses.iter().map(ToString::to_string).collect();
    pool
}

#[test]
fn a_pool_names_what_it_left_behind_until_it_has_it_again() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let keys: Vec<_> = (0..5).map(|number| c.create(&format!("s{number}"))).collect();
    settle_status(&mut c);
    assert_eq!(
        of_pool(&c, "p", "Retained"),
        "False NoneRetained: every address in use that came from this pool is in it"
    );
    c.events();
    c.set_pools(vec![resized(&c, "p", &["192.0.2.4/30"])]);
    settle_status(&mut c);
    let said = "4 addresses in use came from this pool and are outside of it now: 192.0.2.0 (shop/s0), 192.0.2.1 \
                (shop/s1), 192.0.2.2 (shop/s2), and 1 more. The Services keep what they have and nobody else gets it; \
                add them to the pool again, or annotate the Services with metallb.io/reallocate to move them";
    assert_eq!(of_pool(&c, "p", "Retained"), format!("True AddressesOutsidePool: {said}"));
    let events = c.events();
    assert!(events.contains(&format!("AddressesOutsidePool: {said}")), "{events:?}");
    let on_services =
        events.iter().filter(|event| event.starts_with("AddressRetained: kept outside of its pool: 192."));
    assert_eq!(on_services.count(), 4);
    // One less is other words, and no Event.
    c.remove(&keys[0]);
    settle_status(&mut c);
    assert!(of_pool(&c, "p", "Retained").starts_with("True AddressesOutsidePool: 3 addresses"));
    assert_eq!(c.events(), Vec::<String>::new());
    // A restart says nothing again.
    c.restart();
    settle_status(&mut c);
    assert_eq!(c.events(), Vec::<String>::new());
    c.set_pools(vec![resized(&c, "p", &["192.0.2.0/29"])]);
    settle_status(&mut c);
    assert!(of_pool(&c, "p", "Retained").starts_with("False "));
    let adopted = "AddressAdopted: a pool has it again: 192.0.2.1 from pool \"p\"";
    assert!(c.events().contains(&adopted.to_owned()));
    assert_eq!(c.condition(&keys[1]), (true, "Allocated: 192.0.2.1 from pool \"p\"".into()));
}

#[test]
fn a_pool_with_an_invalid_spec_says_what_it_keeps() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    c.create("web");
    settle_status(&mut c);
    c.set_pools(vec![resized(&c, "p", &["192.0.2.0/33"])]);
    settle_status(&mut c);
    let said = of_pool(&c, "p", "Retained");
    assert!(
        said.starts_with("True PoolNotAccepted: 1 address in use") && said.ends_with("put the pool in order"),
        "{said}"
    );
    assert_eq!(of_pool(&c, "p", "Exhausted"), "absent");
}

#[test]
fn a_service_is_told_when_its_address_is_orphaned_and_adopted() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let web = c.create("web");
    c.settle();
    c.events();
    for _ in 0..2 {
        c.set_pools(vec![]);
        c.settle();
        let said = "192.0.2.0 is kept, though its pool \"p\" is gone";
        assert_eq!(c.condition(&web), (true, format!("Orphaned: {said}")));
        assert_eq!(c.events(), [format!("AddressWithoutPool: no pool has it any more: {said}")]);
        c.restart();
        c.settle();
        assert_eq!(c.events(), Vec::<String>::new());
        // Re-created without the address, then with it (a GitOps tool at work).
        c.set_pools(vec![pool("p", &["192.0.2.4/30"])]);
        c.settle();
        let said = "192.0.2.0 is no longer in pool \"p\" and is kept";
        assert_eq!(c.events(), [format!("AddressRetained: kept outside of its pool: {said}")]);
        c.set_pools(vec![pool("p", &["192.0.2.0/29"])]);
        c.settle();
        assert_eq!(c.events(), ["AddressAdopted: a pool has it again: 192.0.2.0 from pool \"p\""]);
        assert_eq!(c.shown(&web), "192.0.2.0");
    }
}

#[test]
fn an_exhausted_pool_names_the_family_and_who_waits() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/31", "2001:db8::/126"])]);
    let keys = ["a", "b"].map(|name| c.create(name));
    settle_status(&mut c);
    assert_eq!(
        of_pool(&c, "p", "Exhausted"),
        "True AllAddressesInUse: all 2 IPv4 addresses are in use; no Service waits for one"
    );
    let normal = c.notices.iter().filter(|notice| notice.reason == "AllAddressesInUse");
    assert!(normal.into_iter().all(|notice| notice.severity == herald_runtime::events::Severity::Normal));
    c.events();
    for number in 0..5 {
        c.create(&format!("w{number}"));
    }
    settle_status(&mut c);
    let said = "all 2 IPv4 addresses are in use; 5 Services wait for one: shop/w0, shop/w1, shop/w2, and 2 more. To \
                serve them, add addresses to the pool, or delete Services that are not needed";
    assert_eq!(of_pool(&c, "p", "Exhausted"), format!("True ServicesWaiting: {said}"));
    assert!(c.events().contains(&format!("ServicesWaiting: {said}")));
    c.remove(&keys[0]);
    settle_status(&mut c);
    assert!(of_pool(&c, "p", "Exhausted").contains("4 Services wait for one: shop/w1"));
    assert!(!c.events().iter().any(|event| event.starts_with("ServicesWaiting")), "said when it began");
    c.set_pools(vec![resized(&c, "p", &["192.0.2.0/29", "2001:db8::/126"])]);
    settle_status(&mut c);
    assert_eq!(of_pool(&c, "p", "Exhausted"), "False AddressesLeft: there are addresses left");
}

#[test]
fn a_pool_without_a_family_is_not_exhausted_of_it() {
    let mut c = Cluster::new(vec![pool("p", &["2001:db8::/126"]), pool("one", &["192.0.2.7/32"])]);
    c.create_with("six", json!({}), json!({"clusterIPs": ["fd00::1"]}));
    c.create_with("four", json!({"metallb.io/address-pool": "one"}), json!({}));
    settle_status(&mut c);
    assert!(of_pool(&c, "p", "Exhausted").starts_with("False "));
    assert_eq!(
        of_pool(&c, "one", "Exhausted"),
        "True AllAddressesInUse: the only IPv4 address is in use; no Service waits for one"
    );
}

#[test]
fn many_services_that_wait_are_counted_and_not_walked() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    for number in 0..5000 {
        c.create(&format!("s{number:04}"));
    }
    c.settle();
    c.now += Duration::from_secs(1);
    c.settle();
    // Walking them each time would take this test a minute.
    for _ in 0..1000 {
        // Some change that is seen; nothing that a pool says differs.
        c.show(&ServiceKey::new("shop", "s0001"));
        c.now += Duration::from_secs(2);
        assert_eq!(c.jobs(), []);
    }
}

/// Sets what a Service shows, as a restored backup would.
fn restore(c: &mut Cluster, key: &ServiceKey, address: &str) {
    c.change(key, |service| {
        service.request.shown = vec![address.parse().unwrap()];
        service.request.recorded_pool = Some("p".into());
    });
}

#[test]
fn duplicates_are_reported_on_both_services_within_one_event_and_after_a_restart() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let first = c.create("first");
    c.settle();
    let second = c.store_in_shop("second");
    restore(&mut c, &second, "192.0.2.0");
    c.events();
    c.show(&second);
    assert_eq!(c.settle(), 2);
    let said = |with: &str| {
        format!(
            "Duplicate: 192.0.2.0 from pool \"p\"; found on two Services and left as it is: \"192.0.2.0\" is in use by shop/{with}"
        )
    };
    assert_eq!(c.condition(&first), (true, said("second")));
    assert_eq!(c.condition(&second), (true, said("first")));
    let events = c.events();
    assert_eq!(events.iter().filter(|event| event.starts_with("DuplicateAddress: ")).count(), 2, "{events:?}");
    assert_eq!(c.index.summary().duplicates, 1);
    // A restart finds the same, and has nothing to add.
    c.restart();
    assert_eq!(c.settle(), 0);
    assert_eq!(c.index.summary().duplicates, 1);
    // One of them goes, and the other one is in order.
    c.remove(&second);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.condition(&first), (true, "Allocated: 192.0.2.0 from pool \"p\"".into()));
    assert_eq!(c.index.summary().duplicates, 0);
}

#[test]
fn duplicates_found_at_the_start_are_on_both_services() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let both = ["a", "b"].map(|name| c.store_in_shop(name));
    for key in &both {
        restore(&mut c, key, "192.0.2.3");
    }
    c.restart();
    assert_eq!(c.settle(), 2);
    for key in &both {
        assert!(c.condition(key).1.starts_with("Duplicate: "));
        assert_eq!(c.shown(key), "192.0.2.3");
    }
    // The younger one is moved with consent.
    c.change(&both[1], |service| service.reallocate = true);
    c.show(&both[1]);
    assert_eq!(c.settle(), 2);
    assert_eq!(both.each_ref().map(|key| c.shown(key)), ["192.0.2.3", "192.0.2.0"]);
    assert_eq!(c.condition(&both[0]).1, "Allocated: 192.0.2.3 from pool \"p\"");
}

#[test]
fn a_duplicate_with_another_class_is_reported_on_ours_and_the_other_is_left_alone() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/29"])]);
    let ours = c.create("ours");
    c.settle();
    let other = c.store("shop", "theirs", json!({}), json!({"loadBalancerClass": "example.com/other"}));
    restore(&mut c, &other, "192.0.2.0");
    c.show(&other);
    assert_eq!(c.settle(), 1);
    assert!(c.condition(&ours).1.starts_with("Duplicate: "));
    assert_eq!(c.services[&other].condition, None);
    c.restart();
    assert_eq!(c.settle(), 0);
    c.remove(&other);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.condition(&ours), (true, "Allocated: 192.0.2.0 from pool \"p\"".into()));
}
