//! One test per rule. Attributes are written by hand: flags, type, length, value.

mod multiprotocol;

use super::*;
use crate::packet::update::Treatment::{self, Accept, DiscardAttribute, TreatAsWithdraw};

const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
const AS_PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0];
const NEXT_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 1];
const ROUTE: &[u8] = &[24, 198, 51, 100];

/// MP_REACH_NLRI and MP_UNREACH_NLRI of 2001:db8::/32.
const REACH: &[u8] =
    &[0x80, 14, 26, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 32, 0x20, 1, 0xd, 0xb8];
const UNREACH: &[u8] = &[0x80, 15, 8, 0, 2, 1, 32, 0x20, 1, 0xd, 0xb8];

fn body(withdrawn: &[u8], attributes: &[u8], announced: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    [&length(withdrawn)[..], withdrawn, &length(attributes), attributes, announced].concat()
}

fn peer(external: bool, four_octet_asn: bool) -> Decoding {
    Decoding { external, four_octet_asn, enhanced_refresh: false, families: Family::ALL.into() }
}

type Outcome = Result<Treatment, (u8, u8, Vec<u8>)>;

fn outcome(body: &[u8], decoding: &Decoding) -> Outcome {
    inspect(body, decoding)
        .map(|inspected| inspected.treatment)
        .map_err(|error| (error.code, error.subcode, error.data))
}

/// The verdict on a route with the mandatory attributes and these.
fn with(attributes: &[&[u8]], decoding: &Decoding) -> Outcome {
    let attributes = [&[ORIGIN, AS_PATH, NEXT_HOP], attributes].concat().concat();
    outcome(&body(&[], &attributes, ROUTE), decoding)
}

fn external(attributes: &[&[u8]]) -> Outcome {
    with(attributes, &peer(true, true))
}

fn internal(attributes: &[&[u8]]) -> Outcome {
    with(attributes, &peer(false, true))
}

fn reset(subcode: u8, data: &[u8]) -> Outcome {
    Err((3, subcode, data.to_vec()))
}

const fn withdraw(attribute: u8) -> Outcome {
    Ok(TreatAsWithdraw { attribute })
}

const fn discard(attribute: u8) -> Outcome {
    Ok(DiscardAttribute { attribute })
}

#[test]
fn what_is_right_is_accepted() {
    assert_eq!(external(&[]), Ok(Accept));
    assert_eq!(internal(&[&[0x40, 5, 4, 0, 0, 0, 100]]), Ok(Accept));
    let all = body(ROUTE, &[REACH, ORIGIN, AS_PATH, NEXT_HOP, UNREACH].concat(), ROUTE);
    let inspected = inspect(&all, &peer(true, true)).unwrap();
    assert_eq!((inspected.treatment, inspected.attributes.len()), (Accept, 5));
    assert_eq!((inspected.withdrawn, inspected.announced), (ROUTE, ROUTE));
    let reach = inspected.reach.unwrap();
    assert_eq!((reach.family, reach.prefixes), (Family::Ipv6, &REACH[24..]));
    assert_eq!(reach.next_hop, NextHop::Ipv6("2001:db8::1".parse().unwrap(), None));
    assert_eq!(inspected.unreach, Some((Family::Ipv6, &UNREACH[6..])));
}

#[test]
fn sections_must_fit() {
    let peer = peer(true, true);
    for bytes in
        [&[][..], &[0], &[0, 0], &[0, 0, 0], &[0, 1, 0, 0], &[0, 0, 0, 1], &[0xff, 0xff, 0, 0], &[0, 0, 0xff, 0xff]]
    {
        assert_eq!(outcome(bytes, &peer), reset(1, &[]), "{bytes:?}");
    }
    assert_eq!(outcome(&[0, 0, 0, 0], &peer), Ok(Accept));
}

#[test]
fn prefixes_must_be_prefixes() {
    let peer = peer(true, true);
    for wrong in [&[33, 1, 2, 3, 4, 5][..], &[255], &[8], &[24, 1, 2], &[24, 1, 2, 3, 1]] {
        assert_eq!(outcome(&body(wrong, &[], &[]), &peer), reset(10, &[]), "withdrawn {wrong:?}");
        let announced = body(&[], &[ORIGIN, AS_PATH, NEXT_HOP].concat(), wrong);
        assert_eq!(outcome(&announced, &peer), reset(10, &[]), "announced {wrong:?}");
    }
    assert_eq!(outcome(&body(&[0, 32, 1, 2, 3, 4, 1, 0x80], &[], &[]), &peer), Ok(Accept));
}

