//! What we write is what is read.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use herald_bgp::packet::guard::{self, NextHop, code};
use herald_bgp::packet::update::{
    EncodeError, Encoding, Ipv4NextHop, Ipv6NextHop, NextHops, ReceivedUpdate, announce, withdraw,
};
use herald_bgp::packet::{
    Capability, Decoding, GracefulRestart, Message, Notification, Open, RefreshKind, RouteRefresh, frame, notification,
    open, route_refresh,
};
use herald_bgp::{Asn, Attributes, Community, ExtendedCommunity, Family, HoldTime, LargeCommunity, Prefix, RouterId};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::wire::{peer, read};

fn asns() -> impl Strategy<Value = Asn> {
    prop_oneof![1..=65535_u32, any::<u32>()].prop_filter_map("0 is nobody", Asn::new)
}

fn families() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)]
}

fn capabilities() -> impl Strategy<Value = Capability> {
    let restart = (any::<(bool, bool)>(), 0..4096_u16, vec(any::<(u16, u8, bool)>(), 0..10));
    prop_oneof![
        any::<(u16, u8)>().prop_map(|(afi, safi)| Capability::Multiprotocol { afi, safi }),
        Just(Capability::RouteRefresh),
        vec(any::<(u16, u16, u16)>(), 0..10).prop_map(Capability::ExtendedNextHop),
        Just(Capability::ExtendedMessage),
        restart.prop_map(|((restarting, notification), restart_time, families)| {
            Capability::GracefulRestart(GracefulRestart { restarting, notification, restart_time, families })
        }),
        asns().prop_map(Capability::FourOctetAsn),
        Just(Capability::EnhancedRouteRefresh),
        ("[a-zä]{0,20}", "[a-zä]{0,20}").prop_map(|(host, domain)| Capability::HostName { host, domain }),
        (128..=255_u8, vec(any::<u8>(), 0..40)).prop_map(|(code, value)| Capability::Unknown { code, value }),
    ]
}

fn opens() -> impl Strategy<Value = Open> {
    let hold_time = any::<u16>().prop_filter_map("1 s and 2 s", |seconds| HoldTime::from_seconds(seconds).ok());
    let router_id = any::<u32>().prop_filter_map("0", |id| RouterId::new(Ipv4Addr::from_bits(id)));
    (1..=u16::MAX, hold_time, router_id, vec(capabilities(), 0..30)).prop_map(
        |(two_octet_asn, hold_time, router_id, capabilities)| Open {
            two_octet_asn,
            hold_time,
            router_id,
            capabilities,
        },
    )
}

