//! Whatever a peer sends: a verdict, without a panic, in bounded time and memory; and what the guard accepts is harmless to
//! zettabgp.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ::zettabgp::prelude::{
    BgpAddrV4, BgpAddrV6, BgpAttrItem, BgpSessionParams, BgpTransportMode, decode_bgpitems_from,
};
use herald_bgp::Family;
use herald_bgp::packet::guard::{self, Inspected};
use herald_bgp::packet::{Decoding, Message, decode, frame};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::wire::{message, peer, update};

/// How long the library may take for one message: generous, since it is either microseconds or for ever.
const DEADLINE: Duration = Duration::from_secs(20);

fn decodings() -> impl Strategy<Value = Decoding> {
    any::<(bool, bool, bool)>().prop_map(|(external, four_octet_asn, enhanced_refresh)| Decoding {
        enhanced_refresh,
        ..peer(external, four_octet_asn)
    })
}

/// Values that are nearly right: of the length that a type wants, or a path, or routes, now and then with an octet changed.
fn values(code: u8) -> BoxedStrategy<Vec<u8>> {
    let list = |octets: usize| {
        vec(any::<u8>(), 0..6 * octets).prop_map(move |value| value[..value.len() / octets * octets].to_vec())
    };
    let path = vec((1..4_u8, vec(prop_oneof![Just(0_u8), any::<u8>()], 0..40)), 0..4).prop_map(|segments| {
        let one = |(kind, numbers): (u8, Vec<u8>)| {
            let count = numbers.len() / 4;
            [&[kind, u8::try_from(count).unwrap()], &numbers[..count * 4]].concat()
        };
        segments.into_iter().flat_map(one).collect::<Vec<_>>()
    });
    let routes = |fixed: Vec<u8>| {
        vec((0..=33_u8, vec(any::<u8>(), 5)), 0..5).prop_map(move |routes| {
            let one = |(bits, octets): (u8, Vec<u8>)| [&[bits], &octets[..usize::from(bits).div_ceil(8)]].concat();
            [fixed.clone(), routes.into_iter().flat_map(one).collect()].concat()
        })
    };
    let next_hop = |afi: u8, length: u8, reserved: u8| {
        [&[0, afi, 1, length][..], &vec![0x20; length.into()], &[reserved]].concat()
    };
    let right = match code {
        1 => vec(0..4_u8, 1..2).boxed(),
        2 | 17 => path.boxed(),
        3 | 4 | 5 | 9 | 35 => vec(any::<u8>(), 4).boxed(),
        6 => Just(vec![]).boxed(),
        7 => vec(any::<u8>(), 6..9).boxed(),
        8 | 10 => list(4).boxed(),
        14 => prop_oneof![
            routes(next_hop(1, 4, 0)),
            routes(next_hop(1, 16, 0)),
            routes(next_hop(1, 32, 1)),
            routes(next_hop(2, 16, 0)),
            routes(next_hop(2, 32, 1)),
            routes(vec![0, 25, 70, 4, 1, 2, 3, 4, 0]),
        ]
        .boxed(),
        15 => prop_oneof![routes(vec![0, 1, 1]), routes(vec![0, 2, 1]), routes(vec![0, 1, 128])].boxed(),
        16 => list(8).boxed(),
        32 => list(12).boxed(),
        _ => vec(any::<u8>(), 0..20).boxed(),
    };
    prop_oneof![8 => right, 1 => vec(any::<u8>(), 0..40)].boxed()
}

fn attributes() -> impl Strategy<Value = Vec<u8>> {
    let codes = prop_oneof![20 => (1..=35_u8).boxed(), 1 => any::<u8>().boxed()];
    let known = |code: u8| match code {
        1 | 2 | 3 | 5 | 6 => 0x40,
        4 | 9 | 10 | 14 | 15 => 0x80,
        _ => 0xc0,
    };
    let flags = move |code: u8| prop_oneof![30 => Just(known(code)), 1 => any::<u8>()];
    codes.prop_flat_map(move |code| (Just(code), flags(code), values(code), any::<bool>())).prop_map(
        |(code, flags, value, long)| {
            let length = u16::try_from(value.len()).unwrap();
            if long {
                [&[flags | 0x10, code], &length.to_be_bytes()[..], &value].concat()
            } else {
                [&[flags & !0x10, code, u8::try_from(length).unwrap()], &value[..]].concat()
            }
        },
    )
}

