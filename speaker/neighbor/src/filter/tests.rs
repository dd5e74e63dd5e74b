//! The program does what a plain sentence says: run it against that sentence.

mod ndp;

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use proptest::prelude::*;

use super::interpreter::{Packet, check, run};
use super::{MAX_INSTRUCTIONS, Program, compile_arp};
use crate::packet::MacAddr;
use crate::packet::arp::{Arp, Operation};

const HOST: u8 = 0;
const BROADCAST: u8 = 1;
const MAC: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);

fn ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(number)
}

fn verdict(program: &Program, bytes: &[u8], packet_type: u8, vlan_tag: u16) -> bool {
    run(&program.instructions, &Packet { bytes, packet_type, vlan_tag }).0
}

fn request(sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    Arp::request(MAC, sender, target).encode()
}

fn reply(sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    Arp { operation: Operation::Reply, ..Arp::request(MAC, sender, target) }.encode()
}

fn compiled(ranges: &[(u32, u32)], limit: usize) -> Program {
    let program = compile_arp(ranges.iter().map(|(first, last)| ip(*first)..=ip(*last)), limit);
    check(&program.instructions).unwrap();
    program
}

#[test]
fn nothing_announced_nothing_accepted() {
    let program = Program::reject_all();
    check(&program.instructions).unwrap();
    assert!(!verdict(&program, &request(ip(1), ip(2)), BROADCAST, 0));
    assert!(!verdict(&program, &[], HOST, 0));
    let backwards: RangeInclusive<Ipv4Addr> = ip(9)..=ip(3);
    assert_eq!(compile_arp([backwards], MAX_INSTRUCTIONS), program);
}

#[test]
fn requests_count_by_target_or_sender_and_replies_by_sender_alone() {
    let program = compiled(&[(100, 110), (200, 200)], MAX_INSTRUCTIONS);
    assert!(!program.coarse);
    for (frame, wanted) in [
        (request(ip(1), ip(100)), true),
        (request(ip(1), ip(110)), true),
        (request(ip(1), ip(99)), false),
        (request(ip(1), ip(111)), false),
        (request(ip(200), ip(1)), true),
        (request(ip(0), ip(105)), true),
        (reply(ip(200), ip(1)), true),
        (reply(ip(1), ip(200)), false),
        (reply(ip(201), ip(201)), false),
    ] {
        assert_eq!(verdict(&program, &frame, BROADCAST, 0), wanted, "{:?}", Arp::decode(&frame));
    }
}

#[test]
fn the_ends_of_the_address_space_are_addresses_like_any_other() {
    let program = compiled(&[(0, 0), (u32::MAX, u32::MAX)], MAX_INSTRUCTIONS);
    for (target, wanted) in [(0, true), (1, false), (u32::MAX - 1, false), (u32::MAX, true)] {
        assert_eq!(verdict(&program, &request(ip(7), ip(target)), BROADCAST, 0), wanted, "{target}");
    }
    let all = compiled(&[(0, u32::MAX)], MAX_INSTRUCTIONS);
    assert!(verdict(&all, &request(ip(0), ip(u32::MAX)), BROADCAST, 0));
}

#[test]
fn frames_for_other_hosts_sent_by_us_or_of_another_vlan_are_rejected() {
    let program = compiled(&[(100, 110)], MAX_INSTRUCTIONS);
    let frame = request(ip(1), ip(100));
    for (packet_type, vlan_tag, wanted) in [
        (0, 0, true),
        (1, 0, true),
        (2, 0, true),
        (3, 0, false),
        (4, 0, false),
        (7, 0, false),
        (1, 0x0064, false),
        (1, 0xe000, true), // priority 7, no VLAN
        (1, 0xe064, false),
    ] {
        assert_eq!(verdict(&program, &frame, packet_type, vlan_tag), wanted, "type {packet_type}, tag {vlan_tag:#x}");
    }
}

#[test]
fn every_header_field_that_is_not_arps_rejects() {
    let program = compiled(&[(0, u32::MAX)], MAX_INSTRUCTIONS);
    let frame = request(ip(1), ip(100));
    assert!(verdict(&program, &frame, BROADCAST, 0));
    for at in 12..22 {
        let mut changed = frame.clone();
        changed[at] ^= 0x40;
        assert!(!verdict(&program, &changed, BROADCAST, 0), "byte {at}");
    }
    for length in 0..42 {
        let wanted = length >= 32; // the sender, which decides here, ends at 32
        assert_eq!(verdict(&program, &frame[..length], BROADCAST, 0), wanted, "{length} bytes");
    }
}

#[test]
fn adjacent_and_overlapping_ranges_cost_as_much_as_one() {
    let one = compiled(&[(100, 200)], MAX_INSTRUCTIONS);
    let many: Vec<(u32, u32)> = (100..=198).map(|first| (first, first + 2)).rev().collect();
    assert_eq!(compiled(&many, MAX_INSTRUCTIONS), one);
}

