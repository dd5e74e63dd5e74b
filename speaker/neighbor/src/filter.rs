//! The kernel filters: which ARP and neighbour discovery frames are worth waking the speaker for.
//!
//! On a busy network a node hears thousands of ARP requests a second, nearly all of them about addresses that are not
//! ours, and every packet of IPv6. A classic BPF program on the socket throws those away inside the kernel. It needs no
//! privilege beyond the socket's own, which is why it is classic BPF and not eBPF.
//!
//! ```text
//!   for this host or for everybody, no foreign VLAN?  no ──────────────────────────────────> reject
//!
//!   ARP, Ethernet, IPv4, request or reply?            no ──────────────────────────────────> reject
//!   sender address in one of the ranges?              yes ─────────────────────────────────> accept (maybe a claim)
//!   request?                                          no ──────────────────────────────────> reject
//!   target address in one of the ranges?              yes ─> accept (somebody asks)     no ─> reject
//!
//!   IPv6, ICMPv6, hop limit 255?                      no ──────────────────────────────────> reject
//!   neighbour solicitation or advertisement?          no ──────────────────────────────────> reject
//!   target address in one of the ranges?              yes ─> accept (asks, or claims)   no ─> reject
//! ```
//!
//! "In one of the ranges?" is a balanced search tree over the ranges' bounds (`tree`): about eleven comparisons for a
//! thousand ranges. Jumps in classic BPF go forwards, conditional ones by at most 255 instructions; longer ones go
//! through an unconditional jump nearby (`assembler`).
//!
//! The kernel takes at most [`MAX_INSTRUCTIONS`]. About a thousand ranges of IPv4 fit, and of IPv6 about two thousand
//! addresses that differ in their last 32 bits, or eight hundred that have little in common; with more, the ranges with
//! the smallest gaps between them are merged until they do ([`Program::coarse`]): too much gets through then, never too
//! little, and [`Layer2::receive`](crate::Layer2::receive) drops and counts it.

mod assembler;
#[cfg(test)]
mod interpreter;
mod ranges;
#[cfg(test)]
mod tests;
mod tree;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use assembler::{Assembler, Label};
use ranges::Ranges;

/// The longest program that the kernel takes (`BPF_MAXINSNS`).
pub const MAX_INSTRUCTIONS: usize = 4_096;

/// Limits to try in turn, until the kernel takes the program. Before Linux 6.8 the translated program, and the one that
/// it replaces, are charged to `net.core.optmem_max` (20 KiB by default there), and one that is too long for it is refused
/// with "out of memory". The last is short enough for any kernel.
pub const LIMITS: [usize; 7] = [MAX_INSTRUCTIONS, 2_048, 1_024, 512, 256, 128, 64];

/// One instruction of classic BPF, laid out as the kernel's `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Class, size, mode or comparison.
    pub code: u16,
    /// Instructions to skip if the comparison holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Operand: offset, constant, or verdict.
    pub k: u32,
}

/// A filter to attach to a packet socket that sees whole Ethernet frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What the kernel is to run.
    pub instructions: Vec<Instruction>,
    /// Ranges were merged to fit, so frames about addresses between them get through too.
    pub coarse: bool,
}

impl Program {
    /// Lets nothing through.
    pub fn reject_all() -> Self {
        compile_arp([], MAX_INSTRUCTIONS)
    }
}

/// Offsets into the frame, and the kernel's metadata "offsets" (`SKF_AD_OFF` and what is added to it).
mod offset {
    pub(super) const ETHERTYPE: u32 = 12;
    pub(super) const HARDWARE_TYPE: u32 = 14;
    pub(super) const PROTOCOL_TYPE: u32 = 16;
    pub(super) const LENGTHS: u32 = 18;
    pub(super) const OPERATION: u32 = 20;
    pub(super) const SENDER_IP: u32 = 28;
    pub(super) const TARGET_IP: u32 = 38;
    /// IPv6's next header and hop limit, side by side.
    pub(super) const NEXT_HEADER: u32 = 20;
    /// ICMPv6's type and code, side by side.
    pub(super) const ICMPV6_TYPE: u32 = 54;
    /// The four words of the target of both messages of neighbour discovery.
    pub(super) const ND_TARGET: [u32; 4] = [62, 66, 70, 74];
    /// `SKF_AD_PKTTYPE`: to whom the frame was addressed.
    pub(super) const PACKET_TYPE: u32 = 0xffff_f000 + 4;
    /// `SKF_AD_VLAN_TAG`: the tag that the kernel took off, 0 if there was none.
    pub(super) const VLAN_TAG: u32 = 0xffff_f000 + 44;
}

/// `PACKET_MULTICAST`, the last of `PACKET_HOST` (0), `PACKET_BROADCAST` (1) and itself (2). What follows is for other
/// hosts or sent by this one.
const PACKET_MULTICAST: u32 = 2;

