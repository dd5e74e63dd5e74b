//! Packet sockets on a real link: real frames through the real kernel filter.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;

use herald_neighbor::MacAddr;
use herald_neighbor::filter::{self, MAX_INSTRUCTIONS};
use herald_neighbor::packet::arp::{Arp, Operation};
use herald_sys::{Instruction, PacketSocket, PacketType, Protocol, Statistics};

use crate::link::{EVERYTHING, Link, index, ip, open, readable, receive, with_link};

const LEFT_MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const RIGHT_MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);

fn program(ranges: impl IntoIterator<Item = (u32, u32)>) -> Vec<Instruction> {
    let ranges = ranges.into_iter().map(|(first, last)| Ipv4Addr::from_bits(first)..=Ipv4Addr::from_bits(last));
    translated(filter::compile_arp(ranges, MAX_INSTRUCTIONS))
}

fn translated(program: filter::Program) -> Vec<Instruction> {
    let translate = |filter::Instruction { code, jt, jf, k }| Instruction { code, jt, jf, k };
    program.instructions.into_iter().map(translate).collect()
}

/// As [`program`], for every second address, in at most `limit` instructions.
fn scattered(limit: usize) -> Vec<Instruction> {
    let base = Ipv4Addr::new(192, 168, 4, 0).to_bits();
    let ranges = (0..1_000).map(|n| Ipv4Addr::from_bits(base + 2 * n)).map(|address| address..=address);
    translated(filter::compile_arp(ranges, limit))
}

fn only(address: Ipv4Addr) -> Vec<Instruction> {
    program([(address.to_bits(), address.to_bits())])
}

fn request(target: Ipv4Addr) -> Vec<u8> {
    Arp::request(RIGHT_MAC, CLIENT, target).encode()
}

#[test]
fn a_frame_arrives_as_it_was_sent() {
    with_link(|link| {
        let (left, right) = (open(link.left, &EVERYTHING), open(link.right, &EVERYTHING));
        right.send(&request(VIP)).unwrap();
        assert_eq!(receive(&left), request(VIP));
        let reply = Arp::reply_to(&Arp::decode(&request(VIP)).unwrap(), LEFT_MAC).encode();
        left.send(&reply).unwrap();
        assert_eq!(receive(&right), reply);
    });
}

#[test]
fn to_whom_a_frame_was_addressed_is_told() {
    with_link(|link| {
        let (left, right) = (open(link.left, &EVERYTHING), open(link.right, &EVERYTHING));
        for (destination, expected) in [
            (MacAddr::broadcast(), PacketType::Broadcast),
            (LEFT_MAC, PacketType::Host),
            (MacAddr(1, 0, 0x5e, 0, 0, 1), PacketType::Multicast),
            (MacAddr(2, 0, 0, 0, 0, 9), PacketType::OtherHost),
        ] {
            right.send(&Arp { destination, ..Arp::request(RIGHT_MAC, CLIENT, VIP) }.encode()).unwrap();
            assert!(readable(&left, Duration::from_secs(2)));
            assert_eq!(left.receive(&mut [0; 100]).unwrap().packet_type, expected, "{destination}");
        }
    });
}

#[test]
fn an_empty_queue_would_block_and_a_short_buffer_is_noticed() {
    with_link(|link| {
        let (left, right) = (open(link.left, &EVERYTHING), open(link.right, &EVERYTHING));
        assert_eq!(left.receive(&mut [0; 100]).unwrap_err().kind(), ErrorKind::WouldBlock);
        right.send(&request(VIP)).unwrap();
        assert!(readable(&left, Duration::from_secs(2)));
        let mut short = [0; 20];
        let received = left.receive(&mut short).unwrap();
        assert!(received.truncated());
        assert_eq!((received.length, received.wire_length), (20, 60));
        assert_eq!(short, request(VIP)[..20]);
    });
}

