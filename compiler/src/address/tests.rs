use std::net::IpAddr;

use proptest::prelude::*;

use super::{AddressRange, Family, is_buggy, numeric};

fn range(item: &str) -> AddressRange {
    AddressRange::parse(item).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn reads_what_users_write() {
    let cases = [
        ("192.168.1.240-192.168.1.250", "192.168.1.240", "192.168.1.250"),
        ("192.168.1.240 - 192.168.1.250", "192.168.1.240", "192.168.1.250"),
        ("192.0.2.7-192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("198.51.100.10/24", "198.51.100.0", "198.51.100.255"),
        ("198.51.100.10/32", "198.51.100.10", "198.51.100.10"),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
        ("fd00::1:5/112", "fd00::1:0", "fd00::1:ffff"),
        ("2001:db8::/128", "2001:db8::", "2001:db8::"),
        ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fd00::1-fd00::ff", "fd00::1", "fd00::ff"),
    ];
    for (item, first, last) in cases {
        assert_eq!(AddressRange::new(ip(first), ip(last)), Some(range(item)), "{item}");
    }
}

#[test]
fn refuses_the_rest_and_says_what_to_write() {
    let cases = [
        ("192.168.1.250-192.168.1.240", "write \"192.168.1.240-192.168.1.250\""),
        ("192.168.1.250 -192.168.1.240", "write \"192.168.1.240-192.168.1.250\""),
        ("fd00::ff-fd00::1", "write \"fd00::1-fd00::ff\""),
        ("192.168.1.0/33", "neither a CIDR"),
        ("fd00::/129", "neither a CIDR"),
        ("192.168.1.0/024", "neither a CIDR"),
        ("192.168.1.0/+24", "neither a CIDR"),
        ("192.168.1.0/", "neither a CIDR"),
        ("192.168.1.0/24/24", "neither a CIDR"),
        ("192.168.01.0/24", "neither a CIDR"),
        ("::ffff:192.0.2.0/120", "neither a CIDR"),
        ("fe80::1%eth0/64", "neither a CIDR"),
        ("not-an-ip", "neither a CIDR"),
        ("192.0.2.1-192.0.2.2-192.0.2.3", "neither a CIDR"),
        ("192.0.2.1-", "neither a CIDR"),
        ("-", "neither a CIDR"),
        ("", "neither a CIDR"),
        ("192.0.2.1-fd00::1", "mixes IPv4 and IPv6"),
        ("192.0.2.5", "write \"192.0.2.5/32\""),
        ("fd00::5", "write \"fd00::5/128\""),
    ];
    for (item, advice) in cases {
        let message = AddressRange::parse(item).unwrap_err().to_string();
        assert!(message.contains(&format!("\"{item}\"")), "{message}");
        assert!(message.contains(advice), "{message}");
    }
}

#[test]
fn new_refuses_what_is_no_range() {
    assert_eq!(AddressRange::new(ip("192.0.2.2"), ip("192.0.2.1")), None);
    assert_eq!(AddressRange::new(ip("192.0.2.2"), ip("fd00::")), None);
}

#[test]
fn sizes_saturate() {
    assert_eq!(range("::/0").size(), u128::MAX);
    assert_eq!(range("::/1").size(), 1 << 127);
    assert_eq!(range("10.0.0.0/8").size(), 1 << 24);
    assert_eq!(range("192.0.2.1/32").size(), 1);
}

#[test]
fn counts_buggy_addresses_without_walking() {
    assert_eq!(range("0.0.0.0/0").buggy(), 2 << 24);
    assert_eq!(range("fd00::/64").buggy(), 0);
    for item in ["10.0.0.0/22", "10.0.0.1-10.0.0.254", "10.0.0.255/32", "10.0.0.0-10.0.1.0"] {
        let range = range(item);
        let walked = (numeric(range.first())..=numeric(range.last()))
            .filter(|value| is_buggy(Family::V4.address(*value)))
            .count();
        assert_eq!(range.buggy(), u128::try_from(walked).unwrap(), "{item}");
    }
}

#[test]
fn displays_cidrs_as_cidrs() {
    for item in ["192.0.2.0/24", "0.0.0.0/0", "::/0", "fd00::/112", "192.0.2.9/32"] {
        assert_eq!(range(item).to_string(), item);
    }
    assert_eq!(range("192.0.2.1-192.0.2.2").to_string(), "192.0.2.1-192.0.2.2");
    assert_eq!(range("192.0.2.2-192.0.2.3").to_string(), "192.0.2.2/31");
    assert_eq!(range("192.0.2.1-192.0.2.4").to_string(), "192.0.2.1-192.0.2.4");
}

#[test]
fn families_do_not_meet() {
    assert!(!range("0.0.0.0/0").contains(ip("::")));
    assert!(!range("::/0").contains(ip("10.0.0.1")));
    assert_eq!(range("0.0.0.0/0").overlap(&range("::/0")), None);
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from_bits(bits).into()),
        any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from_bits(bits).into()),
    ]
}

proptest! {
    #[test]
    fn numeric_and_address_are_inverse(address in any_address()) {
        prop_assert_eq!(Family::of(address).address(numeric(address)), address);
    }

    #[test]
    fn display_reads_back(a in any_address(), b in any_address(), bits in 0..=128_u8) {
        if let Some(range) = AddressRange::new(a.min(b), a.max(b)) {
            prop_assert_eq!(AddressRange::parse(&range.to_string()), Ok(range));
        }
        let cidr = format!("{a}/{}", bits.min(Family::of(a).bits()));
        if let Ok(range) = AddressRange::parse(&cidr) {
            prop_assert!(range.contains(a));
            prop_assert_eq!(AddressRange::parse(&range.to_string()), Ok(range));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(item in ".{0,60}") {
        if let Err(error) = AddressRange::parse(&item) {
            prop_assert!(error.to_string().contains(&item));
        }
    }

    #[test]
    fn overlap_is_what_both_contain(
        [a, b, c, d, probe] in proptest::array::uniform5(0..40_u128),
    ) {
        let address = |value| Family::V4.address(value);
        let one = AddressRange::new(address(a.min(b)), address(a.max(b))).unwrap();
        let two = AddressRange::new(address(c.min(d)), address(c.max(d))).unwrap();
        let both = one.contains(address(probe)) && two.contains(address(probe));
        let overlap = one.overlap(&two);
        prop_assert_eq!(overlap, two.overlap(&one));
        prop_assert_eq!(overlap.is_some_and(|part| part.contains(address(probe))), both);
    }
}