const ETHERTYPE_ARP: u32 = 0x0806;
const ETHERTYPE_IPV4: u32 = 0x0800;
const ETHERTYPE_IPV6: u32 = 0x86dd;
const HARDWARE_ETHERNET: u32 = 1;
const LENGTHS_6_AND_4: u32 = 0x0604;
const OPERATION_REQUEST: u32 = 1;
const OPERATION_REPLY: u32 = 2;
/// ICMPv6 (58) and hop limit 255.
const ICMPV6_FROM_THIS_LINK: u32 = 0x3aff;
/// Types 135 and 136, code 0.
const SOLICITATION: u32 = 0x8700;
const ADVERTISEMENT: u32 = 0x8800;
/// The 12 bits of a VLAN tag that say which VLAN. VLAN 0 is no VLAN, only a priority.
const VLAN_ID: u32 = 0x0fff;

/// Builds the filter of ARP for `concerned`, in at most `limit` instructions (and never more than [`MAX_INSTRUCTIONS`]).
/// Ranges may overlap and come in any order; one that ends before it begins is empty. No range at all: nothing gets
/// through. A `limit` below about 30 cannot be kept; the shortest program is returned then.
pub fn compile_arp(concerned: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>, limit: usize) -> Program {
    let wide = |address: &Ipv4Addr| u128::from(address.to_bits());
    let ranges = concerned.into_iter().map(|range| (wide(range.start()), wide(range.end())));
    fit(Ranges::new(ranges), limit, assemble_arp)
}

/// Builds the filter of neighbour discovery, as [`compile_arp`] does for ARP. A `limit` below about 80 cannot always be
/// kept.
pub fn compile_ndp(concerned: impl IntoIterator<Item = RangeInclusive<Ipv6Addr>>, limit: usize) -> Program {
    let ranges = concerned.into_iter().map(|range| (range.start().to_bits(), range.end().to_bits()));
    fit(Ranges::new(ranges), limit, assemble_ndp)
}

/// Merges ranges until the program is short enough.
fn fit(mut ranges: Ranges, limit: usize, assemble: fn(&Ranges) -> Vec<Instruction>) -> Program {
    let limit = limit.min(MAX_INSTRUCTIONS);
    let mut coarse = false;
    loop {
        let instructions = assemble(&ranges);
        if instructions.len() <= limit || ranges.len() <= 1 {
            return Program { instructions, coarse };
        }
        // Length grows with the number of ranges, so their ratio says how many will fit; at least one goes each time.
        let fitting = (ranges.len() * limit / instructions.len()).clamp(1, ranges.len() - 1);
        ranges.merge_to(fitting);
        coarse = true;
    }
}

/// Writes the program, last instruction first: a jump can then be written only to what is there already.
fn assemble_arp(ranges: &Ranges) -> Vec<Instruction> {
    let mut program = Assembler::default();
    let reject = program.verdict(false);
    if ranges.len() == 0 {
        return program.finish();
    }
    let accept = program.verdict(true);

    let target = tree::write(&mut program, ranges, &[offset::TARGET_IP], accept, reject);
    program.goto(target);
    let request = program.here();
    program.if_equal(OPERATION_REQUEST, request, reject);
    let not_the_sender = program.load_half(offset::OPERATION);

    let sender = tree::write(&mut program, ranges, &[offset::SENDER_IP], accept, not_the_sender);
    program.goto(sender);
    let known_operation = program.here();
    program.if_equal(OPERATION_REPLY, known_operation, reject);
    let not_a_request = program.here();
    program.if_equal(OPERATION_REQUEST, known_operation, not_a_request);
    program.load_half(offset::OPERATION);
    for (offset, wanted) in [
        (offset::LENGTHS, LENGTHS_6_AND_4),
        (offset::PROTOCOL_TYPE, ETHERTYPE_IPV4),
        (offset::HARDWARE_TYPE, HARDWARE_ETHERNET),
        (offset::ETHERTYPE, ETHERTYPE_ARP),
    ] {
        require(&mut program, offset, wanted, reject);
    }
    require_for_us(&mut program, reject);
    program.finish()
}

fn assemble_ndp(ranges: &Ranges) -> Vec<Instruction> {
    let mut program = Assembler::default();
    let reject = program.verdict(false);
    if ranges.len() == 0 {
        return program.finish();
    }
    let accept = program.verdict(true);

    let target = tree::write(&mut program, ranges, &offset::ND_TARGET, accept, reject);
    program.goto(target);
    let known_type = program.here();
    program.if_equal(ADVERTISEMENT, known_type, reject);
    let not_a_solicitation = program.here();
    program.if_equal(SOLICITATION, known_type, not_a_solicitation);
    program.load_half(offset::ICMPV6_TYPE);
    require(&mut program, offset::NEXT_HEADER, ICMPV6_FROM_THIS_LINK, reject);
    require(&mut program, offset::ETHERTYPE, ETHERTYPE_IPV6, reject);
    require_for_us(&mut program, reject);
    program.finish()
}

/// Goes on only if the 16 bits at `offset` are the wanted ones.
fn require(program: &mut Assembler, offset: u32, wanted: u32, reject: Label) {
    let next = program.here();
    program.if_equal(wanted, next, reject);
    program.load_half(offset);
}

/// Goes on only with frames for this host or for everybody, in no VLAN that has no interface here.
fn require_for_us(program: &mut Assembler, reject: Label) {
    let untagged = program.here();
    program.if_any_bit(VLAN_ID, reject, untagged);
    program.load_half(offset::VLAN_TAG);
    let addressed_to_us = program.here();
    program.if_greater(PACKET_MULTICAST, reject, addressed_to_us);
    program.load_byte(offset::PACKET_TYPE);
}