#[test]
fn attributes_beyond_their_section_withdraw() {
    for tail in [&[0xc0][..], &[0xc0, 8], &[0xc0, 8, 4, 0, 0, 0], &[0xd0, 8, 0], &[0xd0, 8, 0, 4, 1]] {
        assert_eq!(external(&[tail]), withdraw(0), "{tail:?}");
        // Without a route that is known, perhaps the routes are what could not be read (RFC 7606 §5.2).
        assert_eq!(outcome(&body(ROUTE, tail, &[]), &peer(true, true)), reset(1, &[]));
    }
}

#[test]
fn mandatory_attributes_are_mandatory() {
    let without = |missing: u8| {
        let attributes = [ORIGIN, AS_PATH, NEXT_HOP].into_iter().filter(|attribute| attribute[1] != missing);
        outcome(&body(&[], &attributes.collect::<Vec<_>>().concat(), ROUTE), &peer(true, true))
    };
    for code in [1, 2, 3] {
        assert_eq!(without(code), withdraw(code));
    }
    let peer = peer(true, true);
    assert_eq!(outcome(&body(&[], &[REACH, ORIGIN, AS_PATH].concat(), &[]), &peer), Ok(Accept), "NEXT_HOP is for IPv4");
    assert_eq!(outcome(&body(&[], &[REACH, AS_PATH].concat(), &[]), &peer), withdraw(1));
    assert_eq!(outcome(&body(&[], &[REACH, ORIGIN].concat(), &[]), &peer), withdraw(2));
    assert_eq!(outcome(&body(ROUTE, UNREACH, &[]), &peer), Ok(Accept), "withdrawals need none");
}

#[test]
fn flags_are_those_of_the_type() {
    // Type, right flags, a right value.
    let attributes: &[(u8, u8, &[u8])] = &[
        (1, 0x40, &[2]),
        (2, 0x40, &[]),
        (3, 0x40, &[192, 0, 2, 1]),
        (4, 0x80, &[0, 0, 0, 1]),
        (5, 0x40, &[0, 0, 0, 1]),
        (6, 0x40, &[]),
        (7, 0xc0, &[0, 0, 0xfc, 0, 192, 0, 2, 1]),
        (8, 0xc0, &[0, 0, 0, 1]),
        (9, 0x80, &[0, 0, 0, 1]),
        (10, 0x80, &[0, 0, 0, 1]),
        (16, 0xc0, &[0; 8]),
        (25, 0xc0, &[0; 20]),
        (32, 0xc0, &[0; 12]),
        (35, 0xc0, &[0, 0, 0, 1]),
    ];
    for (code, flags, value) in attributes {
        for wrong in [0, 0x40, 0x80, 0xc0] {
            for ignored in [0, 0x20, 0x0f, 0x2f] {
                let attribute =
                    [&[flags ^ wrong | ignored, *code, u8::try_from(value.len()).unwrap()], *value].concat();
                let rest = [ORIGIN, AS_PATH, NEXT_HOP].into_iter().filter(|attribute| attribute[1] != *code);
                let attributes = [&attribute[..]].into_iter().chain(rest).collect::<Vec<_>>().concat();
                let verdict = outcome(&body(&[], &attributes, ROUTE), &peer(false, true));
                assert_eq!(verdict, if wrong == 0 { Ok(Accept) } else { withdraw(*code) }, "type {code} ^ {wrong:x}");
            }
        }
    }
}