#[test]
fn what_this_host_sends_is_not_heard_by_it() {
    with_link(|link| {
        let (left, also_left) = (open(link.left, &EVERYTHING), open(link.left, &EVERYTHING));
        let right = open(link.right, &EVERYTHING);
        also_left.send(&request(VIP)).unwrap();
        // The frame has passed the left side's taps by the time it arrives at the right.
        receive(&right);
        assert_eq!(left.receive(&mut [0; 100]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn the_kernel_passes_exactly_what_the_filter_means() {
    with_link(|link| {
        let left = open(link.left, &only(VIP));
        let right = open(link.right, &EVERYTHING);
        let neighbour = Ipv4Addr::from_bits(VIP.to_bits() + 1);
        let frames = [
            (request(VIP), true),
            (request(neighbour), false),
            (Arp::announcement_reply(RIGHT_MAC, VIP).encode(), true),
            (Arp::announcement_reply(RIGHT_MAC, neighbour).encode(), false),
            (Arp { operation: Operation::Reply, ..Arp::request(RIGHT_MAC, CLIENT, VIP) }.encode(), false),
            (Arp { destination: MacAddr(2, 0, 0, 0, 0, 9), ..Arp::request(RIGHT_MAC, CLIENT, VIP) }.encode(), false),
            (Arp::probe(RIGHT_MAC, VIP).encode(), true),
        ];
        for (frame, _) in &frames {
            right.send(frame).unwrap();
        }
        for (frame, _) in frames.iter().filter(|(_, passes)| *passes) {
            assert_eq!(receive(&left), *frame);
        }
        assert!(!readable(&left, Duration::ZERO));
    });
}

#[test]
fn a_frame_of_a_vlan_without_an_interface_here_is_not_answered_for() {
    with_link(|link| {
        let everything = open(link.left, &EVERYTHING);
        let left = open(link.left, &only(VIP));
        let right = open(link.right, &EVERYTHING);
        let tagged = |vlan: u8| {
            let mut frame = request(VIP);
            frame.splice(12..12, [0x81, 0x00, 0x00, vlan]);
            frame
        };
        right.send(&tagged(100)).unwrap();
        right.send(&tagged(0)).unwrap();
        // The kernel takes the tag off and shows both frames as plain ARP: without a filter one could not tell.
        assert_eq!(receive(&everything), request(VIP));
        assert_eq!(receive(&everything), request(VIP));
        assert_eq!(receive(&left), request(VIP), "VLAN 0 is no VLAN, only a priority");
        assert!(!readable(&left, Duration::ZERO), "VLAN 100 is not ours");
    });
}

#[test]
fn the_kernel_takes_programs_up_to_the_limit_and_agrees_with_them() {
    with_link(|link| {
        // A thousand ranges of one address each: about the most that fit. The asker's address is in none of them.
        let base = Ipv4Addr::new(192, 168, 4, 0).to_bits();
        let ours = |address: u32| address.is_multiple_of(2) && address < base + 2_000;
        let program = program((base..base + 2_000).filter(|address| ours(*address)).map(|a| (a, a)));
        assert!(program.len() > 4_000, "{}", program.len());
        let left = open(link.left, &program);
        let right = open(link.right, &EVERYTHING);
        for address in (base..base + 2_048).step_by(7) {
            right.send(&request(Ipv4Addr::from_bits(address))).unwrap();
            if ours(address) {
                assert_eq!(Arp::decode(&receive(&left)).unwrap().target_ip.to_bits(), address);
            }
        }
        assert!(!readable(&left, Duration::ZERO));

        let too_long = vec![EVERYTHING[0]; MAX_INSTRUCTIONS + 1];
        assert_eq!(left.set_filter(&too_long).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

/// Sets the most memory that a filter and the one it replaces may take together, if the namespace has a limit of its own.
fn limit_filter_memory(bytes: &str) -> bool {
    const OPTMEM_MAX: &str = "/proc/sys/net/core/optmem_max";
    let set = std::fs::write(OPTMEM_MAX, bytes);
    if let Err(error) = &set {
        println!("skipped: {OPTMEM_MAX} is not the namespace's own in this kernel ({error})");
    }
    set.is_ok()
}

#[test]
fn with_the_usual_memory_the_longest_filter_can_be_replaced_by_another() {
    with_link(|link| {
        if limit_filter_memory("131072") {
            let left = open(link.left, &scattered(MAX_INSTRUCTIONS));
            left.set_filter(&scattered(MAX_INSTRUCTIONS)).unwrap();
        }
    });
}

#[test]
fn with_little_memory_for_filters_a_coarser_one_is_to_be_had() {
    with_link(|link| {
        // The default before Linux 6.8.
        if limit_filter_memory("20480") {
            let left = open(link.left, &scattered(64));
            let first = left.set_filter(&scattered(MAX_INSTRUCTIONS)).unwrap_err();
            assert_eq!(first.kind(), ErrorKind::OutOfMemory, "{first}");
            let fits = || filter::LIMITS.into_iter().find(|limit| left.set_filter(&scattered(*limit)).is_ok());
            assert_eq!(fits(), Some(1_024));
            // While that one is in place, half of the memory is left.
            assert_eq!(fits(), Some(512));
        }
    });
}

#[test]
fn a_replaced_filter_holds_from_the_next_frame_on() {
    with_link(|link| {
        let other = Ipv4Addr::new(10, 9, 8, 7);
        let left = open(link.left, &only(VIP));
        let right = open(link.right, &EVERYTHING);
        for _ in 0..100 {
            for (wanted, unwanted) in [(other, VIP), (VIP, other)] {
                left.set_filter(&only(wanted)).unwrap();
                right.send(&request(unwanted)).unwrap();
                right.send(&request(wanted)).unwrap();
                assert_eq!(receive(&left), request(wanted));
            }
        }
        assert!(!readable(&left, Duration::ZERO));
    });
}

#[test]
fn a_wrong_filter_is_refused_and_the_old_one_stays() {
    with_link(|link| {
        let left = open(link.left, &only(VIP));
        let right = open(link.right, &EVERYTHING);
        let jumps_beyond_the_end = [Instruction { code: 0x05, jt: 0, jf: 0, k: 9 }, EVERYTHING[0]];
        let error = left.set_filter(&jumps_beyond_the_end).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("2 instructions"), "{error}");
        right.send(&request(CLIENT)).unwrap();
        right.send(&request(VIP)).unwrap();
        assert_eq!(receive(&left), request(VIP));
    });
}

#[test]
fn a_removed_interface_ends_the_wait_with_an_error() {
    with_link(|link| {
        let left = open(link.left, &EVERYTHING);
        std::thread::scope(|scope| {
            // The waiting thread was in the namespace when it was made, so it still is.
            let waiting = scope.spawn(|| {
                assert!(readable(&left, Duration::from_secs(5)), "the wait did not end");
                left.receive(&mut [0; 100]).unwrap_err()
            });
            ip("link del left");
            let error = waiting.join().unwrap();
            assert_eq!(error.kind(), ErrorKind::NetworkDown, "{error}");
        });
        assert_eq!(left.receive(&mut [0; 100]).unwrap_err().kind(), ErrorKind::WouldBlock, "told once");
        let error = left.send(&request(VIP)).unwrap_err();
        assert!(error.to_string().contains("cannot send a frame of 60 bytes"), "{error}");
        assert!(PacketSocket::open(link.left, Protocol::Arp, &EVERYTHING).is_err());
    });
}

#[test]
fn an_interface_that_was_down_is_heard_again_without_a_new_socket() {
    with_link(|link| {
        let left = open(link.left, &only(VIP));
        let right = open(link.right, &EVERYTHING);
        ip("link set left down");
        assert!(readable(&left, Duration::from_secs(2)));
        assert_eq!(left.receive(&mut [0; 100]).unwrap_err().kind(), ErrorKind::NetworkDown);
        assert_eq!(left.send(&request(VIP)).unwrap_err().kind(), ErrorKind::NetworkDown);
        ip("link set left up");
        link.wait_until_it_carries();
        right.send(&request(CLIENT)).unwrap();
        right.send(&request(VIP)).unwrap();
        assert_eq!(receive(&left), request(VIP), "heard again, and the filter is still there");

        ip("link set left down");
        let down_from_the_start = PacketSocket::open(index("left"), Protocol::Arp, &EVERYTHING).unwrap();
        assert_eq!(down_from_the_start.receive(&mut [0; 100]).unwrap_err().kind(), ErrorKind::NetworkDown);
    });
}

/// What a socket that nobody reads keeps of an interface's short absence: the reason why the speaker opens new ones.
#[test]
fn a_short_absence_is_told_to_the_next_who_sends_and_a_removal_is_for_ever() {
    with_link(|link| {
        let (left, right) = (open(link.left, &EVERYTHING), open(link.right, &only(VIP)));
        // The other end was down: no carrier, and nothing to tell.
        ip("link set right down");
        ip("link set right up");
        link.wait_until_it_carries();
        while left.receive(&mut [0; 100]).is_ok() {}
        left.send(&request(CLIENT)).unwrap();

        // This end was down, and is up again: one frame is refused for it, the next is not.
        let right = {
            drop(right);
            open(link.right, &only(VIP))
        };
        ip("link set left down");
        ip("link set left up");
        link.wait_until_it_carries();
        assert_eq!(left.send(&request(VIP)).unwrap_err().kind(), ErrorKind::NetworkDown);
        left.send(&request(VIP)).unwrap();
        assert_eq!(receive(&right), request(VIP));
        let told = std::iter::repeat_with(|| left.receive(&mut [0; 100])).find_map(Result::err);
        assert_eq!(told.map(|error| error.kind()), Some(ErrorKind::WouldBlock), "told once, to who sent");

        // Another interface under the same number is not the one that the socket was opened on.
        ip("link del left");
        ip(&format!("link add left index {} type veth peer name right", link.left));
        ip("link set left address 02:00:00:00:00:01 up");
        ip("link set right address 02:00:00:00:00:02 up");
        let link = Link { left: index("left"), right: index("right") };
        link.wait_until_it_carries();
        let (new, right) = (open(link.left, &only(VIP)), open(link.right, &EVERYTHING));
        assert_eq!(left.receive(&mut [0; 100]).unwrap_err().kind(), ErrorKind::NetworkDown);
        right.send(&request(VIP)).unwrap();
        assert_eq!(receive(&new), request(VIP));
        assert_eq!(left.receive(&mut [0; 100]).unwrap_err().kind(), ErrorKind::WouldBlock, "deaf");
        assert!(left.send(&request(VIP)).is_err(), "and dumb");
    });
}

#[test]
fn a_full_queue_drops_and_counts() {
    with_link(|link| {
        let left = open(link.left, &only(VIP));
        let right = open(link.right, &EVERYTHING);
        assert_eq!(left.take_statistics().unwrap(), Statistics::default());
        const SENT: u32 = 5_000;
        for _ in 0..SENT {
            right.send(&request(VIP)).unwrap();
            right.send(&request(CLIENT)).unwrap();
        }
        let mut queued = 0;
        while left.receive(&mut [0; 100]).is_ok() {
            queued += 1;
        }
        let statistics = left.take_statistics().unwrap();
        assert_eq!(statistics.accepted, SENT, "what the filter rejects is not counted");
        assert_eq!(statistics.dropped, SENT - queued);
        assert!(statistics.dropped > 0, "the queue holds {queued}");
        assert_eq!(left.take_statistics().unwrap(), Statistics::default(), "counted since the last time");
    });
}
