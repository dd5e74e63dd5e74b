use crate::config::{Capacity, Home};
use crate::object::{IpAddressPool, ObjectMeta, Objects};
use crate::{Config, compile};

fn pool(name: &str, created: i64, addresses: &[&str]) -> IpAddressPool {
    IpAddressPool {
        meta: ObjectMeta { name: name.into(), created, ..ObjectMeta::default() },
        addresses: addresses.iter().map(|item| (*item).into()).collect(),
        auto_assign: true,
        ..IpAddressPool::default()
    }
}

fn config(pools: Vec<IpAddressPool>) -> std::sync::Arc<Config> {
    compile(&Objects { pools, ..Objects::default() }).config
}

#[test]
fn finds_the_pool_of_an_address() {
    let config = config(vec![pool("a", 1, &["10.0.0.10-10.0.0.20", "fd00::/120"]), pool("b", 2, &["10.0.0.0/24"])]);
    let cases = [
        ("10.0.0.9", Some("b")),
        ("10.0.0.10", Some("a")),
        ("10.0.0.20", Some("a")),
        ("10.0.0.21", Some("b")),
        ("10.0.0.255", Some("b")),
        ("10.0.1.0", None),
        ("9.255.255.255", None),
        ("fd00::ff", Some("a")),
        ("fd00::100", None),
        ("::a00:a", None),
    ];
    for (address, expected) in cases {
        let found = config.pool_of(address.parse().unwrap());
        assert_eq!(found.map(|pool| pool.name.as_str()), expected, "{address}");
    }
}

#[test]
fn an_address_in_use_keeps_its_pool() {
    let config = config(vec![
        pool("old", 1, &["10.0.0.0/24"]),
        pool("young", 2, &["10.0.0.0/25", "10.9.0.0/24"]),
        pool("broken", 3, &["nonsense"]),
    ]);
    let home = |address: &str, recorded| config.home_of(address.parse().unwrap(), recorded);
    let named = |name| config.pool(name).unwrap();
    assert_eq!(home("10.0.0.1", Some("young")), Home::Inside(named("young")));
    assert_eq!(home("10.0.0.1", Some("old")), Home::Inside(named("old")));
    assert_eq!(home("10.0.0.1", None), Home::Inside(named("old")));
    assert_eq!(home("10.0.0.1", Some("gone")), Home::Inside(named("old")));
    assert_eq!(home("10.0.0.200", Some("young")), Home::Inside(named("old")));
    assert_eq!(home("172.16.0.1", Some("young")), Home::Retained(named("young")));
    assert_eq!(home("172.16.0.1", Some("broken")), Home::Retained(named("broken")));
    assert_eq!(home("172.16.0.1", Some("gone")), Home::Orphaned);
    assert_eq!(home("172.16.0.1", None), Home::Orphaned);
}

#[test]
fn capacity_counts_what_may_be_handed_out() {
    let mut careful = pool("careful", 2, &["10.0.0.0/23", "10.0.0.0/24", "fd00::/64"]);
    careful.avoid_buggy_ips = true;
    let config = config(vec![
        pool("small", 1, &["10.0.0.0-10.0.0.9"]),
        careful,
        pool("huge", 3, &["::/0", "::/1", "0.0.0.0/0"]),
    ]);
    let capacity = |name| config.pool(name).unwrap().capacity();
    assert_eq!(capacity("small"), Capacity { v4: 10, v6: 0 });
    // 512 addresses, 10 of them small's, and of the rest .255, .0 and .255 are avoided.
    assert_eq!(capacity("careful"), Capacity { v4: 512 - 10 - 3, v6: 1 << 64 });
    let huge = capacity("huge");
    assert_eq!(huge.v4, (1 << 32) - 512);
    assert_eq!(huge.v6, u128::MAX - (1 << 64) + 1);
}
