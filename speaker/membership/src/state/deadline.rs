//! What is due, and whether we come too late to judge others.

use std::time::Duration;

use super::Membership;
use crate::timers::Timer;

/// After a late wake-up, judging waits so long for answers that are already in the socket.
const READ_FIRST: Duration = Duration::from_millis(10);
/// Slowness lengthens suspicion by at most this.
const MOST_ALLOWANCE: Duration = Duration::from_secs(1);

/// How late our own timers fired lately: the worst, halved with each second that passes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slowness {
    worst: Duration,
    at: Duration,
}

impl Slowness {
    fn note(&mut self, late: Duration, now: Duration) {
        self.worst = self.now(now).max(late);
        self.at = now;
    }

    fn now(self, now: Duration) -> Duration {
        let halvings = u32::try_from(now.saturating_sub(self.at).as_secs()).unwrap_or(u32::MAX).min(31);
        self.worst / (1 << halvings)
    }

    /// How much longer a suspicion lasts: who is late reads answers late.
    pub(super) fn allowance(self, now: Duration) -> Duration {
        (2 * self.now(now)).min(MOST_ALLOWANCE)
    }
}

impl Membership {
    pub(super) fn do_due(&mut self, now: Duration) {
        let Some(due) = self.timers.next_due() else { return };
        let late = now.saturating_sub(due);
        if late > self.config.timing.late_tolerance {
            self.counters.late_wakeups += 1;
            self.slowness.note(late, now);
            self.timers.stand_still(now, late, READ_FIRST);
            self.count_heartbeats_anew(now);
        }
        // Whatever is set while doing this is due later: every period is at least a millisecond.
        while let Some(entry) = self.timers.pop(now) {
            match entry.timer {
                Timer::Swim(timer) => self.wake_foca(timer, now),
                Timer::Prod(suspect) => self.prod(suspect, now),
                Timer::Doubt(node) => self.end_doubt(&node, now),
                Timer::Announce => self.announce(now),
                Timer::Push => self.push(now),
                Timer::Ask => self.ask_for_beats(now),
                Timer::Beat => self.beat(now),
                Timer::Watch => self.look_for_quiet(now),
                Timer::Start | Timer::Alone => {} // looked at after everything
                Timer::Leave => self.give_up_leaving(now),
            }
            self.obey_foca(now);
            if self.life.has_left() {
                return;
            }
        }
    }

    fn wake_foca(&mut self, timer: foca::Timer<crate::identity::Identity>, now: Duration) {
        if let foca::Timer::ChangeSuspectToDown { member_id, incarnation, .. } = &timer {
            let (suspect, incarnation) = (member_id.clone(), *incarnation);
            self.judge(&suspect, incarnation, timer, now);
        } else {
            // It complains of timers that outlived their purpose; there is nothing to do about it.
            let _ = self.foca.handle_timer(timer, &mut self.runtime);
        }
    }
}
