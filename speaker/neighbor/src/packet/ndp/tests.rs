//! Bytes and messages.

use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::{ALL_NODES, DecodeError, MacAddr, Message, Ndp, group_mac, solicited_node_group};

const MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const ASKER: MacAddr = MacAddr(2, 0, 0, 0, 0, 9);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1);
const ASKER_IP: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 9);
const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0x0012, 0x3456);

/// Lengths and checksum made right again after a change to the message (bytes 54 and on) or to the addresses.
fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(frame.len() - 54).unwrap();
    frame[18..20].copy_from_slice(&length.to_be_bytes());
    frame[56..58].fill(0);
    let words = frame[22..].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum = words.sum::<u32>() + u32::from(length) + 58;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !u16::try_from(sum).unwrap();
    frame[56..58].copy_from_slice(&checksum.to_be_bytes());
    frame
}

fn with_options(options: &[u8]) -> Result<Ndp, DecodeError> {
    let mut frame = Ndp::solicitation(ASKER, ASKER_IP, ADDRESS).encode();
    frame.truncate(78);
    frame.extend_from_slice(options);
    Ndp::decode(&sealed(frame))
}

#[test]
fn groups_and_their_macs_are_as_the_rfcs_say() {
    // The example of RFC 4291 §2.7.1.
    let address = Ipv6Addr::new(0x4037, 0, 0, 0, 0x01, 0x800, 0x200e, 0x8c6c);
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff0e, 0x8c6c);
    assert_eq!(solicited_node_group(address), group);
    assert_eq!(group_mac(group), MacAddr(0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c));
    assert_eq!(group_mac(ALL_NODES), MacAddr(0x33, 0x33, 0, 0, 0, 1));
}

/// What Linux 6.18 sent from fd00::10 when it wanted to reach fd00::12:3456.
const LINUX_ASKS: [u8; 86] = [
    0x33, 0x33, 0xff, 0x12, 0x34, 0x56, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x86, 0xdd, 0x60, 0x00, 0x00, 0x00, 0x00,
    0x20, 0x3a, 0xff, 0xfd, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
    0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xff, 0x12, 0x34, 0x56, 0x87, 0x00, 0x14,
    0xbb, 0x00, 0x00, 0x00, 0x00, 0xfd, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x12,
    0x34, 0x56, 0x01, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02,
];

#[test]
fn a_frame_from_the_wild_is_read_and_written_again() {
    let host = MacAddr(2, 0, 0, 0, 0, 2);
    let expected = Ndp::solicitation(host, Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x10), ADDRESS);
    assert_eq!(Ndp::decode(&LINUX_ASKS), Ok(expected));
    assert_eq!(expected.encode(), LINUX_ASKS);
}

#[test]
fn a_solicited_answer_goes_to_the_asker_and_overrides() {
    let solicitation = Ndp::solicitation(ASKER, ASKER_IP, ADDRESS);
    let reply = Ndp::reply_to(&solicitation, MAC, LINK_LOCAL);
    let expected = Ndp {
        destination: ASKER,
        source: MAC,
        source_ip: LINK_LOCAL,
        destination_ip: ASKER_IP,
        target: ADDRESS,
        message: Message::Advertisement { router: false, solicited: true, overrides: true, owner: Some(MAC) },
    };
    assert_eq!(reply, expected);
    let frame = reply.encode();
    assert_eq!(frame[14..22], [0x60, 0, 0, 0, 0, 32, 58, 255]);
    assert_eq!((frame[54], frame[58]), (136, 0x60));
    assert_eq!(frame[78..], [2, 1, 2, 0, 0, 0, 0, 1]);
    assert_eq!(sealed(frame.clone()), frame, "the checksum is right");
}

#[test]
fn an_asker_that_tells_no_mac_is_answered_at_the_one_it_sent_from() {
    let silent = Message::Solicitation { asker: None };
    let unicast = Ndp {
        destination: MAC,
        destination_ip: ADDRESS,
        message: silent,
        ..Ndp::solicitation(ASKER, ASKER_IP, ADDRESS)
    };
    assert_eq!(Ndp::decode(&unicast.encode()), Ok(unicast));
    assert_eq!(Ndp::reply_to(&unicast, MAC, LINK_LOCAL).destination, ASKER);
}

#[test]
fn a_probe_is_answered_to_all_nodes_unsolicited() {
    let probe = Ndp::solicitation(ASKER, Ipv6Addr::UNSPECIFIED, ADDRESS);
    assert_eq!(probe.message, Message::Solicitation { asker: None });
    assert_eq!(Ndp::decode(&probe.encode()), Ok(probe));
    let reply = Ndp::reply_to(&probe, MAC, LINK_LOCAL);
    assert_eq!((reply.destination_ip, reply.destination), (ALL_NODES, group_mac(ALL_NODES)));
    let expected = Message::Advertisement { router: false, solicited: false, overrides: true, owner: Some(MAC) };
    assert_eq!(reply.message, expected);
}

