//! The filter of neighbour discovery against its sentence.

use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::super::interpreter::{Packet, check, run};
use super::super::{MAX_INSTRUCTIONS, Program, compile_ndp};
use super::{BROADCAST, HOST, MAC, contains, some_address, some_ranges, verdict};
use crate::packet::ndp::Ndp;

const ASKER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);

fn compiled(ranges: &[(u128, u128)], limit: usize) -> Program {
    let ranges = ranges.iter().map(|(first, last)| Ipv6Addr::from_bits(*first)..=Ipv6Addr::from_bits(*last));
    let program = compile_ndp(ranges, limit);
    check(&program.instructions).unwrap();
    program
}

fn solicitation(target: u128) -> Vec<u8> {
    Ndp::solicitation(MAC, ASKER, Ipv6Addr::from_bits(target)).encode()
}

fn advertisement(target: u128) -> Vec<u8> {
    Ndp::announcement(MAC, ASKER, Ipv6Addr::from_bits(target)).encode()
}

fn address(text: &str) -> u128 {
    text.parse::<Ipv6Addr>().unwrap().to_bits()
}

#[test]
fn nothing_held_nothing_accepted() {
    let program = compiled(&[], MAX_INSTRUCTIONS);
    assert!(!verdict(&program, &solicitation(1), BROADCAST, 0));
}

#[test]
fn both_messages_count_by_target() {
    let (first, last) = (address("fd00::12"), address("fd00::1f"));
    let other = address("2001:db8:7::9");
    let program = compiled(&[(first, last), (other, other)], MAX_INSTRUCTIONS);
    for (target, wanted) in [
        (first, true),
        (last, true),
        (first - 1, false),
        (last + 1, false),
        (other, true),
        (other + (1 << 32), false),
        (other - (1 << 64), false),
        (other + (1 << 96), false),
        (0, false),
        (u128::MAX, false),
    ] {
        for frame in [solicitation(target), advertisement(target)] {
            assert_eq!(verdict(&program, &frame, BROADCAST, 0), wanted, "{}", Ipv6Addr::from_bits(target));
        }
    }
}

#[test]
fn every_header_field_that_is_not_neighbour_discoverys_rejects() {
    let program = compiled(&[(0, u128::MAX)], MAX_INSTRUCTIONS);
    let frame = solicitation(7);
    assert!(verdict(&program, &frame, BROADCAST, 0) && verdict(&program, &frame, HOST, 0));
    // EtherType, next header, hop limit, type, code.
    for at in [12, 13, 20, 21, 54, 55] {
        let mut changed = frame.clone();
        changed[at] ^= 0x40;
        assert!(!verdict(&program, &changed, BROADCAST, 0), "byte {at}");
    }
    let mut routed = frame.clone();
    routed[21] = 254;
    assert!(!verdict(&program, &routed, BROADCAST, 0), "hop limit 254");
    for (packet_type, vlan_tag) in [(3, 0), (4, 0), (1, 0x0064)] {
        assert!(!verdict(&program, &frame, packet_type, vlan_tag), "type {packet_type}, tag {vlan_tag:#x}");
    }
    let narrow = compiled(&[(7, 7)], MAX_INSTRUCTIONS);
    for length in 0..78 {
        assert!(!verdict(&narrow, &frame[..length], BROADCAST, 0), "{length} bytes");
    }
}

