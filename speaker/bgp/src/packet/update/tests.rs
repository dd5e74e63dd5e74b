use std::collections::BTreeSet;
use std::iter::Peekable;
use std::net::{IpAddr, Ipv6Addr};

use super::*;
use crate::attributes::Attributes;
use crate::packet::{Message, decode, frame};
use crate::value::{Asn, Community, ExtendedCommunity, LargeCommunity};

const GLOBAL: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix::new(address.parse().unwrap(), length.parse().unwrap()).unwrap()
}

fn encoding(external: bool) -> Encoding {
    Encoding {
        external,
        shown_asn: Asn::new(64512).unwrap(),
        four_octet_asn: true,
        next_hops: NextHops {
            ipv4: Some(Ipv4NextHop::Plain([192, 0, 2, 1].into())),
            ipv6: Some(Ipv6NextHop { global: GLOBAL, link_local: None }),
        },
        max_length: frame::MAX_LENGTH,
    }
}

fn one(family: Family, attributes: &Attributes, route: &str, encoding: &Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    let count = announce(&mut out, family, attributes, &mut [prefix(route)].into_iter().peekable(), encoding);
    assert_eq!(count, Ok(1));
    let message = frame::split(&out, frame::MAX_EXTENDED_LENGTH).unwrap().unwrap();
    assert_eq!(message.1, out.len(), "one message");
    out[19..].to_vec()
}

/// The message as an internal or external peer reads it.
fn read(message: &[u8], external: bool) -> ReceivedUpdate {
    let (frame, _) = frame::split(message, frame::MAX_EXTENDED_LENGTH).unwrap().unwrap();
    let decoding = Decoding { external, four_octet_asn: true, enhanced_refresh: false, families: Family::ALL.into() };
    match decode(frame, &decoding) {
        Ok(Message::Update(update)) => update,
        other => panic!("{other:?}"),
    }
}

fn hosts(count: u32) -> Peekable<impl Iterator<Item = Prefix>> {
    (0..count).map(|host| Prefix::host(IpAddr::V4((0x0a00_0000 | host).into()))).peekable()
}

#[test]
fn an_external_peer_sees_our_number() {
    let body = one(Family::Ipv4, &Attributes::default(), "198.51.100.0/24", &encoding(true));
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0, 0x40, 3, 4, 192, 0, 2, 1];
    assert_eq!(body, [&[0, 0, 0, 20][..], &attributes, &[24, 198, 51, 100]].concat());
}

#[test]
fn an_internal_peer_sees_an_empty_path_and_a_preference() {
    let body = one(Family::Ipv4, &Attributes::default(), "198.51.100.7/32", &encoding(false));
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1, 0x40, 5, 4, 0, 0, 0, 100];
    assert_eq!(body, [&[0, 0, 0, 21][..], &attributes, &[32, 198, 51, 100, 7]].concat());
    let attributes = Attributes { local_pref: Some(0), prepend: 9, ..Attributes::default() };
    let body = one(Family::Ipv4, &attributes, "0.0.0.0/0", &encoding(false));
    assert_eq!(
        body[11..],
        [0x40, 3, 4, 192, 0, 2, 1, 0x40, 5, 4, 0, 0, 0, 0, 0],
        "0 is a preference; nothing to prepend to"
    );
}

#[test]
fn ipv6_routes_come_first() {
    let body = one(Family::Ipv6, &Attributes::default(), "2001:db8::/32", &encoding(true));
    let reach = [&[0x90, 14, 0, 26, 0, 2, 1, 16][..], &GLOBAL.octets(), &[0, 32, 0x20, 1, 0xd, 0xb8]].concat();
    let rest = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0];
    assert_eq!(body, [&[0, 0, 0, 43][..], &reach, &rest].concat());
    let mut encoding = encoding(true);
    encoding.next_hops.ipv6 = Some(Ipv6NextHop { global: GLOBAL, link_local: Some(LINK_LOCAL) });
    let body = one(Family::Ipv6, &Attributes::default(), "2001:db8::/32", &encoding);
    let reach = [&[0x90, 14, 0, 42, 0, 2, 1, 32][..], &GLOBAL.octets(), &LINK_LOCAL.octets()].concat();
    assert_eq!(body[4..44], reach);
}

#[test]
fn ipv4_routes_may_have_ipv6_next_hops() {
    let mut encoding = encoding(true);
    encoding.next_hops.ipv4 = Some(Ipv4NextHop::Extended(Ipv6NextHop { global: GLOBAL, link_local: None }));
    let body = one(Family::Ipv4, &Attributes::default(), "198.51.100.0/24", &encoding);
    let reach = [&[0x90, 14, 0, 25, 0, 1, 1, 16][..], &GLOBAL.octets(), &[0, 24, 198, 51, 100]].concat();
    let rest = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0];
    assert_eq!(body, [&[0, 0, 0, 42][..], &reach, &rest].concat(), "and no NEXT_HOP");
}

