//! What zettabgp 0.6 gets wrong, Z1 to Z20 of `docs/decisions/0080-what-zettabgp-does.md`: what Herald does with the same
//! input. Where it can be shown without harm, also that the library still errs: when such a line fails, it has been mended.

use crate::wire::{self, peer, prefix, read};
use ::zettabgp::prelude::{
    BgpAS, BgpASitem, BgpASseq, BgpAttrItem, BgpCapGR, BgpCapability, BgpExtCommunity, BgpExtCommunityList,
    BgpLargeCommunityList, BgpMPUpdates, BgpSessionParams, BgpTransportMode, BgpUpdateMessage,
};
use ::zettabgp::{BgpMessage, prelude::BgpAddr, prelude::BgpAttr};
use herald_bgp::packet::guard::{self, NextHop};
use herald_bgp::packet::update::{self, Encoding, Ipv4NextHop, Ipv6NextHop, NextHops, Treatment, announce};
use herald_bgp::packet::{self, Capability, GracefulRestart, Message, Notification, Open, frame};
use herald_bgp::{Asn, Attributes, ExtendedCommunity, Family, HoldTime, LargeCommunity, Prefix, RouterId};

const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
const AS_PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0];
const NEXT_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 1];
const ROUTE: &[u8] = &[24, 198, 51, 100];

fn library() -> BgpSessionParams {
    BgpSessionParams::new(64512, 90, BgpTransportMode::IPv4, [192, 0, 2, 1].into(), Vec::new())
}

fn encoding(asn: u32) -> Encoding {
    let ipv6 = Ipv6NextHop { global: "2001:db8::1".parse().unwrap(), link_local: None };
    Encoding {
        external: true,
        shown_asn: Asn::new(asn).unwrap(),
        four_octet_asn: true,
        next_hops: NextHops { ipv4: Some(Ipv4NextHop::Plain([192, 0, 2, 1].into())), ipv6: Some(ipv6) },
        max_length: frame::MAX_LENGTH,
    }
}

/// The attribute of this type in an announcement of one route: flags, value.
fn written(attributes: &Attributes, encoding: &Encoding, code: u8) -> Option<(u8, Vec<u8>)> {
    let mut out = Vec::new();
    announce(&mut out, Family::Ipv4, attributes, &mut [prefix("198.51.100.0/24")].into_iter().peekable(), encoding)
        .unwrap();
    let inspected = guard::inspect(&out[19..], &peer(true, encoding.four_octet_asn)).unwrap();
    let found = inspected.attributes.iter().find(|attribute| attribute.code == code);
    found.map(|attribute| (attribute.flags, attribute.value.to_vec()))
}

/// A treatment, or code and subcode of the answer.
type Verdict = Result<Treatment, (u8, u8)>;

fn received(attributes: &[&[u8]]) -> Verdict {
    let bytes = wire::message(2, &wire::update(&[], &attributes.concat(), ROUTE));
    match read(&bytes, &peer(true, true)) {
        Ok(Message::Update(update)) => Ok(update.treatment),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err((error.code, error.subcode)),
    }
}

fn withdrawn(attribute: u8) -> Verdict {
    Ok(Treatment::TreatAsWithdraw { attribute })
}

fn open(capabilities: Vec<Capability>) -> Open {
    let router_id = RouterId::new([192, 0, 2, 1].into()).unwrap();
    Open { two_octet_asn: 64512, hold_time: HoldTime::DEFAULT, router_id, capabilities }
}

#[test]
fn z01_a_path_is_a_sequence() {
    let attributes = Attributes { prepend: 1, ..Attributes::default() };
    let path = written(&attributes, &encoding(64512), 2).unwrap().1;
    assert_eq!(path, [2, 2, 0, 0, 0xfc, 0, 0, 0, 0xfc, 0], "a sequence, every number in it");
    let mut theirs = [0; 16];
    let sequence = BgpASitem::Seq(BgpASseq { value: vec![BgpAS::new(64512), BgpAS::new(65001)] });
    sequence.encode_to(&library(), &mut theirs).unwrap();
    assert_eq!(theirs[0], 1, "the library writes a set");
}

