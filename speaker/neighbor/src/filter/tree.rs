//! The search for an address among ranges, 32 bits at a time: classic BPF can compare no more.
//!
//! ```text
//!   first word   ──┬─ outside of all ranges ─────────────────────────────> absent
//!                  ├─ every address that begins so is in a range ────────> present
//!                  └─ some are: second word ──┬─ …                         (IPv6; an IPv4 address is one word)
//! ```
//!
//! Each level is a balanced search over the words at which the answer changes. Words are compared as their distance from
//! the lowest one: the kernel translates a comparison with a constant below 2³¹ into one instruction, else into two. (A
//! word below the lowest is then a very long way above it, and outside.)

use super::assembler::{Assembler, Label};
use super::ranges::Ranges;

/// What follows from one word.
#[derive(Debug)]
enum Verdict {
    Present,
    /// It depends on the following words.
    Partly(Ranges),
}

/// From `first` to `last`, both included, the verdict is the same.
#[derive(Debug)]
struct Segment {
    first: u32,
    last: u32,
    verdict: Verdict,
}

/// Writes the search for the address whose words are at `offsets`, most significant first, and returns where it begins.
pub(super) fn write(program: &mut Assembler, ranges: &Ranges, offsets: &[u32], present: Label, absent: Label) -> Label {
    let Some((offset, further)) = offsets.split_first() else { return present };
    let segments = segments(ranges, further.len());
    let Some(lowest) = segments.first().map(|segment| segment.first) else { return absent };

    // Where the answer changes, counted from the lowest word and in order, and to what.
    let mut changes: Vec<(u32, Label)> = Vec::with_capacity(2 * segments.len());
    for Segment { first, last, verdict } in segments {
        let label = match verdict {
            Verdict::Present => present,
            Verdict::Partly(ranges) => write(program, &ranges, further, present, absent),
        };
        // Adjacent segments: the change comes where the gap between them would have begun.
        changes.pop_if(|(at, _)| *at == first - lowest);
        changes.push((first - lowest, label));
        // Only a segment of all words there are has no word after it.
        changes.extend((last - lowest).checked_add(1).map(|after| (after, absent)));
    }
    match changes.as_slice() {
        [(_, only), (1, after)] if *after == absent => {
            program.if_equal(lowest, *only, absent);
        }
        _ => {
            let found = search(program, &changes, absent);
            program.goto(found);
            program.subtract(lowest);
        }
    }
    program.load_word(*offset)
}

/// Writes the search for the loaded word among `changes`; it is not below the first of them.
fn search(program: &mut Assembler, changes: &[(u32, Label)], absent: Label) -> Label {
    let (below, above) = changes.split_at(changes.len() / 2);
    match (below, above) {
        ([], above) => above.first().map_or(absent, |(_, label)| *label),
        (below, [(bound, _), ..]) => {
            let right = search(program, above, absent);
            let left = search(program, below, absent);
            program.if_at_least(*bound, right, left)
        }
        (_, []) => absent,
    }
}

/// What the most significant word says, when `further` words follow it: disjoint and in order.
fn segments(ranges: &Ranges, further: usize) -> Vec<Segment> {
    let shift = 32 * further;
    let rest = (1_u128 << shift) - 1;
    let word = |address: u128| u32::try_from(address >> shift & u128::from(u32::MAX)).unwrap_or(u32::MAX);
    let mut segments: Vec<Segment> = Vec::new();
    let partly = |segments: &mut Vec<Segment>, at: u32, first: u128, last: u128| match segments.last_mut() {
        Some(Segment { first: known, verdict: Verdict::Partly(ranges), .. }) if *known == at => {
            ranges.push(first, last);
        }
        _ => {
            let verdict = Verdict::Partly(Ranges::one(first, last));
            segments.push(Segment { first: at, last: at, verdict });
        }
    };
    for (first, last) in ranges.iter() {
        let (mut from, mut to) = (Some(word(first)), Some(word(last)));
        if word(first) == word(last) && (first & rest != 0 || last & rest != rest) {
            partly(&mut segments, word(first), first & rest, last & rest);
            continue;
        }
        if first & rest != 0 {
            partly(&mut segments, word(first), first & rest, rest);
            from = word(first).checked_add(1);
        }
        if last & rest != rest {
            to = word(last).checked_sub(1);
        }
        if let (Some(from), Some(to)) = (from, to)
            && from <= to
        {
            segments.push(Segment { first: from, last: to, verdict: Verdict::Present });
        }
        if last & rest != rest {
            partly(&mut segments, word(last), 0, last & rest);
        }
    }
    segments
}