/// Bodies that are nearly right.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let routes = prop_oneof![Just(vec![]), Just(vec![24, 198, 51, 100]), Just(vec![0, 8, 10]), vec(any::<u8>(), 0..9)];
    let whole = prop_oneof![4 => Just(vec![0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1]), 1 => Just(vec![])];
    let parts = (routes.clone(), whole, vec(attributes(), 0..5), routes);
    let right = parts.prop_map(|(withdrawn, whole, rest, announced)| {
        update(&withdrawn, &[rest.concat(), whole].concat(), &announced)
    });
    let changed = |(mut body, at, octet): (Vec<u8>, usize, Option<u8>)| {
        if let (Some(octet), false) = (octet, body.is_empty()) {
            let at = at % body.len();
            body[at] = octet;
        }
        body
    };
    let octet = prop_oneof![3 => Just(None), 1 => any::<u8>().prop_map(Some)];
    (right, any::<usize>(), octet).prop_map(changed)
}

/// Gives the library all that the guard says it can have.
fn feed(inspected: &Inspected<'_>, four_octet_asn: bool) {
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
        assert_eq!(understood.unwrap(), prefixes.len());
    }
}

fn check(body: &[u8], decoding: &Decoding) {
    if let Ok(inspected) = guard::inspect(body, decoding) {
        assert!(inspected.attributes.len() <= 256);
        feed(&inspected, decoding.four_octet_asn);
    }
    let message = message(2, body);
    let (frame, _) = frame::split(&message, frame::MAX_EXTENDED_LENGTH).unwrap().unwrap();
    match decode(frame, decoding) {
        Ok(Message::Update(update)) => assert!(update.announced.len() + update.withdrawn.len() <= body.len()),
        Ok(other) => panic!("{other:?}"),
        Err(error) => assert!(error.code == 3 && (1..=11).contains(&error.subcode), "{error:?}"),
    }
}

/// Runs `check` where an endless loop fails the test instead of stopping all.
fn within_the_deadline(check: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel::<()>();
    let worker = thread::spawn(move || {
        check();
        drop(done);
    });
    assert_ne!(finished.recv_timeout(DEADLINE), Err(mpsc::RecvTimeoutError::Timeout), "it does not come to an end");
    worker.join().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// 64 batches of 64 messages that are nearly right.
    #[test]
    fn what_the_guard_accepts_is_harmless_to_zettabgp(bodies in vec(bodies(), 64), decoding in decodings()) {
        within_the_deadline(move || bodies.iter().for_each(|body| check(body, &decoding)));
    }
}

proptest! {
    #[test]
    fn any_body_of_an_update_gets_a_verdict(mut body in vec(any::<u8>(), 4..300), decoding in decodings(), short: bool) {
        if short {
            // So that there is something behind the first two lengths.
            body[0] = 0;
            body[1] %= 32;
        }
        within_the_deadline(move || check(&body, &decoding));
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in vec(any::<u8>(), 0..200), kind in 0..7_u8, marked: bool, decoding in decodings()) {
        let stream = if marked { message(kind, &bytes) } else { bytes };
        let mut rest = &stream[..];
        while let Ok(Some((frame, consumed))) = frame::split(rest, frame::MAX_LENGTH) {
            assert!((19..=4096).contains(&consumed) && consumed == frame.message().len());
            match decode(frame, &decoding) {
                Ok(Message::Notification(notification)) => assert!(!notification.to_string().is_empty()),
                Ok(_) => {}
                Err(error) => assert!(error.encode().len() <= frame::MAX_LENGTH && !error.to_string().is_empty()),
            }
            rest = &rest[consumed..];
        }
    }
}

/// The worst that fits into a message is done with at once.
#[test]
fn the_longest_messages_are_bounded() {
    let long = |octets: &[u8], length: usize| octets.repeat(length / octets.len());
    let limit = frame::MAX_EXTENDED_LENGTH - frame::HEADER - 4;
    let whole = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1];
    let bodies = [
        update(&long(&[0], limit), &[], &[]),
        update(&[], &whole, &long(&[0], limit - whole.len())),
        update(&[], &long(&[0xc0, 200, 0], limit), &[]),
        update(&[], &(0..=255).flat_map(|code| [0xc0, code, 0]).collect::<Vec<_>>().repeat(85), &[]),
        update(&[], &[&whole[..], &[0x50, 2, 0xff, 0], &long(&[2, 1, 0, 0, 0, 1], 0xff00)].concat(), &[]),
        update(&[], &[&whole[..], &[0xd0, 8, 0xff, 0], &long(&[0, 0, 0, 1], 0xff00)].concat(), &[8, 10]),
    ];
    for body in bodies {
        within_the_deadline(move || check(&body, &peer(true, true)));
    }
}