#[test]
fn z02_a_path_of_seven_octets_comes_to_an_end() {
    let path = &[0x40, 2, 7, 2, 1, 0, 0, 0xfc, 0, 0];
    assert_eq!(received(&[ORIGIN, path, NEXT_HOP]), withdrawn(2));
}

#[test]
fn z03_short_values_are_no_panic() {
    let rest = [ORIGIN, AS_PATH, NEXT_HOP].concat();
    let cases: &[(&[u8], Verdict)] = &[
        (&[0x40], withdrawn(0)),                        // an attribute of one octet
        (&[0x80, 14, 0], Err((3, 9))),                  // MP_REACH_NLRI without anything
        (&[0x80, 14, 5, 0, 2, 1, 200, 0], Err((3, 9))), // next hop past the end
        (&[0x80, 15, 2, 0, 2], Err((3, 9))),            // MP_UNREACH_NLRI of two octets
        (&[0xc0, 8, 5, 0, 0, 0, 1, 0], withdrawn(8)),   // COMMUNITIES of five
        (&[0xc0, 32, 13, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0], withdrawn(32)), // LARGE_COMMUNITY of thirteen
    ];
    for (attribute, expected) in cases {
        assert_eq!(received(&[&rest, attribute]), *expected, "{attribute:?}");
    }
    assert_eq!(received(&[ORIGIN, &[0x40, 2, 2, 2, 1], NEXT_HOP]), withdrawn(2), "AS_PATH [2, 1]");
}

#[test]
fn z04_headers_have_possible_lengths() {
    for length in [5_u16, 18, 4097, 65535] {
        let header = [&[0xff; 16][..], &length.to_be_bytes(), &[2]].concat();
        assert_eq!(frame::split(&header, frame::MAX_LENGTH), Err(Notification::bad_message_length(length)));
    }
}

#[test]
fn z05_two_thousand_routes_take_several_messages() {
    let mut routes =
        (0..2000_u32).map(|host| Prefix::host(std::net::IpAddr::V4((0x0a00_0000 | host).into()))).peekable();
    let mut messages = Vec::new();
    while routes.peek().is_some() {
        let mut out = Vec::new();
        announce(&mut out, Family::Ipv4, &Attributes::default(), &mut routes, &encoding(64512)).unwrap();
        messages.push(out.len());
    }
    assert_eq!(messages.len(), 3);
    assert!(messages.into_iter().all(|length| length <= 4096));
}

#[test]
fn z06_as_numbers_are_themselves() {
    assert_ne!(Asn::new(65536), Asn::new(1));
    assert_eq!(Asn::new(131_072).unwrap().to_string(), "131072");
    assert_eq!(BgpAS::new(65536), BgpAS::new(1), "the library takes them for equal");
    assert_eq!(BgpAS::new(131_072).to_string(), "2", "and shows another");
}

#[test]
fn z07_large_as_numbers_have_a_stand_in() {
    let encoding = Encoding { four_octet_asn: false, ..encoding(4_200_000_000) };
    assert_eq!(written(&Attributes::default(), &encoding, 2).unwrap().1, [2, 1, 0x5b, 0xa0]);
    assert_eq!(written(&Attributes::default(), &encoding, 17).unwrap(), (0xc0, vec![2, 1, 0xfa, 0x56, 0xea, 0]));
    let mut theirs = [0; 8];
    let session = BgpSessionParams { has_as32bit: false, ..library() };
    BgpASitem::Seq(BgpASseq { value: vec![BgpAS::new(4_200_000_000)] }).encode_to(&session, &mut theirs).unwrap();
    assert_eq!(theirs[2..4], 59904_u16.to_be_bytes(), "the library cuts it");
}

#[test]
fn z08_host_names_may_have_domains() {
    let names = open(vec![Capability::HostName { host: "node-1".to_owned(), domain: "example.net".to_owned() }]);
    assert_eq!(read(&packet::open(&names), &peer(true, true)), Ok(Message::Open(names)));
    let theirs = BgpCapability::from_buffer(&[73, 4, 1, b'h', 1, b'd']);
    assert!(theirs.is_err(), "the library refuses the whole OPEN");
}

