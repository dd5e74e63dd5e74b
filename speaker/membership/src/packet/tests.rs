//! Bytes to values and back, and what is refused.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use foca::{Header, Member, Message, State};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::body::{Ack, Beat, Body, Builder, Route};
use super::envelope::{self, Sender};
use super::record::Record;
use super::swim::Swim;
use crate::counters::DropReason;
use crate::digest::Digest;
use crate::facts::{Facts, Freshness, MAX_MACS, Phase};
use crate::identity::Identity;
use crate::keys::KeyRing;
use crate::packet::MAX_DATAGRAM;

const UID: &str = "6f1c2b1e-cluster";

fn keys() -> KeyRing {
    KeyRing::new(b"0123456789abcdef", None, None).unwrap()
}

fn open(datagram: &[u8], keys: &KeyRing, uid: &str) -> Result<(Sender, Vec<u8>), DropReason> {
    let opened = envelope::open(datagram, keys, uid)?;
    assert!(keys.by_id(opened.key).next().is_some());
    Ok((opened.sender, opened.body))
}

fn name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof!["[a-z][a-z0-9.-]{0,40}", "[a-z0-9]{253}"].prop_map(Arc::from)
}

prop_compose! {
    fn identity()(node in name(), boot in any::<u64>(), rank in any::<u64>(), ip in any::<IpAddr>(), port in any::<u16>())
        -> Identity {
        Identity { node, boot, rank, address: SocketAddr::new(ip, port) }
    }
}

fn message() -> impl Strategy<Value = Message<Identity>> {
    let numbered = (0..6u8, any::<u8>(), identity()).prop_map(|(kind, probe_number, other)| match kind {
        0 => Message::Ping(probe_number),
        1 => Message::Ack(probe_number),
        2 => Message::PingReq { target: other, probe_number },
        3 => Message::IndirectPing { origin: other, probe_number },
        4 => Message::IndirectAck { target: other, probe_number },
        _ => Message::ForwardedAck { origin: other, probe_number },
    });
    prop_oneof![
        3 => numbered,
        1 => prop_oneof![
            Just(Message::Announce),
            Just(Message::Feed),
            Just(Message::Gossip),
            Just(Message::Broadcast),
            Just(Message::TurnUndead),
        ],
    ]
}

prop_compose! {
    fn update()(id in identity(), incarnation in any::<u16>(), state in 0..3u8) -> Member<Identity> {
        let state = [State::Alive, State::Suspect, State::Down][usize::from(state)];
        Member::new(id, incarnation, state)
    }
}

prop_compose! {
    fn digest()(names in prop::collection::vec("[a-z]{1,8}", 0..80)) -> Digest {
        Digest::of(names)
    }
}

prop_compose! {
    fn record()(
        node in name(), boot in any::<u64>(), rank in any::<u64>(), version in any::<u32>(),
        protocol in any::<u16>(), freshness in 0..3usize, phase in 0..4u8, grace in any::<u32>(),
        interfaces in digest(), owned in digest(),
        macs in prop::collection::btree_set(any::<[u8; 6]>(), 0..=MAX_MACS),
        keys in prop::collection::vec(any::<u32>(), 0..4),
    ) -> Record {
        let grace = Duration::from_millis(grace.into());
        let phases = [Phase::Running, Phase::Draining, Phase::Stopping, Phase::Restarting { grace }];
        let freshness = [Freshness::Stale, Freshness::Current, Freshness::Blind][freshness];
        let macs = macs.into_iter().collect();
        let facts = Facts { protocol, freshness, phase: phases[usize::from(phase)], interfaces, owned, macs };
        Record { node, boot, rank, version, facts, keys }
    }
}

