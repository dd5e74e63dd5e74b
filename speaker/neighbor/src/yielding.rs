//! Giving way: an address of ours that a speaker ahead of us claims.
//!
//! ```text
//!             a claim from ahead                       three probes unanswered,
//!   Owner ──────────────────────────────> Yielded ─────── or nobody is ahead ──────> Owner
//!   answers, announces                    silent, asks the network every 100 ms      announces at once
//! ```
//!
//! Two speakers may think for a moment that an address is theirs: one of them has not heard yet that the other lives. The
//! frames on the wire tell it first, and the order of election is known to both, so the one behind falls silent at once.
//! But the claim may have been the other one's last word. So the network is asked until the decision has been made anew;
//! while somebody ahead answers, the address is in good hands.
//!
//! A probe counts as missed only when the next one is due, and the next one goes out only then: a speaker that was itself
//! held up for a second has missed one answer, not ten.

use std::time::Duration;

use crate::packet::MacAddr;

/// Time between probes.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// So many probes in a row without an answer, and the address is taken back.
pub const MISSES: u32 = 3;

/// Probes per second when very many addresses were yielded at once.
pub const PROBES_PER_SECOND: u32 = 1_000;

/// Probes that may go out back to back after a pause.
pub const PROBES_AT_ONCE: u32 = 100;

/// To whom an address was yielded, and when that was last seen to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Yielded {
    to: MacAddr,
    /// Somebody ahead has said since the last probe that it has the address.
    heard: bool,
    misses: u32,
}

/// What to do when the next probe is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Probe,
    Resume,
}

impl Yielded {
    /// The claim is as good as an answer.
    pub(crate) fn to(mac: MacAddr) -> Self {
        Self { to: mac, heard: true, misses: 0 }
    }

    pub(crate) fn owner(&self) -> MacAddr {
        self.to
    }

    /// Somebody ahead says that it has the address.
    pub(crate) fn hear(&mut self, mac: MacAddr) {
        *self = Self::to(mac);
    }

    /// A probe is due.
    pub(crate) fn turn(&mut self) -> Turn {
        if !std::mem::take(&mut self.heard) {
            self.misses += 1;
        }
        if self.misses >= MISSES { Turn::Resume } else { Turn::Probe }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AHEAD: MacAddr = MacAddr(2, 0, 0, 0, 0, 7);

    #[test]
    fn three_probes_in_a_row_without_an_answer_take_it_back() {
        let mut yielded = Yielded::to(AHEAD);
        for _ in 0..3 {
            assert_eq!(yielded.turn(), Turn::Probe);
        }
        assert_eq!(yielded.turn(), Turn::Resume);
    }

    #[test]
    fn an_answer_in_between_begins_the_count_anew() {
        let mut yielded = Yielded::to(AHEAD);
        for _ in 0..1_000 {
            for _ in 0..3 {
                assert_eq!(yielded.turn(), Turn::Probe);
            }
            yielded.hear(AHEAD);
        }
    }
}
