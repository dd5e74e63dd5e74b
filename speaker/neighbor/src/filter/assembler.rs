//! Writes a classic BPF program from its end to its beginning, so that every jump's distance is known when it is written.

use std::collections::BTreeMap;

use super::Instruction;

/// An instruction already written, counted from the program's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label(usize);

/// Farthest that a conditional jump is made to reach directly. The field holds up to 255; writing a stepping stone for
/// one branch moves the other branch's target one farther away.
const REACH: usize = 250;

// Opcodes, from linux/bpf_common.h: class | size or comparison | mode or source.
const LD_BYTE: u16 = 0x30;
const LD_HALF: u16 = 0x28;
const LD_WORD: u16 = 0x20;
const SUBTRACT: u16 = 0x14;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// How many bytes of an accepted frame are wanted: all.
const WHOLE_FRAME: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// The last instruction of the program first.
    reversed: Vec<Instruction>,
    /// The closest unconditional jump to a far label written so far.
    stepping_stones: BTreeMap<Label, Label>,
}

impl Assembler {
    /// The instruction written last, that is, the one executed next after what will be written next.
    pub(super) fn here(&self) -> Label {
        Label(self.reversed.len().saturating_sub(1))
    }

    /// The program in the order of execution.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        self.reversed.reverse();
        self.reversed
    }

    pub(super) fn verdict(&mut self, accept: bool) -> Label {
        self.write(RETURN, 0, 0, if accept { WHOLE_FRAME } else { 0 })
    }

    pub(super) fn load_byte(&mut self, offset: u32) -> Label {
        self.write(LD_BYTE, 0, 0, offset)
    }

    pub(super) fn load_half(&mut self, offset: u32) -> Label {
        self.write(LD_HALF, 0, 0, offset)
    }

    pub(super) fn load_word(&mut self, offset: u32) -> Label {
        self.write(LD_WORD, 0, 0, offset)
    }

    /// Modulo 2³².
    pub(super) fn subtract(&mut self, value: u32) -> Label {
        self.write(SUBTRACT, 0, 0, value)
    }

    pub(super) fn if_equal(&mut self, value: u32, then: Label, otherwise: Label) -> Label {
        self.branch(JUMP_EQUAL, value, then, otherwise)
    }

    pub(super) fn if_greater(&mut self, value: u32, then: Label, otherwise: Label) -> Label {
        self.branch(JUMP_GREATER, value, then, otherwise)
    }

    pub(super) fn if_at_least(&mut self, value: u32, then: Label, otherwise: Label) -> Label {
        self.branch(JUMP_AT_LEAST, value, then, otherwise)
    }

    pub(super) fn if_any_bit(&mut self, mask: u32, then: Label, otherwise: Label) -> Label {
        self.branch(JUMP_ANY_BIT, mask, then, otherwise)
    }

    /// Makes `target` the next instruction: nothing to write if it is the one written last.
    pub(super) fn goto(&mut self, target: Label) {
        if target != self.here() {
            self.jump(target);
        }
    }

    fn branch(&mut self, code: u16, value: u32, then: Label, otherwise: Label) -> Label {
        let then = self.within_reach(then);
        let otherwise = self.within_reach(otherwise);
        let (jt, jf) = (self.short_distance(then), self.short_distance(otherwise));
        self.write(code, jt, jf, value)
    }

    /// `target`, or a stepping stone to it.
    fn within_reach(&mut self, target: Label) -> Label {
        if self.distance(target) <= REACH {
            return target;
        }
        if let Some(&stone) = self.stepping_stones.get(&target)
            && self.distance(stone) <= REACH
        {
            return stone;
        }
        let stone = self.jump(target);
        self.stepping_stones.insert(target, stone);
        stone
    }

    fn jump(&mut self, target: Label) -> Label {
        // An unconditional jump's distance has 32 bits, and programs are shorter than that by far.
        let distance = u32::try_from(self.distance(target)).unwrap_or(u32::MAX);
        self.write(JUMP, 0, 0, distance)
    }

    /// Instructions to skip from the next one written to `target`.
    fn distance(&self, target: Label) -> usize {
        self.here().0.saturating_sub(target.0)
    }

    fn short_distance(&self, target: Label) -> u8 {
        let distance = self.distance(target);
        debug_assert!(distance <= usize::from(u8::MAX), "within_reach bounds it by REACH + 1");
        u8::try_from(distance).unwrap_or(u8::MAX)
    }

    fn write(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(Instruction { code, jt, jf, k });
        self.here()
    }
}
