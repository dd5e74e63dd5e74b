//! Any body of an UPDATE: a verdict of RFC 7606; and zettabgp reads all that the guard accepts without a panic or a loop.
#![no_main]

use herald_bgp::Family;
use herald_bgp::packet::update::Treatment;
use herald_bgp::packet::{Decoding, Message, decode, frame, guard};
use libfuzzer_sys::fuzz_target;
use zettabgp::prelude::{BgpAddrV4, BgpAddrV6, BgpAttrItem, BgpSessionParams, BgpTransportMode, decode_bgpitems_from};

fuzz_target!(|input: (bool, bool, Vec<u8>)| {
    let (external, four_octet_asn, body) = input;
    let Some(length) = u16::try_from(body.len() + 19).ok().filter(|length| *length >= 23) else { return };
    let decoding = Decoding { external, four_octet_asn, enhanced_refresh: false, families: Family::ALL.into() };
    let message = [&[0xff; 16][..], &length.to_be_bytes(), &[2], &body].concat();
    let (message, _) = frame::split(&message, frame::MAX_EXTENDED_LENGTH).expect("right").expect("whole");
    let inspected = match (guard::inspect(&body, &decoding), decode(message, &decoding)) {
        (Ok(inspected), Ok(Message::Update(update))) => {
            assert_eq!(inspected.treatment, update.treatment);
            assert!(update.announced.len() + update.withdrawn.len() <= body.len());
            assert!(update.announced.is_empty() || !matches!(update.treatment, Treatment::TreatAsWithdraw { .. }));
            inspected
        }
        (Err(verdict), Err(answer)) => {
            assert_eq!(verdict, answer);
            assert!(answer.code == 3 && (1..=11).contains(&answer.subcode), "{answer:?}");
            return;
        }
        other => panic!("{other:?}"),
    };

    let mut session = BgpSessionParams::new(64512, 90, BgpTransportMode::IPv4, [192, 0, 2, 1].into(), vec![]);
    session.fuzzy_pathid = false;
    session.has_as32bit = four_octet_asn;
    for attribute in inspected.checked() {
        let length = attribute.value.len();
        drop(BgpAttrItem::decode_from(&session, attribute.code, attribute.flags, length, attribute.value));
    }
    let reach = inspected.reach.map(|reach| (reach.family, reach.prefixes));
    let ipv4 = [inspected.withdrawn, inspected.announced].map(|prefixes| Some((Family::Ipv4, prefixes)));
    for (family, prefixes) in ipv4.into_iter().chain([reach, inspected.unreach]).flatten() {
        let understood = match family {
            Family::Ipv4 => decode_bgpitems_from::<BgpAddrV4>(prefixes).map(|(_, octets)| octets),
            Family::Ipv6 => decode_bgpitems_from::<BgpAddrV6>(prefixes).map(|(_, octets)| octets),
        };
        assert_eq!(understood.expect("prefixes that were measured"), prefixes.len());
    }
});