#[test]
fn attributes_stand_in_the_order_of_their_types() {
    let attributes = Attributes {
        local_pref: Some(200),
        med: Some(50),
        prepend: 2,
        communities: [Community::new(64512, 2), Community::new(64512, 1)].into(),
        large_communities: [LargeCommunity { global: 64512, local1: 1, local2: 2 }].into(),
        extended_communities: [ExtendedCommunity([0, 2, 0xfc, 0, 0, 0, 0, 7])].into(),
    };
    let body = one(Family::Ipv4, &attributes, "0.0.0.0/0", &encoding(true));
    let expected = [
        &[0x40, 1, 1, 0][..],
        &[0x40, 2, 14, 2, 3, 0, 0, 0xfc, 0, 0, 0, 0xfc, 0, 0, 0, 0xfc, 0],
        &[0x40, 3, 4, 192, 0, 2, 1],
        &[0x80, 4, 4, 0, 0, 0, 50],
        &[0xc0, 8, 8, 0xfc, 0, 0, 1, 0xfc, 0, 0, 2],
        &[0xc0, 16, 8, 0, 2, 0xfc, 0, 0, 0, 0, 7],
        &[0xc0, 32, 12, 0, 0, 0xfc, 0, 0, 0, 0, 1, 0, 0, 0, 2],
    ];
    assert_eq!(body[4..body.len() - 1], expected.concat());
}

#[test]
fn a_path_has_segments_of_255() {
    let attributes = Attributes { prepend: 255, ..Attributes::default() };
    let body = one(Family::Ipv4, &attributes, "0.0.0.0/0", &encoding(true));
    assert_eq!(body[8..14], [0x50, 2, 4, 4, 2, 255], "extended length: 1028 octets");
    let second = 8 + 4 + 2 + 255 * 4;
    assert_eq!(body[second..second + 6], [2, 1, 0, 0, 0xfc, 0]);
}

#[test]
fn a_peer_without_four_octets_gets_both_paths() {
    let mut encoding = Encoding { four_octet_asn: false, ..encoding(true) };
    let attributes = Attributes { prepend: 1, ..Attributes::default() };
    let body = one(Family::Ipv4, &attributes, "0.0.0.0/0", &encoding);
    assert_eq!(body[8..17], [0x40, 2, 6, 2, 2, 0xfc, 0, 0xfc, 0], "enough for a small number");
    assert_eq!(body.len(), 25);
    for (asn, octets) in [(65535, 25), (65536, 25 + 13)] {
        encoding.shown_asn = Asn::new(asn).unwrap();
        assert_eq!(one(Family::Ipv4, &attributes, "0.0.0.0/0", &encoding).len(), octets, "{asn}");
    }
    encoding.shown_asn = Asn::new(4_200_000_000).unwrap();
    let body = one(Family::Ipv4, &attributes, "0.0.0.0/0", &encoding);
    assert_eq!(body[8..17], [0x40, 2, 6, 2, 2, 0x5b, 0xa0, 0x5b, 0xa0], "AS_TRANS");
    let path = [0xc0, 17, 10, 2, 2, 0xfa, 0x56, 0xea, 0, 0xfa, 0x56, 0xea, 0, 0];
    assert_eq!(body[24..], path, "AS4_PATH, prefix");
    encoding.external = false;
    let body = one(Family::Ipv4, &attributes, "0.0.0.0/0", &encoding);
    assert_eq!(body[8..11], [0x40, 2, 0], "within the AS there is no path");
    assert_eq!(body.len(), 4 + 4 + 3 + 7 + 7 + 1);
}

#[test]
fn many_prefixes_share_messages() {
    let mut prefixes = hosts(10_000);
    let (mut told, mut messages) = (Vec::new(), 0);
    while prefixes.peek().is_some() {
        let mut out = Vec::new();
        let count = announce(&mut out, Family::Ipv4, &Attributes::default(), &mut prefixes, &encoding(true)).unwrap();
        assert!(count > 0 && out.len() <= 4096);
        // One more would not have fitted, but at the end.
        assert!(out.len() + 5 > 4096 || prefixes.peek().is_none());
        let update = read(&out, true);
        assert_eq!((update.announced.len(), update.treatment), (count, Treatment::Accept));
        told.extend(update.announced);
        messages += 1;
    }
    assert!(told.into_iter().eq(hosts(10_000)), "each once, in order");
    assert_eq!(messages, 10_000_usize.div_ceil((4096 - 23 - 20) / 5));
}

#[test]
fn a_message_may_be_full() {
    let mut routes = ["0.0.0.0/0"]
        .into_iter()
        .chain([["10.0.0.0/8"; 2]; 1014].as_flattened().iter().copied())
        .map(prefix)
        .peekable();
    let mut out = Vec::new();
    let count = announce(&mut out, Family::Ipv4, &Attributes::default(), &mut routes, &encoding(true));
    assert_eq!((count, out.len(), routes.count()), (Ok(2027), 4096, 2));
}