#[test]
fn two_thousand_neighbours_or_eight_hundred_strangers_fit() {
    let neighbours: Vec<_> = (0..2_000).map(|n| address("fd00::") + n * 2).map(|a| (a, a)).collect();
    // They share no more than their prefix of 64 bits.
    let strangers: Vec<_> = (0..800_u128)
        .map(|n| ((n * 0x9e37_79b9 % (1 << 32)) << 32) | (n * 0x85eb_ca6b % (1 << 32)))
        .map(|identifier| address("fd00::") | identifier)
        .map(|a| (a, a))
        .collect();
    for ranges in [neighbours, strangers] {
        let program = compiled(&ranges, MAX_INSTRUCTIONS);
        assert!(!program.coarse, "{} ranges", ranges.len());
        for (target, _) in &ranges {
            let frame = solicitation(*target);
            let packet = Packet { bytes: &frame, packet_type: BROADCAST, vlan_tag: 0 };
            let (accepted, steps) = run(&program.instructions, &packet);
            assert!(accepted && steps < 60, "{steps} steps");
        }
    }
}

#[test]
fn thousands_of_strangers_are_merged_until_they_fit() {
    let strangers: Vec<_> = (0..6_000_u128).map(|n| (n << 70) | (n << 33)).map(|a| (a, a)).collect();
    for limit in super::super::LIMITS {
        let program = compiled(&strangers, limit);
        assert!(program.coarse && program.instructions.len() <= limit, "{}", program.instructions.len());
        assert!(strangers.iter().all(|(target, _)| verdict(&program, &solicitation(*target), BROADCAST, 0)));
    }
}

/// Ranges that begin and end on, and beside, the boundaries of words.
fn some_wide_ranges(most: usize) -> impl Strategy<Value = Vec<(u128, u128)>> {
    let bound = (0_u32..128, 0_u128..6, any::<u32>().prop_map(|noise| (u128::from(noise) << 40) & (0xff << 64)))
        .prop_map(|(shift, few, noise)| (few << shift).wrapping_add(noise).wrapping_sub(few % 2));
    let range = (bound.clone(), bound).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let one = (any::<u128>(), 0_u32..128).prop_map(|(a, shift)| (a >> shift, a >> shift));
    prop::collection::vec(prop_oneof![range, one], 0..most)
}

proptest! {
    #[test]
    fn accepts_exactly_the_wanted_targets_or_more_when_coarse(
        (ranges, targets) in some_wide_ranges(60).prop_flat_map(|ranges| {
            let near = (any::<prop::sample::Index>(), any::<bool>(), 0_u32..128, -1_i8..=1);
            (Just(ranges), prop::collection::vec(near, 60))
        }),
        limit in prop_oneof![Just(MAX_INSTRUCTIONS), 80_usize..600],
    ) {
        let program = compiled(&ranges, limit);
        prop_assert!(program.instructions.len() <= limit);
        for (index, end, shift, step) in targets {
            let (first, last) = if ranges.is_empty() { (0, 0) } else { *index.get(&ranges) };
            let bound = if end { last } else { first };
            let target = match step {
                1 => bound.wrapping_add(1 << shift),
                -1 => bound.wrapping_sub(1 << shift),
                _ => bound,
            };
            let wanted = ranges.iter().any(|(first, last)| (*first..=*last).contains(&target));
            let accepted = verdict(&program, &solicitation(target), BROADCAST, 0);
            prop_assert_eq!(accepted, verdict(&program, &advertisement(target), HOST, 0));
            prop_assert!(accepted == wanted || (program.coarse && accepted), "{} wanted {wanted} coarse {} len {}", Ipv6Addr::from_bits(target), program.coarse, program.instructions.len());
        }
    }

    #[test]
    fn arps_and_neighbour_discoverys_searches_agree(
        (ranges, addresses) in some_ranges(80).prop_flat_map(|ranges| {
            let addresses = prop::collection::vec(some_address(ranges.clone()), 30);
            (Just(ranges), addresses)
        }),
    ) {
        let wide: Vec<_> = ranges.iter().map(|(first, last)| (u128::from(*first), u128::from(*last))).collect();
        let program = compiled(&wide, MAX_INSTRUCTIONS);
        for address in addresses {
            let accepted = verdict(&program, &solicitation(address.into()), BROADCAST, 0);
            prop_assert_eq!(accepted, contains(&ranges, address));
        }
    }
}