proptest! {
    #[test]
    fn swim_messages_come_back(
        src in identity(), dst in identity(), src_incarnation in any::<u16>(), message in message(),
        updates in prop::collection::vec(update(), 0..3),
    ) {
        let header = Header { src, src_incarnation, dst, message };
        let swim = Swim { header, updates };
        let bytes = swim.encode().unwrap();
        prop_assume!(bytes.len() <= super::MAX_SWIM);
        let back = Swim::parse(&bytes).unwrap();
        prop_assert_eq!(&back.header, &swim.header);
        prop_assert_eq!(back.header.src.address, swim.header.src.address);
        prop_assert_eq!(&back.updates, &swim.updates);
        for end in 0..bytes.len() {
            // Cut where the updates begin, it is a message without any.
            let whole = Swim::parse(&bytes[..end]).is_ok_and(|s| s.updates.is_empty());
            prop_assert!(whole || Swim::parse(&bytes[..end]).is_err());
        }
    }

    #[test]
    fn records_come_back_whatever_a_newer_speaker_adds(record in record(), extra in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        let first_version = bytes.len() - 1 - 6 * record.facts.macs.len();
        for end in (0..bytes.len()).filter(|end| *end != first_version) {
            prop_assert!(Record::get(&mut &bytes[..end]).is_err());
        }
        bytes.extend(extra);
        prop_assert_eq!(Record::get(&mut bytes.as_slice()).unwrap(), record);
    }

    /// A speaker one version behind says nothing of MAC addresses, and reads what we write by skipping them.
    #[test]
    fn a_record_of_the_first_version_is_read_and_reads_ours(record in record()) {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        let older = bytes.len() - 1 - 6 * record.facts.macs.len();
        let mut known = record.clone();
        known.facts.macs.clear();
        prop_assert_eq!(Record::get(&mut &bytes[..older]).unwrap(), known);
    }

    #[test]
    fn mac_addresses_are_in_order_each_once_and_not_too_many(
        record in record(), count in 0..20u8, macs in prop::collection::vec(any::<[u8; 6]>(), 0..20), sorted in any::<bool>(),
    ) {
        let mut macs = macs;
        if sorted {
            macs.sort_unstable();
        }
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        bytes.truncate(bytes.len() - 1 - 6 * record.facts.macs.len());
        bytes.push(count);
        bytes.extend(macs.as_flattened());
        let count = usize::from(count);
        let fine = count <= MAX_MACS && macs.get(..count).is_some_and(|macs| macs.is_sorted_by(|a, b| a < b));
        let read = Record::get(&mut bytes.as_slice());
        prop_assert_eq!(read.is_ok(), fine);
        if let Ok(read) = read {
            prop_assert_eq!(&read.facts.macs, &macs[..count]);
        }
        // And whatever the caller gives is put into that form.
        let facts = Facts { macs: macs.clone(), ..Facts::default() }.normal();
        prop_assert!(facts.macs.len() <= MAX_MACS && facts.macs.is_sorted_by(|a, b| a < b));
        prop_assert!(facts.macs.len() == MAX_MACS || macs.iter().all(|mac| facts.macs.contains(mac)));
    }

    #[test]
    fn bodies_come_back_without_the_sections_of_a_newer_speaker(
        route in (any::<u64>(), any::<u64>(), any::<u64>()),
        swim in prop::option::of(prop::collection::vec(any::<u8>(), 0..50)),
        record in record(),
        ack in (any::<u64>(), any::<u32>()),
        unknown in 5..=255u8, beat in any::<bool>(),
    ) {
        let route = Route { to_node: route.0, to_rank: route.1, from_rank: route.2 };
        let ack = Ack { boot: ack.0, version: ack.1 };
        let mut builder = Builder::new(route, MAX_DATAGRAM);
        if let Some(swim) = &swim {
            prop_assert!(builder.swim(swim));
        }
        prop_assert!(builder.section(unknown, b"of the future"));
        prop_assert!(builder.record(&record));
        prop_assert!(builder.ack(ack));
        let beat = if beat { Beat::Here } else { Beat::Ask };
        prop_assert!(builder.beat(beat));
        let bytes = builder.finish();
        prop_assert_eq!(Body::route(&bytes).unwrap(), route);
        let body = Body::parse(&bytes).unwrap();
        prop_assert_eq!(body.swim, swim.as_deref());
        prop_assert_eq!(body.records, vec![record]);
        prop_assert_eq!(body.ack, Some(ack));
        prop_assert_eq!(body.beat, Some(beat));
    }

    #[test]
    fn no_bytes_upset_a_parser(bytes in prop::collection::vec(any::<u8>(), 0..MAX_DATAGRAM)) {
        let _ = Body::parse(&bytes);
        let _ = Swim::parse(&bytes);
        let _ = Record::get(&mut bytes.as_slice());
    }

    #[test]
    fn sealed_bodies_open_with_the_right_key_cluster_and_every_bit_in_place(
        node in name(), boot in any::<u64>(), counter in any::<u64>(),
        body in prop::collection::vec(any::<u8>(), 0..200), flip in any::<prop::sample::Index>(), bit in 0..8u8,
    ) {
        let sender = Sender { node, boot, counter };
        let datagram = envelope::seal(&body, &sender, &keys(), UID, &mut StdRng::seed_from_u64(counter));
        prop_assert_eq!(datagram.len(), envelope::overhead(&sender.node) + body.len());
        prop_assert_eq!(open(&datagram, &keys(), UID), Ok((sender, body)));
        prop_assert_eq!(open(&datagram, &keys(), "another"), Err(DropReason::WrongKey));
        let other = KeyRing::new(b"fedcba9876543210", None, None).unwrap();
        prop_assert_eq!(open(&datagram, &other, UID), Err(DropReason::WrongKey));
        let mut flipped = datagram.clone();
        flipped[flip.index(datagram.len())] ^= 1 << bit;
        prop_assert!(open(&flipped, &keys(), UID).is_err());
    }
}

#[test]
fn a_format_is_read_if_its_writer_says_we_can() {
    let sender = Sender { node: "a".into(), boot: 1, counter: 1 };
    let written = |format| envelope::seal_as(format, b"body", &sender, &keys(), UID, &mut StdRng::seed_from_u64(1));
    let read = |format| open(&written(format), &keys(), UID);
    let good = Ok((sender.clone(), b"body".to_vec()));
    let ours = envelope::VERSION;
    assert_eq!(read([ours, envelope::READABLE_BY]), good);
    assert_eq!(read([ours + 1, ours]), good, "the next version, in a form we understand");
    assert_eq!(read([ours + 1, ours + 1]), Err(DropReason::Version));
    assert_eq!(read([0, 0]), Err(DropReason::Version));
    let mut pretended = written([ours, ours]);
    pretended[0] += 1;
    assert_eq!(open(&pretended, &keys(), UID), Err(DropReason::WrongKey), "the version is under the seal");
}