#[test]
fn values_have_lengths() {
    // Type, flags, lengths that are right up to 40 octets, whether to discard the attribute rather than the routes.
    let cases: &[(u8, u8, &[usize], bool)] = &[
        (4, 0x80, &[4], false),
        (5, 0x40, &[4], false),
        (6, 0x40, &[0], true),
        (7, 0xc0, &[8], true),
        (8, 0xc0, &[4, 8, 12, 16, 20, 24, 28, 32, 36, 40], false),
        (9, 0x80, &[4], false),
        (10, 0x80, &[4, 8, 12, 16, 20, 24, 28, 32, 36, 40], false),
        (16, 0xc0, &[8, 16, 24, 32, 40], false),
        (25, 0xc0, &[20, 40], false),
        (32, 0xc0, &[12, 24, 36], false),
        (35, 0xc0, &[4], false),
    ];
    for (code, flags, right, discarded) in cases {
        for length in 0..=40 {
            let attribute = [&[*flags, *code, u8::try_from(length).unwrap()][..], &vec![1; length]].concat();
            let wrong = if *discarded { discard(*code) } else { withdraw(*code) };
            let expected = if right.contains(&length) { Ok(Accept) } else { wrong };
            assert_eq!(internal(&[&attribute]), expected, "type {code}, {length} octets");
        }
    }
}

#[test]
fn origin_is_one_of_three() {
    let origin = |value: &[u8]| {
        let attribute = [&[0x40, 1, u8::try_from(value.len()).unwrap()], value].concat();
        outcome(&body(&[], &[&attribute, AS_PATH, NEXT_HOP].concat(), ROUTE), &peer(true, true))
    };
    for value in 0..=255 {
        assert_eq!(origin(&[value]), if value < 3 { Ok(Accept) } else { withdraw(1) });
    }
    assert_eq!(origin(&[]), withdraw(1));
    assert_eq!(origin(&[0, 0]), withdraw(1));
}

#[test]
fn next_hop_has_four_octets() {
    for length in 0..=16 {
        let attribute = [&[0x40, 3, u8::try_from(length).unwrap()][..], &vec![1; length]].concat();
        let verdict = outcome(&body(&[], &[ORIGIN, AS_PATH, &attribute].concat(), ROUTE), &peer(true, true));
        assert_eq!(verdict, if length == 4 { Ok(Accept) } else { withdraw(3) });
    }
}

#[test]
fn a_path_that_does_not_add_up_withdraws() {
    let seven = &[0x40, 2, 7, 2, 1, 0, 0, 0xfc, 0, 0];
    let two_octets = &[0x40, 2, 4, 2, 1, 0xfc, 0];
    let path = |path: &[u8], four| outcome(&body(&[], &[ORIGIN, path, NEXT_HOP].concat(), ROUTE), &peer(true, four));
    assert_eq!(path(seven, true), withdraw(2));
    assert_eq!(path(two_octets, true), withdraw(2));
    assert_eq!(path(two_octets, false), Ok(Accept));
    assert_eq!(path(AS_PATH, false), withdraw(2));
}

#[test]
fn what_only_internal_peers_may_say_is_discarded() {
    for (code, flags) in [(5, 0x40), (9, 0x80), (10, 0x80)] {
        let right = [flags, code, 4, 0, 0, 0, 1];
        let wrong = [flags, code, 3, 0, 0, 1];
        assert_eq!(external(&[&right]), discard(code));
        assert_eq!(external(&[&wrong]), discard(code));
        assert_eq!(internal(&[&right]), Ok(Accept));
        assert_eq!(internal(&[&wrong]), withdraw(code));
    }
    let kept = body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, &[0x40, 5, 4, 0, 0, 0, 1]].concat(), ROUTE);
    assert_eq!(inspect(&kept, &peer(true, true)).unwrap().attributes.len(), 3, "discarded is gone");
}

#[test]
fn stand_ins_for_four_octets_are_for_two() {
    let path = &[0xc0, 17, 6, 2, 1, 0, 1, 0, 0];
    let aggregator = &[0xc0, 18, 8, 0, 1, 0, 0, 192, 0, 2, 1];
    let two = |attribute: &[u8]| {
        let attributes = [ORIGIN, &[0x40, 2, 4, 2, 1, 0xfc, 0], NEXT_HOP, attribute].concat();
        outcome(&body(&[], &attributes, ROUTE), &peer(true, false))
    };
    assert_eq!((two(path), two(aggregator)), (Ok(Accept), Ok(Accept)));
    assert_eq!((external(&[path]), external(&[aggregator])), (discard(17), discard(18)));
    assert_eq!(two(&[0xc0, 17, 5, 2, 1, 0, 1, 0]), discard(17));
    assert_eq!(two(&[0xc0, 17, 6, 3, 1, 0, 1, 0, 0]), discard(17), "no confederations in it (RFC 6793 §3)");
    assert_eq!(two(&[0xc0, 18, 6, 0, 1, 192, 0, 2, 1]), discard(18));
    assert_eq!(two(&[0xc0, 7, 6, 0xfc, 0, 192, 0, 2, 1]), Ok(Accept));
    assert_eq!(two(&[0xc0, 7, 6, 0, 0, 192, 0, 2, 1]), discard(7), "AS 0");
}

