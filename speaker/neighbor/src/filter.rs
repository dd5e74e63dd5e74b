//! The kernel filter: which ARP frames are worth waking the speaker for.
//!
//! On a busy network a node hears thousands of ARP requests a second, nearly all of them about addresses that are not
//! ours. A classic BPF program on the socket throws those away inside the kernel. It needs no privilege beyond the
//! socket's own, which is why it is classic BPF and not eBPF.
//!
//! ```text
//!   for this host or for everybody, no foreign VLAN?  no ──────────────────────────────────> reject
//!   ARP, Ethernet, IPv4, request or reply?            no ──────────────────────────────────> reject
//!   sender address in one of the ranges?              yes ─────────────────────────────────> accept (maybe a claim)
//!   request?                                          no ──────────────────────────────────> reject
//!   target address in one of the ranges?              yes ─> accept (somebody asks)     no ─> reject
//! ```
//!
//! "In one of the ranges?" is a balanced search tree over the ranges' bounds, twice, once for each address: about eleven
//! comparisons for a thousand ranges. Jumps in classic BPF go forwards, conditional ones by at most 255 instructions;
//! longer ones go through an unconditional jump nearby (`assembler`). Addresses are compared as their distance from the
//! lowest one: the kernel translates a comparison with a constant below 2³¹ into one instruction, else into two. (An
//! address below the lowest is then a very long way above it, and outside.)
//!
//! The kernel takes at most [`MAX_INSTRUCTIONS`]. About a thousand ranges fit; with more, the ranges with the smallest
//! gaps between them are merged until they do ([`Program::coarse`]): too much gets through then, never too little, and
//! [`Layer2::receive`](crate::Layer2::receive) drops and counts it.

mod assembler;
#[cfg(test)]
mod interpreter;
mod ranges;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
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
        compile([], MAX_INSTRUCTIONS)
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
const HARDWARE_ETHERNET: u32 = 1;
const LENGTHS_6_AND_4: u32 = 0x0604;
const OPERATION_REQUEST: u32 = 1;
const OPERATION_REPLY: u32 = 2;
/// The 12 bits of a VLAN tag that say which VLAN. VLAN 0 is no VLAN, only a priority.
const VLAN_ID: u32 = 0x0fff;

/// Builds the filter for `announced`, in at most `limit` instructions (and never more than [`MAX_INSTRUCTIONS`]).
/// Ranges may overlap and come in any order; one that ends before it begins is empty. No range at all: nothing gets
/// through. A `limit` below about 30 cannot be kept; the shortest program is returned then.
pub fn compile(announced: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>, limit: usize) -> Program {
    let limit = limit.min(MAX_INSTRUCTIONS);
    let mut ranges = Ranges::new(announced);
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
fn assemble(ranges: &Ranges) -> Vec<Instruction> {
    let mut program = Assembler::default();
    let reject = program.verdict(false);
    let Some(lowest) = ranges.lowest() else {
        return program.finish();
    };
    let accept = program.verdict(true);
    let bounds = ranges.bounds();

    let target = search(&mut program, &bounds, Side::Inside, accept, reject);
    program.goto(target);
    program.subtract(lowest);
    program.load_word(offset::TARGET_IP);
    let request = program.here();
    program.if_equal(OPERATION_REQUEST, request, reject);
    let not_the_sender = program.load_half(offset::OPERATION);

    let sender = search(&mut program, &bounds, Side::Inside, accept, not_the_sender);
    program.goto(sender);
    program.subtract(lowest);
    program.load_word(offset::SENDER_IP);
    let known_operation = program.here();
    program.if_equal(OPERATION_REPLY, known_operation, reject);
    let not_a_request = program.here();
    program.if_equal(OPERATION_REQUEST, known_operation, not_a_request);
    for (offset, wanted) in [
        (offset::OPERATION, None),
        (offset::LENGTHS, Some(LENGTHS_6_AND_4)),
        (offset::PROTOCOL_TYPE, Some(ETHERTYPE_IPV4)),
        (offset::HARDWARE_TYPE, Some(HARDWARE_ETHERNET)),
        (offset::ETHERTYPE, Some(ETHERTYPE_ARP)),
    ] {
        if let Some(wanted) = wanted {
            let next = program.here();
            program.if_equal(wanted, next, reject);
        }
        program.load_half(offset);
    }
    let untagged = program.here();
    program.if_any_bit(VLAN_ID, reject, untagged);
    program.load_half(offset::VLAN_TAG);
    let addressed_to_us = program.here();
    program.if_greater(PACKET_MULTICAST, reject, addressed_to_us);
    program.load_byte(offset::PACKET_TYPE);
    program.finish()
}

/// On which side of a range's bound a value lies.
#[derive(Clone, Copy)]
enum Side {
    Outside,
    Inside,
}

impl Side {
    fn after(self, bounds: usize) -> Self {
        match (self, bounds % 2) {
            (side, 0) => side,
            (Self::Outside, _) => Self::Inside,
            (Self::Inside, _) => Self::Outside,
        }
    }
}

/// Writes the search for the loaded word among `bounds`, which are in order; each is the first value on the other side.
/// `side` is where values below the first bound lie.
fn search(program: &mut Assembler, bounds: &[u32], side: Side, accept: Label, reject: Label) -> Label {
    let middle = bounds.len() / 2;
    let Some((bound, above)) = bounds.get(middle..).and_then(<[u32]>::split_first) else {
        return match side {
            Side::Inside => accept,
            Side::Outside => reject,
        };
    };
    let below = bounds.get(..middle).unwrap_or_default();
    let right = search(program, above, side.after(middle + 1), accept, reject);
    let left = search(program, below, side, accept, reject);
    program.if_at_least(*bound, right, left)
}