#[test]
fn what_is_cut_or_too_long_is_told_apart() {
    let sender = Sender { node: "a".into(), boot: 1, counter: 1 };
    let datagram = envelope::seal(b"body", &sender, &keys(), UID, &mut StdRng::seed_from_u64(1));
    let least = envelope::overhead("a");
    for end in 0..datagram.len() {
        let expected = if end < least { DropReason::TooShort } else { DropReason::WrongKey };
        assert_eq!(open(&datagram[..end], &keys(), UID), Err(expected), "{end} bytes");
    }
    assert_eq!(open(&[0; MAX_DATAGRAM + 1], &keys(), UID), Err(DropReason::Oversized));
}

/// Written down once, so that a change of format or derivation cannot pass unnoticed: N and N−1 must interoperate.
#[test]
fn the_format_is_what_it_was() {
    let sender = Sender { node: "node-a".into(), boot: 2, counter: 3 };
    let datagram = envelope::seal(b"body", &sender, &keys(), UID, &mut StdRng::seed_from_u64(7));
    let clear = envelope::overhead("node-a") - 24 - 16;
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(hex(&datagram[..clear]), GOLDEN_HEADER);
    let nonce = [7; 24];
    let mut recorded = datagram[..clear].to_vec();
    recorded.extend(nonce);
    recorded.extend(GOLDEN_SEALED);
    assert_eq!(open(&recorded, &keys(), UID), Ok((sender, b"body".to_vec())));
}

/// Version 1, readable by 1, sealed, "node-a", boot 2, counter 3, key id.
const GOLDEN_HEADER: &str = "010100066e6f64652d610000000000000002000000000000000318c12157";
/// "body" under the nonce 24 × 7, computed by an implementation of our own in Python (HKDF from its standard library,
/// XChaCha20-Poly1305 after draft-irtf-cfrg-xchacha, checked against the vector in its appendix A.3.1).
const GOLDEN_SEALED: [u8; 20] = [
    0x80, 0x2b, 0x86, 0xd6, 0xe8, 0x8f, 0x93, 0x3e, 0xe8, 0x75, 0x07, 0x1f, 0x82, 0x96, 0xe6, 0x1b, 0x2b, 0x16, 0xba,
    0x25,
];

#[test]
fn a_full_record_fits_into_a_datagram_of_the_longest_names() {
    let node: Arc<str> = "n".repeat(253).into();
    let many: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    let macs = (0..16).map(|i| [i; 6]).collect();
    let facts = Facts { interfaces: Digest::of(&many), owned: Digest::of(&many), macs, ..Facts::default() };
    let record = Record { node: Arc::clone(&node), boot: 1, rank: 1, version: 1, facts, keys: vec![1, 2, 3] };
    let route = Route { to_node: 1, to_rank: 1, from_rank: 1 };
    let mut builder = Builder::new(route, MAX_DATAGRAM - envelope::overhead(&node));
    assert!(builder.record(&record) && builder.ack(Ack { boot: 1, version: 1 }));
}

/// A record as the first version wrote it, byte by byte.
const FIRST_RECORD: [u8; 53] = [
    1, b'a', // node
    0, 0, 0, 0, 0, 0, 0, 2, // boot
    0, 0, 0, 0, 0, 0, 0, 3, // rank
    0, 0, 0, 4, // version
    0, 1, // protocol
    1, // current
    3, 0, 0, 0x27, 0x10, // restarting, back within 10 s
    0, 0, 0, 0, 0, 0, 0, 7, 1, 1, 0, 0, 0, 9, // interfaces: fingerprint, complete, one name
    0, 0, 0, 0, // owned: the beginning of its fingerprint
    0, 0, 0, 8, 0, // its end; not complete
];

#[test]
fn a_record_of_the_first_version_is_still_understood() {
    let mut bytes = FIRST_RECORD.to_vec();
    bytes.extend([0]); // no names of owned addresses
    bytes.extend([1, 0xaa, 0xbb, 0xcc, 0xdd]); // one key
    let read = Record::get(&mut bytes.as_slice()).unwrap();
    let facts = Facts {
        protocol: 1,
        freshness: Freshness::Current,
        phase: Phase::Restarting { grace: Duration::from_secs(10) },
        interfaces: Digest { fingerprint: 7, names: vec![9], complete: true },
        owned: Digest { fingerprint: 8, names: vec![], complete: false },
        macs: vec![],
    };
    let record = Record { node: "a".into(), boot: 2, rank: 3, version: 4, facts, keys: vec![0xaabb_ccdd] };
    assert_eq!(read, record);
    // And ours begins with it, so that the first version reads ours.
    let mut ours = Vec::new();
    record.put(&mut ours);
    assert!(ours.starts_with(&bytes));
}
