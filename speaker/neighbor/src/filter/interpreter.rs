//! Runs classic BPF as the kernel does, as far as the filter uses it, and refuses what the kernel would refuse.

use super::Instruction;

/// What the kernel knows about a received frame.
#[derive(Clone, Debug)]
pub(super) struct Packet<'a> {
    pub(super) bytes: &'a [u8],
    /// 0 this host, 1 everybody, 2 a group, 3 another host, 4 sent by this host.
    pub(super) packet_type: u8,
    pub(super) vlan_tag: u16,
}

/// Whether the kernel would load the program: `bpf_check_classic()` in net/core/filter.c.
pub(super) fn check(program: &[Instruction]) -> Result<(), String> {
    if program.is_empty() || program.len() > super::MAX_INSTRUCTIONS {
        return Err(format!("{} instructions", program.len()));
    }
    for (at, instruction) in program.iter().enumerate() {
        let rest = program.len() - at - 1;
        let farthest = match instruction.code {
            0x05 => instruction.k as usize,
            0x15 | 0x25 | 0x35 | 0x45 => usize::from(instruction.jt.max(instruction.jf)),
            0x06 | 0x14 | 0x20 | 0x28 | 0x30 => continue,
            code => return Err(format!("unknown code {code:#x} at {at}")),
        };
        if farthest >= rest {
            return Err(format!("jump of {farthest} from {at}, {rest} instructions before the end"));
        }
    }
    match program.last() {
        Some(last) if last.code == 0x06 => Ok(()),
        _ => Err("does not end with a return".to_owned()),
    }
}

/// The verdict, and how many instructions it took. A load beyond the frame's end rejects it.
pub(super) fn run(program: &[Instruction], packet: &Packet<'_>) -> (bool, usize) {
    let mut accumulator = 0_u32;
    let mut at = 0;
    let mut steps = 0;
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        steps += 1;
        at += 1;
        let branch = |taken: bool| usize::from(if taken { jt } else { jf });
        match code {
            0x20 | 0x28 | 0x30 => {
                let width = match code {
                    0x20 => 4,
                    0x28 => 2,
                    _ => 1,
                };
                match load(packet, k, width) {
                    Some(value) => accumulator = value,
                    None => return (false, steps),
                }
            }
            0x14 => accumulator = accumulator.wrapping_sub(k),
            0x05 => at += k as usize,
            0x15 => at += branch(accumulator == k),
            0x25 => at += branch(accumulator > k),
            0x35 => at += branch(accumulator >= k),
            0x45 => at += branch(accumulator & k != 0),
            0x06 => return (k != 0, steps),
            code => panic!("check() would have refused code {code:#x}"),
        }
    }
}

fn load(packet: &Packet<'_>, offset: u32, width: usize) -> Option<u32> {
    match offset {
        0xffff_f004 => Some(u32::from(packet.packet_type)),
        0xffff_f02c => Some(u32::from(packet.vlan_tag)),
        _ => {
            let bytes = packet.bytes.get(offset as usize..)?.get(..width)?;
            Some(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
        }
    }
}
