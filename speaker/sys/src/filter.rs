//! Classic BPF programs, as the kernel takes them.

use socket2::{SockFilter, Socket};
use std::io;

/// One instruction: `struct sock_filter` of linux/filter.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Class, size, mode or comparison.
    pub code: u16,
    /// Instructions to skip if the comparison holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// The longest program that the kernel takes (`BPF_MAXINSNS`).
const MAX_INSTRUCTIONS: usize = 4_096;

/// Attaches `program` in place of what filtered before. The kernel checks it first and swaps it in at once, so that every
/// frame meets either the old filter or the new one.
pub(crate) fn attach(socket: &Socket, program: &[Instruction]) -> io::Result<()> {
    if program.len() > MAX_INSTRUCTIONS {
        // The kernel's length field has 16 bits; a longer program would be cut, not refused.
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} instructions, the kernel takes {MAX_INSTRUCTIONS}", program.len()),
        ));
    }
    let program: Vec<SockFilter> =
        program.iter().map(|&Instruction { code, jt, jf, k }| SockFilter::new(code, jt, jf, k)).collect();
    socket.attach_filter(&program)
}
