//! Nobody answers although the API says that their nodes are well: is UDP blocked, or the key another one?

use std::collections::BTreeSet;
use std::time::Duration;

use super::Membership;
use crate::counters::DropReason;
use crate::output::Output;
use crate::timers::Timer;

/// No speaker is alive but us, and there should be some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alone {
    /// Listed nodes that are ready, according to the API.
    pub ready: usize,
    /// Why the last datagram that arrived meanwhile changed nothing. `None`: none arrived, so something on the way
    /// keeps them (or no other speaker runs).
    pub refused: Option<DropReason>,
}

/// Since when, and what the caller was told.
#[derive(Debug, Default)]
pub(super) struct Solitude {
    ready: BTreeSet<String>,
    since: Option<Duration>,
    refused: Option<DropReason>,
    told: Option<Alone>,
}

impl Solitude {
    pub(super) fn told(&self) -> Option<Alone> {
        self.told
    }

    /// A datagram was refused.
    pub(super) fn note_refused(&mut self, reason: DropReason) {
        // These say that two lives get to know each other, or nothing about others at all.
        let telling = !matches!(reason, DropReason::Own | DropReason::Outdated | DropReason::Replayed);
        if telling && self.since.is_some() {
            self.refused = Some(reason);
        }
    }
}

impl Membership {
    pub(super) fn set_ready_nodes(&mut self, nodes: impl IntoIterator<Item = String>) {
        self.solitude.ready = nodes.into_iter().collect();
    }

    /// Whether we are alone and should not be, and tells it once that has lasted.
    pub(super) fn review_solitude(&mut self, now: Duration) {
        // (Mostly the first of them is alive, and this is asked after each datagram: the others are not looked at.)
        let nobody = self.life.started() && !self.peers.values().any(|peer| peer.alive);
        let is_listed = |node: &&String| self.peers.get(node.as_str()).is_some_and(|peer| peer.listed.is_some());
        let ready = if nobody { self.solitude.ready.iter().filter(is_listed).count() } else { 0 };
        if ready == 0 {
            self.solitude.since = None;
            self.solitude.refused = None;
            if self.solitude.told.take().is_some() {
                self.outputs.push_back(Output::Alone(None));
            }
            return;
        }
        let after = self.config.timing.alone_after;
        let since = *self.solitude.since.get_or_insert(now);
        if now < since + after {
            self.arm(Timer::Alone, since, after);
            return;
        }
        let news = Some(Alone { ready, refused: self.solitude.refused });
        if self.solitude.told != news {
            self.solitude.told = news;
            self.outputs.push_back(Output::Alone(news));
        }
    }
}
