//! When is there something new to compile?

use super::*;

fn pool(name: &str, addresses: &str) -> SeenPool {
    let meta = object::ObjectMeta { name: name.into(), ..object::ObjectMeta::default() };
    let object = object::IpAddressPool {
        meta,
        addresses: vec![addresses.into()],
        auto_assign: true,
        ..object::IpAddressPool::default()
    };
    SeenPool { object, status: SeenStatus::default() }
}

#[test]
fn only_a_change_of_meaning_is_a_new_configuration() {
    let mut objects = ConfigObjects::new();
    assert_eq!(objects.compile(), None);
    objects.pools(Change::Reset(vec![pool("p", "192.0.2.0/24")]));
    assert_eq!(objects.compile().unwrap().pools().len(), 1);
    assert_eq!(objects.compile(), None);
    // A status, a list without news, a broken watch.
    let mut reported = pool("p", "192.0.2.0/24");
    reported.status.counters = Some(Counters::default());
    objects.pools(Change::Applied(reported.clone()));
    objects.pools(Change::Reset(vec![reported]));
    objects.pools(Change::Broken("x".into()));
    assert!(!objects.stale);
    // A list in other words means the same.
    objects.pools(Change::Applied(pool("p", "192.0.2.7/24")));
    assert_eq!(objects.compile(), None);
    objects.pools(Change::Applied(pool("bad", "x")));
    assert!(objects.compile().is_some());
    assert_eq!(objects.verdicts().filter(|(verdict, _)| verdict.is_accepted()).count(), 1);
    objects.pools(Change::Deleted(pool("p", "192.0.2.0/24")));
    assert_eq!(objects.compile().unwrap().pools().len(), 1);
    assert_eq!(objects.verdicts().count(), 1);
}

#[test]
fn pools_and_namespaces_must_be_listed_first() {
    let mut objects = ConfigObjects::new();
    assert_eq!(objects.missing(), Some("IPAddressPools not listed yet"));
    objects.pools(Change::Broken("no such kind".into()));
    assert_eq!(objects.missing(), Some("IPAddressPools not listed yet"));
    objects.pools(Change::Reset(vec![]));
    assert_eq!(objects.missing(), Some("Namespaces not listed yet"));
    objects.namespaces(Change::Reset(vec![]));
    assert_eq!(objects.missing(), None);
}
