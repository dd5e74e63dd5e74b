//! MP_REACH_NLRI and MP_UNREACH_NLRI.

use std::net::Ipv6Addr;

use super::*;

fn reach(value: &[u8]) -> Vec<u8> {
    [&[0x90, 14], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

#[test]
fn next_hops_of_multiprotocol_routes_have_lengths() {
    for (afi, right) in [(1, &[4, 16, 32][..]), (2, &[16, 32])] {
        for length in 0..=255_u8 {
            let value = [&[0, afi, 1, length][..], &vec![0x20; length.into()], &[0, 8, 10]].concat();
            let attribute = reach(&value);
            let verdict = outcome(&body(&[], &[&attribute, ORIGIN, AS_PATH].concat(), &[]), &peer(true, true));
            assert_eq!(
                verdict,
                if right.contains(&length) { Ok(Accept) } else { reset(9, &attribute) },
                "{afi} {length}"
            );
        }
    }
}

#[test]
fn ipv4_routes_may_have_ipv6_next_hops() {
    let (global, link_local): (Ipv6Addr, Ipv6Addr) = ("2001:db8::1".parse().unwrap(), "fe80::1".parse().unwrap());
    let value = [&[0, 1, 1, 32][..], &global.octets(), &link_local.octets(), &[0, 24, 198, 51, 100]].concat();
    let bytes = body(&[], &[&reach(&value), ORIGIN, AS_PATH].concat(), &[]);
    let inspected = inspect(&bytes, &peer(true, true)).unwrap();
    let expected = Reach { family: Family::Ipv4, next_hop: NextHop::Ipv6(global, Some(link_local)), prefixes: ROUTE };
    assert_eq!(inspected.reach, Some(expected));
}

#[test]
fn multiprotocol_routes_of_the_wrong_shape_reset() {
    let full = &reach(&REACH[3..])[..];
    for length in 0..full.len() - 4 {
        let attribute = reach(&full[4..4 + length]);
        let verdict = external(&[&attribute]);
        // Complete without prefixes, and in front of the only one.
        let expected = if length == 21 { Ok(Accept) } else { reset(9, &attribute) };
        assert_eq!(verdict, expected, "MP_REACH_NLRI of {length} octets");
    }
    for length in 0..8 {
        let attribute = [&[0x80, 15, length][..], &UNREACH[3..3 + usize::from(length)]].concat();
        let expected = if length == 3 { Ok(Accept) } else { reset(9, &attribute) };
        assert_eq!(external(&[&attribute]), expected, "MP_UNREACH_NLRI of {length} octets");
    }
    let too_long = [&REACH[3..24], &[129], &[0; 17]].concat();
    assert_eq!(external(&[&reach(&too_long)]), reset(9, &reach(&too_long)));
    for flags in [0xc0, 0x40, 0x00] {
        for attribute in [REACH, UNREACH] {
            let attribute = [&[flags], &attribute[1..]].concat();
            assert_eq!(external(&[&attribute]), reset(4, &attribute));
        }
    }
}

#[test]
fn other_families_are_skipped() {
    // VPN-IPv4 with a next hop of 12 octets, and something that is no list of prefixes.
    let vpn = [&[0, 1, 128, 12][..], &[0; 12], &[0, 255, 255]].concat();
    let attributes = [&reach(&vpn), ORIGIN, AS_PATH, &[0x80, 15, 5, 0, 25, 70, 255, 255]].concat();
    let bytes = body(&[], &attributes, &[]);
    let inspected = inspect(&bytes, &peer(true, true)).unwrap();
    assert_eq!((inspected.reach, inspected.unreach, inspected.treatment), (None, None, Accept));
    assert_eq!(
        external(&[&reach(&[0, 1, 128, 12, 0])]),
        reset(9, &reach(&[0, 1, 128, 12, 0])),
        "as long as they add up"
    );
}