#[test]
fn the_longest_message_is_as_long_as_can_be() {
    for (max_length, limit) in [(0, 4096), (4096, 4096), (65535, 65535), (usize::MAX, 65535)] {
        let encoding = Encoding { max_length, ..encoding(true) };
        let mut out = Vec::new();
        announce(&mut out, Family::Ipv4, &Attributes::default(), &mut hosts(100_000), &encoding).unwrap();
        assert!(out.len() <= limit && out.len() + 5 > limit);
        let mut out = Vec::new();
        withdraw(&mut out, Family::Ipv4, &mut hosts(100_000), max_length);
        assert!(out.len() <= limit && out.len() + 5 > limit);
    }
}

#[test]
fn what_cannot_be_announced_says_why() {
    let mut out = vec![7];
    let mut route = [prefix("2001:db8::/32")].into_iter().peekable();
    let mut encoding = encoding(true);
    let mut refused = |family, attributes: &Attributes, encoding: &Encoding| {
        announce(&mut out, family, attributes, &mut route, encoding).unwrap_err().to_string()
    };
    assert_eq!(refused(Family::Ipv4, &Attributes::default(), &encoding), "2001:db8::/32 is no IPv4 prefix");
    let large = |count: u32| Attributes {
        large_communities: (0..count).map(|local1| LargeCommunity { global: 1, local1, local2: 0 }).collect(),
        ..Attributes::default()
    };
    assert_eq!(
        refused(Family::Ipv6, &large(400), &encoding),
        "the attributes take 4817 octets, but a message to this peer holds 4031 beside a prefix: \
         fewer communities are needed (0 standard, 400 large, 0 extended)"
    );
    encoding.next_hops.ipv6 = None;
    assert_eq!(refused(Family::Ipv6, &Attributes::default(), &encoding), "there is no next hop for IPv6 routes");
    assert_eq!(out, [7], "nothing was written");
    assert_eq!(route.count(), 1, "nothing was taken");
    // 4031 octets: 334 communities and the rest.
    encoding.next_hops.ipv6 = Some(Ipv6NextHop { global: GLOBAL, link_local: None });
    let mut most = [prefix("2001:db8::1/128")].into_iter().peekable();
    assert_eq!(announce(&mut Vec::new(), Family::Ipv6, &large(334), &mut most, &encoding), Ok(1));
}

#[test]
fn withdrawals_stand_where_they_are_looked_for() {
    let mut out = Vec::new();
    let mut routes = ["198.51.100.0/24", "203.0.113.7/32", "2001:db8::/32"].map(prefix).into_iter().peekable();
    assert_eq!(withdraw(&mut out, Family::Ipv4, &mut routes, 4096), 2);
    assert_eq!(out[19..], [0, 9, 24, 198, 51, 100, 32, 203, 0, 113, 7, 0, 0]);
    out.clear();
    assert_eq!(withdraw(&mut out, Family::Ipv4, &mut routes, 4096), 0);
    assert_eq!(out, [], "none, no message");
    assert_eq!(withdraw(&mut out, Family::Ipv6, &mut routes, 4096), 1);
    assert_eq!(out[19..], [0, 0, 0, 12, 0x90, 15, 0, 8, 0, 2, 1, 32, 0x20, 1, 0xd, 0xb8]);
}

#[test]
fn the_end_is_told_by_family() {
    let end = |family| {
        let mut out = Vec::new();
        end_of_rib(&mut out, family);
        assert_eq!(read(&out, true), ReceivedUpdate { end_of_rib: Some(family), ..ReceivedUpdate::default() });
        out[19..].to_vec()
    };
    assert_eq!(end(Family::Ipv4), [0, 0, 0, 0]);
    assert_eq!(end(Family::Ipv6), [0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1]);
}

#[test]
fn routes_of_other_families_do_not_count() {
    let mut out = Vec::new();
    end_of_rib(&mut out, Family::Ipv6);
    announce(&mut out, Family::Ipv4, &Attributes::default(), &mut hosts(3), &encoding(true)).unwrap();
    let only = |family| Decoding { families: BTreeSet::from([family]), four_octet_asn: true, ..Decoding::default() };
    let (end, consumed) = frame::split(&out, 4096).unwrap().unwrap();
    let (routes, _) = frame::split(&out[consumed..], 4096).unwrap().unwrap();
    let nothing = Ok(Message::Update(ReceivedUpdate::default()));
    assert_eq!(decode(end, &only(Family::Ipv4)), nothing);
    assert_eq!(decode(routes, &only(Family::Ipv6)), nothing);
    assert_ne!(decode(routes, &only(Family::Ipv4)), nothing);
}

#[test]
fn treated_as_withdrawn_they_are_withdrawn() {
    let mut out = Vec::new();
    announce(&mut out, Family::Ipv4, &Attributes::default(), &mut hosts(2), &encoding(true)).unwrap();
    out[19 + 7] = 3; // ORIGIN
    let update = read(&out, true);
    assert_eq!(update.announced, []);
    assert!(update.withdrawn.into_iter().eq(hosts(2)));
    assert_eq!(update.treatment, Treatment::TreatAsWithdraw { attribute: 1 });
    assert_eq!(update.treatment.to_string(), "treated as withdrawn: wrong ORIGIN");
}
