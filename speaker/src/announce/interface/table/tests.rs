//! Who takes part, and that only differences come out.

use super::*;

fn mac(number: u8) -> MacAddr {
    MacAddr::new(2, 0, 0, 0, 0, number)
}

fn link(index: u8, name: &str) -> Link {
    Link {
        index: InterfaceIndex(index.into()),
        name: name.to_owned(),
        mac: Some(mac(index)),
        ethernet: true,
        flags: LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Broadcast,
        enslaved: false,
    }
}

fn address(index: u8, ip: &str, prefix: u8) -> Address {
    let address = InterfaceAddress { ip: ip.parse().unwrap(), prefix };
    Address { index: InterfaceIndex(index.into()), address, usable: true }
}

fn table() -> Table {
    Table::new(Exclude::default())
}

fn takes_part(link: &Link) -> bool {
    table().usable(link).is_some()
}

fn usable(index: u8, name: &str) -> Interface {
    Interface {
        index: InterfaceIndex(index.into()),
        name: name.to_owned(),
        mac: mac(index),
        link_local: None,
        addresses: Vec::new(),
    }
}

const fn gone(index: u32) -> InterfaceChange {
    InterfaceChange::Gone(InterfaceIndex(index))
}

#[test]
fn who_takes_part() {
    for name in ["eth0", "br0", "bond0", "eth0.100", "lo1"] {
        assert!(takes_part(&link(1, name)), "{name}, with or without an address");
    }
    for name in ["lo", "veth12", "docker0", "cali1", "lxc9", "cni0", "kube-ipvs0"] {
        assert!(!takes_part(&link(1, name)), "{name} must not take part");
    }
    assert!(!takes_part(&Link { enslaved: true, ..link(1, "eth0") }));
    assert!(!takes_part(&Link { mac: None, ..link(1, "eth0") }));
    assert!(!takes_part(&Link { ethernet: false, ..link(1, "wg0") }));
    let up = link(1, "eth0").flags;
    for flags in [up - LinkFlags::LowerUp, up - LinkFlags::Up, up | LinkFlags::Noarp, up - LinkFlags::Broadcast] {
        assert!(!takes_part(&Link { flags, ..link(1, "eth0") }), "{flags:?}");
    }
}

#[test]
fn only_differences_come_out() {
    let mut table = table();
    let first = table.replace(vec![link(1, "eth0"), link(2, "veth0")], vec![]);
    let other = InterfaceChange::OtherMac { mac: mac(2), present: true };
    assert_eq!(first, [InterfaceChange::Usable(usable(1, "eth0")), other]);
    assert!(table.replace(vec![link(1, "eth0"), link(2, "veth0")], vec![]).is_empty());
    assert!(table.set_link(link(1, "eth0")).is_empty());

    let changed = Link { mac: Some(mac(9)), ..link(1, "eth0") };
    let expected = Interface { mac: mac(9), ..usable(1, "eth0") };
    assert_eq!(table.set_link(changed.clone()), [InterfaceChange::Usable(expected.clone())]);
    let down = Link { flags: changed.flags - LinkFlags::LowerUp, ..changed.clone() };
    assert!(table.set_link(down).contains(&gone(1)));
    assert!(table.set_link(changed).contains(&InterfaceChange::Usable(expected)));
    assert_eq!(table.remove_link(InterfaceIndex(1)), [gone(1)]);
    assert!(table.remove_link(InterfaceIndex(1)).is_empty());
}

#[test]
fn an_interface_that_is_enslaved_leaves_and_its_mac_stays_ours_throughout() {
    let mut table = table();
    table.set_link(link(1, "eth0"));
    let enslaved = Link { enslaved: true, ..link(1, "eth0") };
    let other = |present| InterfaceChange::OtherMac { mac: mac(1), present };
    assert_eq!(table.set_link(enslaved.clone()), [other(true), gone(1)]);
    // A bridge takes its port's MAC.
    let bridge = Link { mac: Some(mac(1)), ..link(5, "veth-like") };
    assert_eq!(table.set_link(bridge), [], "known already");
    assert_eq!(table.remove_link(InterfaceIndex(5)), []);
    assert_eq!(table.set_link(link(1, "eth0")), [InterfaceChange::Usable(usable(1, "eth0")), other(false)]);
}

#[test]
fn addresses_come_with_the_interface_and_only_usable_ones_count() {
    let mut table = table();
    assert!(table.set_address(address(1, "10.0.0.1", 24)).is_empty(), "before the interface is known");
    let [InterfaceChange::Usable(interface)] = &table.set_link(link(1, "eth0"))[..] else { panic!("usable") };
    assert_eq!(interface.addresses.len(), 1);

    let link_local = address(1, "fe80::1", 64);
    assert!(table.set_address(Address { usable: false, ..link_local }).is_empty(), "not usable yet");
    let [InterfaceChange::Usable(interface)] = &table.set_address(link_local)[..] else { panic!("usable") };
    assert_eq!(interface.link_local, Some("fe80::1".parse().unwrap()));
    assert!(table.set_address(link_local).is_empty());
    let [InterfaceChange::Usable(interface)] = &table.remove_address(link_local)[..] else { panic!("usable") };
    assert_eq!(interface.link_local, None);
    assert!(table.remove_address(link_local).is_empty());
}

#[test]
fn pod_interfaces_tell_their_mac_and_nothing_else_and_leave_nothing_behind() {
    let mut table = table();
    table.set_link(link(1, "eth0"));
    let mut told = 0;
    for _ in 0..20 {
        for pod in 2..=250 {
            let veth = link(pod, &format!("veth{pod}"));
            told += table.set_link(Link { flags: LinkFlags::empty(), ..veth.clone() }).len();
            told += table.set_link(veth).len();
            told += table.set_address(address(pod, "fe80::9", 64)).len();
        }
        for pod in 2..=250 {
            told += table.remove_address(address(pod, "fe80::9", 64)).len();
            told += table.remove_link(InterfaceIndex(pod.into())).len();
        }
    }
    assert_eq!(told, 20 * 249 * 2);
    assert_eq!((table.links.len(), table.told.len(), table.addresses.len(), table.other_macs.len()), (1, 1, 0, 0));
}

#[test]
fn another_list_of_excluded_interfaces_counts_at_once() {
    let mut table = table();
    table.set_link(link(1, "eth0"));
    table.set_link(link(2, "docker0"));
    let (list, _) = Exclude::new(["^eth".to_owned()]);
    let changes = table.set_exclude(list);
    assert!(changes.contains(&gone(1)) && changes.contains(&InterfaceChange::Usable(usable(2, "docker0"))));
}
