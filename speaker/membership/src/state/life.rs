//! Start-up silence and the goodbye.
//!
//! ```text
//!   new ─► silent ──(set_nodes)──► asking ──► started ──(leave)──► leaving ──► left
//!                                    │ all listed nodes answered, or
//!                                    │ one did and the rest had their chance, or
//!                                    └ nobody did for start_silence
//! ```

use std::time::Duration;

use super::Membership;
use crate::facts::{Leave, Phase};
use crate::output::Output;
use crate::timers::Timer;

/// Where we are between start and end.
#[derive(Debug)]
pub(super) struct Life {
    started: bool,
    /// When the caller first told us the nodes.
    asked: Option<Duration>,
    /// When the first answer came.
    answered: Option<Duration>,
    leaving: Option<Leave>,
    left: bool,
}

impl Life {
    pub(super) fn new() -> Self {
        Self { started: false, asked: None, answered: None, leaving: None, left: false }
    }

    pub(super) fn started(&self) -> bool {
        self.started
    }

    pub(super) fn has_left(&self) -> bool {
        self.left
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// The nodes are known. True the first time.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        self.asked.replace(self.asked.unwrap_or(now)).is_none()
    }

    /// Somebody is there.
    pub(super) fn heard(&mut self, now: Duration) {
        self.answered.get_or_insert(now);
    }
}

impl Membership {
    /// Whether a state of life is complete.
    pub(super) fn review_life(&mut self, now: Duration) {
        if !self.life.started && self.may_start(now) {
            self.life.started = true;
            self.timers.remove(|t| *t == Timer::Start);
            self.outputs.push_back(Output::Started);
        }
        if self.life.is_leaving() && self.unacknowledged() == 0 {
            self.finish_leaving(0, now);
        }
    }

    fn may_start(&mut self, now: Duration) -> bool {
        let timing = self.config.timing;
        if let Some(answered) = self.life.answered {
            if now >= answered + timing.start_settle {
                return true;
            }
            self.timers.set_once(Timer::Start, answered, timing.start_settle);
        }
        self.life.asked.is_some_and(|asked| {
            now >= asked + timing.start_silence || self.peers.values().all(|p| p.listed.is_none() || p.alive)
        })
    }

    pub(super) fn begin_leaving(&mut self, how: Leave, now: Duration) {
        if self.life.is_leaving() || self.life.left {
            return;
        }
        self.life.leaving = Some(how);
        self.own.leave(Phase::from(how));
        self.publish(now);
        self.arm(Timer::Leave, now, self.config.timing.leave_timeout);
    }

    pub(super) fn give_up_leaving(&mut self, now: Duration) {
        if self.life.is_leaving() {
            let unacknowledged = self.unacknowledged();
            self.finish_leaving(unacknowledged, now);
        }
    }

    /// Live members that do not have our present facts.
    pub(super) fn unacknowledged(&self) -> usize {
        self.peers.values().filter(|p| p.alive && p.acked != Some(self.own.version)).count()
    }

    fn finish_leaving(&mut self, unacknowledged: usize, now: Duration) {
        if self.life.leaving == Some(Leave::Stop) {
            // Nobody has to wait until we are missed.
            self.depart(now);
        }
        self.life.left = true;
        self.timers.remove(|_| true);
        self.outputs.push_back(Output::Left { unacknowledged });
    }
}