#[test]
fn of_duplicates_the_first_counts() {
    let first = &[0xc0, 8, 4, 0, 0, 0, 1];
    let second = &[0xc0, 8, 3, 0, 0, 2];
    assert_eq!(external(&[first, second]), Ok(Accept));
    assert_eq!(external(&[second, first]), withdraw(8));
    let bytes = body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, first, first, second].concat(), ROUTE);
    assert_eq!(inspect(&bytes, &peer(true, true)).unwrap().attributes.len(), 4);
    assert_eq!(external(&[&[0xc0, 200, 0], &[0xc0, 200, 1, 1]]), Ok(Accept), "also those nobody knows");
    assert_eq!(external(&[REACH, REACH]), reset(1, &[]));
    assert_eq!(external(&[UNREACH, UNREACH]), reset(1, &[]));
}

#[test]
fn unknown_attributes_are_optional() {
    assert_eq!(external(&[&[0x80, 200, 2, 1, 2]]), Ok(Accept));
    assert_eq!(external(&[&[0xe0, 200, 0]]), Ok(Accept));
    assert_eq!(external(&[&[0x40, 200, 2, 1, 2]]), reset(2, &[0x40, 200, 2, 1, 2]));
    assert_eq!(external(&[&[0x00, 200, 0]]), reset(2, &[0x00, 200, 0]));
}

#[test]
fn of_several_errors_the_worst_counts() {
    let discarded = &[0x40, 6, 1, 0];
    let withdrawn = &[0x80, 4, 3, 0, 0, 0];
    let fatal = &[0x40, 200, 0];
    assert_eq!(external(&[discarded, &[0xc0, 7, 0]]), discard(6), "the first of equals");
    assert_eq!(external(&[discarded, withdrawn]), withdraw(4));
    assert_eq!(external(&[withdrawn, discarded]), withdraw(4));
    assert_eq!(external(&[withdrawn, discarded, fatal]), reset(2, fatal));
    assert_eq!(external(&[withdrawn, UNREACH, UNREACH]), reset(1, &[]));
}

#[test]
fn a_withdrawal_with_wrong_attributes_resets() {
    // RFC 7606 §5.2: there is nothing to treat as withdrawn.
    let wrong = &[0x80, 4, 3, 0, 0, 0];
    assert_eq!(outcome(&body(ROUTE, wrong, &[]), &peer(true, true)), reset(5, wrong));
    assert_eq!(outcome(&body(&[], &[UNREACH, wrong].concat(), &[]), &peer(true, true)), reset(5, wrong));
    assert_eq!(outcome(&body(ROUTE, &[0x40, 6, 1, 0], &[]), &peer(true, true)), discard(6), "a discard takes nothing");
}

#[test]
fn end_of_rib_is_nothing_else() {
    let of = |bytes: &[u8]| inspect(bytes, &peer(true, true)).unwrap().end_of_rib();
    let empty = &[0x90, 15, 0, 3, 0, 2, 1];
    assert_eq!(of(&[0, 0, 0, 0]), Some(Family::Ipv4));
    assert_eq!(of(&body(&[], empty, &[])), Some(Family::Ipv6));
    assert_eq!(of(&body(&[], &[0x80, 15, 3, 0, 1, 1], &[])), Some(Family::Ipv4));
    assert_eq!(of(&body(&[], &[0x80, 15, 3, 0, 25, 70], &[])), None, "of another family");
    assert_eq!(of(&body(ROUTE, &[], &[])), None);
    assert_eq!(of(&body(ROUTE, empty, &[])), None);
    assert_eq!(of(&body(&[], UNREACH, &[])), None);
    assert_eq!(of(&body(&[], &[&empty[..], ORIGIN].concat(), &[])), None);
}