fn prefixes(family: Family) -> impl Strategy<Value = Prefix> {
    (any::<u128>(), 0..=family.bits()).prop_map(move |(bits, length)| {
        let address = match family {
            Family::Ipv4 => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
            Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        };
        Prefix::new(address, length).unwrap()
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let numbers = (option::of(any::<u32>()), option::of(any::<u32>()), any::<u8>());
    let large = any::<(u32, u32, u32)>().prop_map(|(global, local1, local2)| LargeCommunity { global, local1, local2 });
    let extended = btree_set(any::<[u8; 8]>().prop_map(ExtendedCommunity), 0..40);
    (numbers, btree_set(any::<u32>().prop_map(Community), 0..80), btree_set(large, 0..30), extended).prop_map(
        |((local_pref, med, prepend), communities, large_communities, extended_communities)| Attributes {
            local_pref,
            med,
            prepend,
            communities,
            large_communities,
            extended_communities,
        },
    )
}

fn next_hops() -> impl Strategy<Value = NextHops> {
    let ipv6 = (any::<u128>(), option::of(any::<u128>())).prop_map(|(global, link_local)| Ipv6NextHop {
        global: Ipv6Addr::from_bits(global),
        link_local: link_local.map(Ipv6Addr::from_bits),
    });
    (any::<Option<u32>>(), ipv6).prop_map(|(ipv4, ipv6)| NextHops {
        ipv4: Some(ipv4.map_or(Ipv4NextHop::Extended(ipv6), |bits| Ipv4NextHop::Plain(Ipv4Addr::from_bits(bits)))),
        ipv6: Some(ipv6),
    })
}

fn encodings() -> impl Strategy<Value = Encoding> {
    (any::<(bool, bool, bool)>(), asns(), next_hops()).prop_map(
        |((external, four_octet_asn, extended), shown_asn, next_hops)| Encoding {
            external,
            shown_asn,
            four_octet_asn,
            next_hops,
            max_length: if extended { frame::MAX_EXTENDED_LENGTH } else { frame::MAX_LENGTH },
        },
    )
}

/// The numbers of a path of sequences.
fn path(value: &[u8], octets: usize) -> Vec<u32> {
    let (mut value, mut numbers) = (value, Vec::new());
    while let [2, count, rest @ ..] = value {
        let (segment, rest) = rest.split_at(usize::from(*count) * octets);
        let number = |chunk: &[u8]| chunk.iter().fold(0, |number, octet| number << 8 | u32::from(*octet));
        numbers.extend(segment.chunks_exact(octets).map(number));
        value = rest;
    }
    assert_eq!(value, [], "only sequences");
    numbers
}

/// Every attribute of one of our messages says what it was to say.
fn check_attributes(body: &[u8], family: Family, attributes: &Attributes, encoding: &Encoding) {
    let decoding =
        Decoding { external: encoding.external, four_octet_asn: encoding.four_octet_asn, ..peer(true, true) };
    let inspected = guard::inspect(body, &decoding).unwrap();
    let value =
        |code: u8| inspected.attributes.iter().find(|attribute| attribute.code == code).map(|found| found.value);
    let number = |code: u8| value(code).map(|value| u32::from_be_bytes(value.try_into().unwrap()));
    let list = |code: u8, octets: usize| {
        let value = value(code).unwrap_or_default();
        value.chunks(octets).map(<[u8]>::to_vec).collect::<BTreeSet<_>>()
    };
    let mut codes = inspected.attributes.iter().map(|attribute| attribute.code).collect::<Vec<_>>();
    if codes.first() == Some(&code::MP_REACH_NLRI) {
        codes.remove(0);
    }
    assert!(codes.is_sorted(), "{codes:?}");

    let count = if encoding.external { usize::from(attributes.prepend) + 1 } else { 0 };
    let asn = encoding.shown_asn.get();
    let shown = if encoding.four_octet_asn || asn < 65536 { asn } else { 23456 };
    let octets = if encoding.four_octet_asn { 4 } else { 2 };
    assert_eq!(path(value(code::AS_PATH).unwrap(), octets), vec![shown; count]);
    let four = (shown != asn && encoding.external).then(|| vec![asn; count]);
    assert_eq!(value(code::AS4_PATH).map(|value| path(value, 4)), four);
    assert_eq!(number(code::MULTI_EXIT_DISC), attributes.med);
    let local_pref = attributes.local_pref.unwrap_or(100);
    assert_eq!(number(code::LOCAL_PREF), (!encoding.external).then_some(local_pref));
    let communities = attributes.communities.iter().map(|community| community.0.to_be_bytes().to_vec());
    assert_eq!(list(code::COMMUNITIES, 4), communities.collect());
    let extended = attributes.extended_communities.iter().map(|community| community.0.to_vec());
    assert_eq!(list(code::EXTENDED_COMMUNITIES, 8), extended.collect());
    let large = attributes
        .large_communities
        .iter()
        .map(|community| [community.global, community.local1, community.local2].map(u32::to_be_bytes).concat());
    assert_eq!(list(code::LARGE_COMMUNITY, 12), large.collect());

    let plain =
        value(code::NEXT_HOP).map(|value| Ipv4NextHop::Plain(Ipv4Addr::from(<[u8; 4]>::try_from(value).unwrap())));
    let reach = inspected.reach.map(|reach| match reach.next_hop {
        NextHop::Ipv6(global, link_local) => Ipv6NextHop { global, link_local },
        NextHop::Ipv4(address) => panic!("{address}"),
    });
    match family {
        Family::Ipv4 => assert_eq!(plain.or(reach.map(Ipv4NextHop::Extended)), encoding.next_hops.ipv4),
        Family::Ipv6 => assert_eq!((plain, reach), (None, encoding.next_hops.ipv6)),
    }
}

proptest! {
    #[test]
    fn an_open_is_read_as_it_was_written(written in opens()) {
        let bytes = open(&written);
        prop_assert!(bytes.len() <= frame::MAX_LENGTH);
        prop_assert_eq!(read(&bytes, &Decoding::default()), Ok(Message::Open(written)));
    }

    #[test]
    fn a_notification_is_read_as_it_was_written(code: u8, subcode: u8, data in vec(any::<u8>(), 0..4075)) {
        let written = Notification { code, subcode, data };
        prop_assert!(!written.to_string().is_empty());
        prop_assert_eq!(read(&notification(&written), &Decoding::default()), Ok(Message::Notification(written)));
    }

    #[test]
    fn a_shutdown_text_is_read_as_it_was_written(text in "\\PC{0,100}") {
        let written = Notification::administrative_shutdown(Some(&text));
        let read = written.shutdown_text().unwrap_or_default();
        prop_assert!(text.starts_with(&read) && (read.len() > 251 || read == text));
        prop_assert_eq!(written.hard_reset().shutdown_text().unwrap_or_default(), read);
    }

    #[test]
    fn a_refresh_is_read_as_it_was_written(family in families(), kind in 0..3_usize) {
        let kind = [RefreshKind::Request, RefreshKind::Begin, RefreshKind::End][kind];
        let written = RouteRefresh { family, kind };
        prop_assert_eq!(read(&route_refresh(&written), &peer(true, true)), Ok(Message::RouteRefresh(written)));
    }

    #[test]
    fn announcements_are_read_as_they_were_written(
        (family, routes) in families().prop_flat_map(|family| (Just(family), vec(prefixes(family), 1..2000))),
        attributes in attributes(),
        encoding in encodings(),
    ) {
        let decoding = Decoding {
            external: encoding.external,
            four_octet_asn: encoding.four_octet_asn,
            ..peer(true, true)
        };
        let (mut told, mut left) = (Vec::new(), routes.iter().copied().peekable());
        while left.peek().is_some() {
            let mut out = Vec::new();
            let count = announce(&mut out, family, &attributes, &mut left, &encoding);
            prop_assert!(matches!(count, Ok(1..)), "{count:?}");
            prop_assert!(out.len() <= encoding.max_length);
            check_attributes(&out[19..], family, &attributes, &encoding);
            let Ok(Message::Update(update)) = read(&out, &decoding) else { panic!("{out:?}") };
            prop_assert_eq!((update.withdrawn, update.end_of_rib), (vec![], None));
            told.extend(update.announced);
        }
        prop_assert_eq!(told, routes);
    }

    #[test]
    fn withdrawals_are_read_as_they_were_written(
        (family, routes) in families().prop_flat_map(|family| (Just(family), vec(prefixes(family), 1..2000))),
        max_length in prop_oneof![Just(frame::MAX_LENGTH), Just(frame::MAX_EXTENDED_LENGTH)],
    ) {
        let (mut told, mut left) = (Vec::new(), routes.iter().copied().peekable());
        while left.peek().is_some() {
            let mut out = Vec::new();
            prop_assert!(withdraw(&mut out, family, &mut left, max_length) > 0);
            prop_assert!(out.len() <= max_length);
            let Ok(Message::Update(update)) = read(&out, &peer(true, true)) else { panic!("{out:?}") };
            let withdrawn = update.withdrawn.clone();
            prop_assert_eq!(ReceivedUpdate { withdrawn: vec![], ..update }, ReceivedUpdate::default());
            told.extend(withdrawn);
        }
        prop_assert_eq!(told, routes);
    }

    /// Either all routes fit, one message after the other, or not a single one does and nothing is written.
    #[test]
    fn any_number_of_communities_is_announced_or_refused(count in 0..2000_u32, family in families(), encoding in encodings()) {
        let attributes = Attributes { communities: (0..count).map(Community).collect(), ..Attributes::default() };
        let longest = match family {
            Family::Ipv4 => Prefix::host(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Family::Ipv6 => Prefix::host(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        };
        let mut out = Vec::new();
        match announce(&mut out, family, &attributes, &mut [longest].into_iter().peekable(), &encoding) {
            Ok(written) => prop_assert!(written == 1 && out.len() <= encoding.max_length),
            Err(EncodeError::AttributesTooLong { octets, room, .. }) => prop_assert!(octets > room && out.is_empty()),
            Err(other) => panic!("{other}"),
        }
    }
}