#[test]
fn a_thousand_scattered_addresses_fit_and_take_a_dozen_comparisons_each() {
    let ranges: Vec<(u32, u32)> = (0..1_000).map(|n| (0xc0a8_0000 + n * 2, 0xc0a8_0000 + n * 2)).collect();
    let program = compiled(&ranges, MAX_INSTRUCTIONS);
    assert!(!program.coarse, "{} instructions", program.instructions.len());
    for target in 0xc0a8_0000..0xc0a8_0800 {
        let frame = request(ip(1), ip(target));
        let (accepted, steps) =
            run(&program.instructions, &Packet { bytes: &frame, packet_type: BROADCAST, vlan_tag: 0 });
        assert_eq!(accepted, ranges.contains(&(target, target)));
        assert!(steps < 70, "{steps} steps");
    }
}

#[test]
fn too_many_ranges_are_merged_at_their_smallest_gaps() {
    // Pairs 2 apart, the pairs 1,000 apart: the gaps inside the pairs go first.
    let ranges: Vec<(u32, u32)> =
        (0..900).flat_map(|pair| [(pair * 1_000, pair * 1_000), (pair * 1_000 + 2, pair * 1_000 + 2)]).collect();
    let program = compiled(&ranges, MAX_INSTRUCTIONS);
    assert!(program.coarse);
    assert!(program.instructions.len() > MAX_INSTRUCTIONS / 2, "coarser than needed");
    for pair in 0..900_u32 {
        let accepted = |offset: u32| verdict(&program, &request(ip(u32::MAX), ip(pair * 1_000 + offset)), BROADCAST, 0);
        assert!(accepted(0) && accepted(2), "pair {pair}");
        assert!(!accepted(500), "the wide gap after pair {pair} was closed");
    }
}

/// Ranges near each other and of all sizes, so that adjacency, overlap and containment happen.
fn some_ranges(most: usize) -> impl Strategy<Value = Vec<(u32, u32)>> {
    let near = (0_u32..5_000, 0_u32..40).prop_map(|(first, length)| (first, first + length));
    let far = (any::<u32>(), 0_u32..1 << 20).prop_map(|(first, length)| (first, first.saturating_add(length)));
    prop::collection::vec(prop_oneof![near, far], 0..most)
}

/// An address in, or just beside, one of the ranges, or anywhere.
fn some_address(ranges: Vec<(u32, u32)>) -> impl Strategy<Value = u32> {
    let near = (any::<prop::sample::Index>(), any::<bool>(), -2_i64..=2).prop_map(move |(index, end, offset)| {
        let bound = match ranges.is_empty() {
            true => 0,
            false if end => index.get(&ranges).1,
            false => index.get(&ranges).0,
        };
        u32::try_from(i64::from(bound) + offset).unwrap_or(bound)
    });
    prop_oneof![4 => near, 1 => any::<u32>()]
}

fn contains(ranges: &[(u32, u32)], address: u32) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&address))
}

proptest! {
    #[test]
    fn accepts_exactly_the_wanted_frames_or_more_when_coarse(
        (ranges, pairs) in some_ranges(120).prop_flat_map(|ranges| {
            let addresses = (some_address(ranges.clone()), some_address(ranges.clone()));
            (Just(ranges), prop::collection::vec(addresses, 50))
        }),
        limit in prop_oneof![Just(MAX_INSTRUCTIONS), 40_usize..600],
    ) {
        let program = compiled(&ranges, limit);
        prop_assert!(program.instructions.len() <= limit);
        for (sender, target) in pairs {
            let by_sender = contains(&ranges, sender);
            let wanted_request = by_sender || contains(&ranges, target);
            let accepted_request = verdict(&program, &request(ip(sender), ip(target)), BROADCAST, 0);
            let accepted_reply = verdict(&program, &reply(ip(sender), ip(target)), HOST, 0);
            if program.coarse {
                prop_assert!(accepted_request || !wanted_request, "{sender} {target}");
                prop_assert!(accepted_reply || !by_sender, "{sender} {target}");
            } else {
                prop_assert_eq!(accepted_request, wanted_request, "{} {}", sender, target);
                prop_assert_eq!(accepted_reply, by_sender, "{} {}", sender, target);
            }
        }
    }

    #[test]
    fn what_the_decoder_refuses_is_never_accepted_once_long_enough(
        ranges in some_ranges(10),
        mut frame in prop::collection::vec(any::<u8>(), 42..80),
        arp_like in any::<bool>(),
    ) {
        if arp_like {
            frame[12..20].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4]);
        }
        let program = compiled(&ranges, MAX_INSTRUCTIONS);
        let accepted = verdict(&program, &frame, BROADCAST, 0);
        prop_assert!(!accepted || Arp::decode(&frame).is_ok());
    }
}