#[test]
fn each_broken_rule_has_its_own_error() {
    let good = Ndp::solicitation(ASKER, ASKER_IP, ADDRESS).encode();
    type Change = fn(&mut Vec<u8>);
    let cases: [(Change, DecodeError); 8] = [
        (|f| f[12..14].copy_from_slice(&[8, 6]), DecodeError::NotIpv6(0x0806)),
        (|f| f[12..14].copy_from_slice(&[0x81, 0]), DecodeError::VlanTagged(0x8100)),
        (|f| f[14] = 0x45, DecodeError::Version(4)),
        (|f| f[20] = 44, DecodeError::NotIcmpv6(44)),
        (|f| f[21] = 254, DecodeError::HopLimit(254)),
        (|f| f[54] = 134, DecodeError::Type(134)),
        (|f| f[55] = 1, DecodeError::Code(1)),
        (|f| f[62] = 0xff, DecodeError::TargetMulticast(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0x12, 0x3456))),
    ];
    for (change, expected) in cases {
        let mut frame = good.clone();
        change(&mut frame);
        assert_eq!(Ndp::decode(&sealed(frame)), Err(expected));
    }
    let mut wrong_sum = good.clone();
    wrong_sum[57] ^= 1;
    assert_eq!(Ndp::decode(&wrong_sum), Err(DecodeError::Checksum));
    for length in 14..good.len() {
        assert_eq!(Ndp::decode(&good[..length]), Err(DecodeError::Truncated { length }), "{length} bytes");
    }
    let mut short = good;
    short.truncate(70);
    assert_eq!(Ndp::decode(&sealed(short)), Err(DecodeError::Truncated { length: 70 }), "shorter than any message");
}

#[test]
fn probes_and_solicited_advertisements_keep_to_their_rules() {
    let probe = Ndp::solicitation(ASKER, Ipv6Addr::UNSPECIFIED, ADDRESS);
    let tells = Ndp { message: Message::Solicitation { asker: Some(ASKER) }, ..probe };
    let to_one = Ndp { destination_ip: ADDRESS, ..probe };
    for wrong in [tells, to_one] {
        assert_eq!(Ndp::decode(&wrong.encode()), Err(DecodeError::Probe));
    }
    let message = Message::Advertisement { router: false, solicited: true, overrides: true, owner: Some(MAC) };
    let announcement = Ndp { message, ..Ndp::announcement(MAC, LINK_LOCAL, ADDRESS) };
    assert_eq!(Ndp::decode(&announcement.encode()), Err(DecodeError::SolicitedByGroup));
}

#[test]
fn options_are_walked_to_their_end_and_unknown_ones_skipped() {
    let asker = |result: Result<Ndp, DecodeError>| match result.unwrap().message {
        Message::Solicitation { asker } => asker,
        other => panic!("{other:?}"),
    };
    let mac = [1, 1, 2, 0, 0, 0, 0, 9];
    let unknown_long = [[99, 2, 0, 0, 0, 0, 0, 0], [0; 8]].concat();
    let longest = [&[99, 255][..], &[0xab; 255 * 8 - 2]].concat();
    assert_eq!(asker(with_options(&[])), None);
    assert_eq!(asker(with_options(&[&unknown_long[..], &mac].concat())), Some(ASKER));
    assert_eq!(asker(with_options(&[&longest[..], &mac].concat())), Some(ASKER));
    assert_eq!(asker(with_options(&[&mac[..], &[1, 1, 6, 6, 6, 6, 6, 6]].concat())), Some(ASKER), "the first counts");
    let infiniband = [&[1, 3][..], &[7; 22]].concat();
    assert_eq!(asker(with_options(&infiniband)), None, "no Ethernet address");

    assert_eq!(with_options(&[1, 0, 0, 0, 0, 0, 0, 0]), Err(DecodeError::OptionEmpty(1)));
    assert_eq!(with_options(&[&mac[..], &[99, 0]].concat()), Err(DecodeError::OptionEmpty(99)));
    assert_eq!(with_options(&[99, 2, 0, 0, 0, 0, 0, 0]), Err(DecodeError::OptionTruncated(99)));
    assert_eq!(with_options(&[&mac[..], &[14]].concat()), Err(DecodeError::OptionTruncated(14)));
}

fn some_mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr::from)
}

fn some_ip() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 1)) // none is a group
}

prop_compose! {
    fn some_ndp()(
        macs in [some_mac(), some_mac(), some_mac()],
        ips in [some_ip(), some_ip(), some_ip()],
        tells in any::<bool>(),
        flags in any::<[bool; 3]>(),
        solicits in any::<bool>(),
    ) -> Ndp {
        let told = tells.then_some(macs[2]);
        let [router, solicited, overrides] = flags;
        let message = match solicits {
            true => Message::Solicitation { asker: told },
            false => Message::Advertisement { router, solicited, overrides, owner: told },
        };
        let [source_ip, destination_ip, target] = ips;
        Ndp { destination: macs[0], source: macs[1], source_ip, destination_ip, target, message }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(ndp in some_ndp(), padding in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut frame = ndp.encode();
        prop_assert_eq!(&sealed(frame.clone()), &frame);
        frame.extend(padding);
        prop_assert_eq!(Ndp::decode(&frame), Ok(ndp));
    }

    #[test]
    fn any_bytes_are_read_or_refused(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Ndp::decode(&frame).is_err());
    }

    #[test]
    fn any_options_behind_a_right_checksum_are_read_or_refused(
        ndp in some_ndp(),
        changes in prop::collection::vec((58_usize..78, any::<u8>()), 0..3),
        options in prop::collection::vec(prop_oneof![Just(1_u8), Just(2), Just(0), any::<u8>()], 0..64),
    ) {
        let mut frame = ndp.encode();
        for (at, byte) in changes {
            frame[at] = byte;
        }
        frame.truncate(78);
        frame.extend(options);
        if let Ok(read) = Ndp::decode(&sealed(frame)) {
            prop_assert_eq!(Ndp::decode(&read.encode()), Ok(read));
        }
    }
}
