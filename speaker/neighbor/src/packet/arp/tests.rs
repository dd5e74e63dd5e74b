//! Bytes and packets.

use proptest::prelude::*;

use super::{Arp, DecodeError, MacAddr, Operation};
use std::net::Ipv4Addr;

const MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const ASKER: MacAddr = MacAddr(2, 0, 0, 0, 0, 9);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const ASKER_IP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);

/// What a Cisco router sent on a cable network, with its own idea of padding (Wireshark's sample capture "arp-storm").
const ROUTER_ASKS: [u8; 60] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x07, 0x0d, 0xaf, 0xf4, 0x54, 0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06,
    0x04, 0x00, 0x01, 0x00, 0x07, 0x0d, 0xaf, 0xf4, 0x54, 0x18, 0xa6, 0xac, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x18, 0xa6, 0xad, 0x9f, 0x06, 0x01, 0x04, 0x00, 0x00, 0x00, 0x00, 0x02, 0x01, 0x00, 0x03, 0x02, 0x00, 0x00, 0x05,
    0x01, 0x03, 0x01,
];

#[test]
fn a_frame_from_the_wild_is_read_and_written_again_but_for_its_padding() {
    let router = MacAddr(0x00, 0x07, 0x0d, 0xaf, 0xf4, 0x54);
    let expected = Arp::request(router, Ipv4Addr::new(24, 166, 172, 1), Ipv4Addr::new(24, 166, 173, 159));
    assert_eq!(Arp::decode(&ROUTER_ASKS), Ok(expected));
    assert_eq!(expected.encode()[..42], ROUTER_ASKS[..42]);
    assert_eq!(expected.encode()[42..], [0; 18]);
}

#[test]
fn a_reply_goes_to_the_asker_and_tells_what_was_asked() {
    let reply = Arp::reply_to(&Arp::request(ASKER, ASKER_IP, ADDRESS), MAC).encode();
    let (ethernet, arp) = reply.split_at(14);
    assert_eq!(ethernet, [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 6]);
    assert_eq!(arp[..8], [0, 1, 8, 0, 6, 4, 0, 2]);
    assert_eq!(arp[8..18], [2, 0, 0, 0, 0, 1, 192, 168, 1, 240]);
    assert_eq!(arp[18..28], [2, 0, 0, 0, 0, 9, 192, 168, 1, 10]);
}

#[test]
fn the_two_announcements_are_gratuitous_as_linux_understands_it() {
    // arp_is_garp() in net/ipv4/arp.c: sender and target address agree, and in a reply the MACs too.
    let request = Arp::announcement_request(MAC, ADDRESS);
    let reply = Arp::announcement_reply(MAC, ADDRESS);
    for announcement in [request, reply] {
        assert!(announcement.destination.is_broadcast());
        assert_eq!((announcement.source, announcement.sender_mac), (MAC, MAC));
        assert_eq!((announcement.sender_ip, announcement.target_ip), (ADDRESS, ADDRESS));
    }
    assert_eq!((request.operation, reply.operation), (Operation::Request, Operation::Reply));
    assert_eq!(reply.target_mac, MAC);
}

#[test]
fn a_probe_tells_nothing() {
    let probe = Arp::probe(MAC, ADDRESS);
    assert_eq!((probe.sender_ip, probe.target_mac), (Ipv4Addr::UNSPECIFIED, MacAddr::zero()));
    assert_eq!((probe.target_ip, probe.operation), (ADDRESS, Operation::Request));
}

#[test]
fn each_wrong_field_has_its_own_error() {
    let good = Arp::probe(MAC, ADDRESS).encode();
    for (at, bytes, expected) in [
        (12, [0x86, 0xdd], DecodeError::NotArp(0x86dd)),
        (12, [0x81, 0x00], DecodeError::VlanTagged(0x8100)),
        (12, [0x88, 0xa8], DecodeError::VlanTagged(0x88a8)),
        (14, [0, 6], DecodeError::HardwareType(6)),
        (16, [0x86, 0xdd], DecodeError::ProtocolType(0x86dd)),
        (18, [8, 4], DecodeError::HardwareLength(8)),
        (18, [6, 16], DecodeError::ProtocolLength(16)),
        (20, [0, 3], DecodeError::Operation(3)),
        (20, [1, 1], DecodeError::Operation(257)),
    ] {
        let mut frame = good.clone();
        frame[at..at + 2].copy_from_slice(&bytes);
        assert_eq!(Arp::decode(&frame), Err(expected));
    }
    for length in 0..42 {
        assert_eq!(Arp::decode(&good[..length]), Err(DecodeError::Truncated { length }));
    }
    assert!(Arp::decode(&good[..42]).is_ok(), "padding is no part of the packet");
}

fn some_mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr::from)
}

prop_compose! {
    fn some_arp()(
        macs in [some_mac(), some_mac(), some_mac(), some_mac()],
        ips in any::<[u32; 2]>(),
        request in any::<bool>(),
    ) -> Arp {
        Arp {
            destination: macs[0],
            source: macs[1],
            operation: if request { Operation::Request } else { Operation::Reply },
            sender_mac: macs[2],
            sender_ip: Ipv4Addr::from_bits(ips[0]),
            target_mac: macs[3],
            target_ip: Ipv4Addr::from_bits(ips[1]),
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(arp in some_arp(), padding in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut frame = arp.encode();
        prop_assert_eq!(frame.len(), 60);
        frame.truncate(42);
        frame.extend(padding);
        prop_assert_eq!(Arp::decode(&frame), Ok(arp));
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_what_is_read_is_written_the_same(
        frame in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            // One to three bytes of a good frame changed: closer to the edges than noise.
            (some_arp(), prop::collection::vec((0_usize..60, any::<u8>()), 1..4)).prop_map(|(arp, changes)| {
                let mut frame = arp.encode();
                for (at, byte) in changes {
                    frame[at] = byte;
                }
                frame
            }),
        ],
    ) {
        if let Ok(arp) = Arp::decode(&frame) {
            prop_assert_eq!(&arp.encode()[..42], &frame[..42]);
        }
    }
}