#[test]
fn z09_long_parameters_are_read() {
    let long = open(vec![Capability::Unknown { code: 200, value: vec![7; 254] }, Capability::RouteRefresh]);
    let bytes = packet::open(&long);
    assert_eq!(bytes[28..30], [255, 255], "RFC 9072");
    assert_eq!(read(&bytes, &peer(true, true)), Ok(Message::Open(long)));
}

#[test]
fn z10_the_length_of_parameters_counts() {
    let mut bytes = packet::open(&open(vec![Capability::RouteRefresh]));
    for length in [0, 1, 3, 5, 254] {
        bytes[28] = length;
        assert_eq!(read(&bytes, &peer(true, true)), Err(Notification::malformed_open()), "{length}");
    }
    let many = open(vec![Capability::Multiprotocol { afi: 1, safi: 1 }; 60]);
    assert_eq!(read(&packet::open(&many), &peer(true, true)), Ok(Message::Open(many)), "360 octets of capabilities");
}

#[test]
fn z11_notifications_keep_their_data() {
    for data in [&[][..], &[1], &[1, 2, 3], b"\x0bmaintenance"] {
        let sent = Notification { code: 6, subcode: 2, data: data.to_vec() };
        let bytes = packet::notification(&sent);
        assert_eq!(bytes.len(), 21 + data.len());
        assert_eq!(read(&bytes, &peer(true, true)), Ok(Message::Notification(sent)));
    }
}

#[test]
fn z12_an_ipv6_next_hop_of_an_ipv4_route_is_one() {
    let global: std::net::Ipv6Addr = "2001:db8::1".parse().unwrap();
    let value = [&[0, 1, 1, 16][..], &global.octets(), &[0], ROUTE].concat();
    let attributes = [&[0x80, 14, u8::try_from(value.len()).unwrap()], &value[..], ORIGIN, AS_PATH].concat();
    let body = wire::update(&[], &attributes, &[]);
    let reach = guard::inspect(&body, &peer(true, true)).unwrap().reach.unwrap();
    assert_eq!(reach.next_hop, NextHop::Ipv6(global, None));
    let theirs = BgpMPUpdates::decode_from(&library(), &value).unwrap();
    assert_eq!(theirs.nexthop, BgpAddr::V4([0x20, 1, 0xd, 0xb8].into()), "the library reads the first four octets");
}

#[test]
fn z13_there_may_be_more_than_31_extended_communities() {
    let attributes = Attributes {
        extended_communities: (0..40).map(|value| ExtendedCommunity([0, 2, 0xfc, 0, 0, 0, 0, value])).collect(),
        ..Attributes::default()
    };
    let (flags, value) = written(&attributes, &encoding(64512), 16).unwrap();
    assert_eq!((flags, value.len()), (0xd0, 320), "extended length");
    let theirs = BgpExtCommunityList { value: (0..40).map(|value| BgpExtCommunity::new(0, 2, 64512, value)).collect() };
    assert!(BgpAttrItem::ExtCommunityList(theirs).encode_to(&library(), &mut [0; 400]).is_err());
}

#[test]
fn z14_large_communities_are_not_partial() {
    let attributes = Attributes {
        large_communities: [LargeCommunity { global: 64512, local1: 1, local2: 2 }].into(),
        ..Attributes::default()
    };
    assert_eq!(written(&attributes, &encoding(64512), 32).unwrap().0, 0xc0);
    assert_ne!(BgpLargeCommunityList::new().attr().flags & 0x20, 0, "the library says that somebody did not know them");
}

#[test]
fn z15_ipv4_routes_are_ipv4_routes_over_any_transport() {
    // Nothing here knows what the session runs over; only the next hop does.
    let mut encoding = encoding(64512);
    encoding.next_hops.ipv4 = encoding.next_hops.ipv6.map(Ipv4NextHop::Extended);
    let mut out = Vec::new();
    let mut routes = [prefix("198.51.100.0/24"), prefix("0.0.0.0/0")].into_iter().peekable();
    assert_eq!(announce(&mut out, Family::Ipv4, &Attributes::default(), &mut routes, &encoding), Ok(2));
    let Ok(Message::Update(update)) = read(&out, &peer(true, true)) else { panic!("no UPDATE") };
    assert_eq!(update.announced, [prefix("198.51.100.0/24"), prefix("0.0.0.0/0")]);
}

#[test]
fn z16_a_default_route_is_no_path_identifier() {
    // Withdrawn: 0.0.0.0/0, 0.0.0.0/0, 192.0.0.0/8, 10.0.0.0/8.
    let body = wire::update(&[0, 0, 8, 192, 8, 10], &[], &[]);
    let Ok(Message::Update(update)) = read(&wire::message(2, &body), &peer(true, true)) else { panic!("no UPDATE") };
    assert_eq!(update.withdrawn, ["0.0.0.0/0", "0.0.0.0/0", "192.0.0.0/8", "10.0.0.0/8"].map(prefix));
    let mut theirs = BgpUpdateMessage::new();
    let understood = theirs.decode_from(&library(), &body).is_ok();
    assert!(!understood || format!("{:?}", theirs.withdraws).contains("pathid"), "{:?}", theirs.withdraws);
}

#[test]
fn z17_graceful_restart_is_told_whatever_ours_is() {
    let restart = |restart_time| {
        let families = vec![(1, 1, true)];
        Capability::GracefulRestart(GracefulRestart { restarting: false, notification: true, restart_time, families })
    };
    for seconds in [0, 120, 4095] {
        let told = open(vec![restart(seconds)]);
        assert_eq!(read(&packet::open(&told), &peer(true, true)), Ok(Message::Open(told)));
    }
    let theirs = |restart_time| BgpCapability::CapGR {
        restart_time,
        restart_state: false,
        afis: vec![BgpCapGR { afi: 1, safi: 1, forwarding_state: true }],
    };
    let mut session = BgpSessionParams { caps: vec![theirs(30)], ..library() };
    session.match_caps(&[theirs(120)]);
    assert_eq!(session.caps, [], "the library drops it unless both are equal");
}

#[test]
fn z18_wrong_attributes_have_classes() {
    let rest = [ORIGIN, AS_PATH, NEXT_HOP].concat();
    let reach = &[0x80, 14, 21, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    assert_eq!(received(&[&rest, reach, reach]), Err((3, 1)), "twice");
    assert_eq!(received(&[&rest, ORIGIN]), Ok(Treatment::Accept), "twice, and of no weight");
    assert_eq!(received(&[&[0xc0, 1, 1, 0], AS_PATH, NEXT_HOP]), withdrawn(1), "flags");
    assert_eq!(received(&[&[0x40, 1, 2, 0, 0], AS_PATH, NEXT_HOP]), withdrawn(1), "one octet too many");
    assert_eq!(received(&[&rest, &[0xc0, 16, 9, 0, 2, 0, 0, 0, 0, 0, 0, 0]]), withdrawn(16), "one octet too many");
}

#[test]
fn z19_no_aggregator_is_ever_sent() {
    let attributes = Attributes { med: Some(1), local_pref: Some(1), prepend: 3, ..Attributes::default() };
    for external in [true, false] {
        for four_octet_asn in [true, false] {
            let encoding = Encoding { external, four_octet_asn, ..encoding(4_200_000_000) };
            assert_eq!(written(&attributes, &encoding, 7), None);
            assert_eq!(written(&attributes, &encoding, 18), None);
        }
    }
    let mut out = Vec::new();
    update::end_of_rib(&mut out, Family::Ipv6);
    assert_eq!(out.len(), 29);
}

/// Found by `what_the_guard_accepts_is_harmless_to_zettabgp`.
#[test]
fn z20_the_reserved_octet_of_multiprotocol_routes_counts_nothing() {
    let value = [&[0, 2, 1, 16][..], &[0x20; 16], &[9], &[8, 0x20]].concat();
    let attributes = [&[0x80, 14, u8::try_from(value.len()).unwrap()], &value[..], ORIGIN, AS_PATH].concat();
    let body = wire::update(&[], &attributes, &[]);
    let inspected = guard::inspect(&body, &peer(true, true)).unwrap();
    assert_eq!(inspected.reach.unwrap().prefixes, [8, 0x20]);
    assert!(inspected.checked().all(|attribute| attribute.code != 14), "the library reads nine SNPAs, and panics");
}
