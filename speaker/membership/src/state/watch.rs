//! The fast watch: a few members are listened to closely, beside SWIM and not instead of it.
//!
//! ```text
//!   watcher                                              watched
//!      │ ── ask, every ASK_EVERY periods ─────────────────► │   admits MOST_PAIRS watchers, each for LEASE periods
//!      │ ◄──────────────── beat, every `heartbeat_period` ── │
//!      │ (nothing at all for `heartbeat_patience`)
//!      └─► Output::Quiet ─► the caller asks the *node* on layer 2
//!              nothing comes back: confirm_quiet ─► down, at once      it answers: deny_quiet ─► SWIM will find out
//! ```
//!
//! | pair | beat | other datagram | patience over | our own timers late | confirm | deny | down, new process |
//! |---|---|---|---|---|---|---|---|
//! | Asking | Listening | | | | refused | | |
//! | Listening | heard now | heard now | Asked, say Quiet | heard now | refused | | Asking |
//! | Asked | Listening | Listening | | Listening | say down, Asking | Asking | Asking |
//!
//! A pair is armed by a beat, so a member that does not beat for us (an older version, or one that has enough
//! watchers) is never called quiet. Who said good-bye is not called quiet either.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foca::{Member, State};

use super::Membership;
use crate::facts::Phase;
use crate::output::{DownReason, Output};
use crate::packet::body::Beat;
use crate::timers::Timer;

/// A member watches, and is watched by, so many others at most.
pub(super) const MOST_PAIRS: usize = 16;
/// Heartbeats are asked for every so many periods.
const ASK_EVERY: u32 = 5;
/// And come for so many periods after each request: three of them may be lost.
const LEASE: u32 = 20;

/// One that we listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    /// No heartbeat has come yet.
    Asking,
    /// They come; the last sign of life was then.
    Listening { heard: Duration },
    /// They stopped, and the caller finds out about the node.
    Asked,
}

/// Whom we listen to, and who listens to us.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pairs: BTreeMap<Arc<str>, Pair>,
    /// Until when each of them wants our heartbeats.
    watchers: BTreeMap<Arc<str>, Duration>,
}

impl Watch {
    /// Something authentic and fresh came from this node. True if it can be missed from now on.
    fn heard(&mut self, node: &Arc<str>, beat: bool, now: Duration) -> bool {
        match self.pairs.get_mut(node) {
            Some(pair) if beat || *pair != Pair::Asking => {
                let before = std::mem::replace(pair, Pair::Listening { heard: now });
                !matches!(before, Pair::Listening { .. })
            }
            _ => false,
        }
    }

    /// It is down, or another process runs there: it has to beat for us again before it can be missed.
    pub(super) fn disarm(&mut self, node: &Arc<str>) {
        if let Some(pair) = self.pairs.get_mut(node) {
            *pair = Pair::Asking;
        }
    }

    /// We did not run: heartbeats may wait in the socket. Whoever counted as heard or quiet counts as heard now.
    fn start_over(&mut self, now: Duration) -> bool {
        let armed = self.pairs.values_mut().filter(|pair| **pair != Pair::Asking);
        armed.fold(false, |_, pair| {
            *pair = Pair::Listening { heard: now };
            true
        })
    }

    fn next_patience(&self, patience: Duration) -> Option<Duration> {
        let heard = self.pairs.values().filter_map(|pair| match pair {
            Pair::Listening { heard } => Some(*heard),
            _ => None,
        });
        Some(heard.min()? + patience)
    }
}

impl Membership {
    fn fast_watch(&self) -> bool {
        !self.config.timing.heartbeat_period.is_zero()
    }

    pub(super) fn set_watched(&mut self, nodes: impl IntoIterator<Item = Arc<str>>, now: Duration) {
        let own = Arc::clone(&self.foca.identity().node);
        let on = self.fast_watch();
        let wanted = nodes.into_iter().filter(|node| on && *node != own);
        let known = std::mem::take(&mut self.watch.pairs);
        for node in wanted {
            if self.watch.pairs.len() == MOST_PAIRS && !self.watch.pairs.contains_key(&node) {
                break;
            }
            let pair = known.get(&node).copied().unwrap_or(Pair::Asking);
            self.watch.pairs.insert(node, pair);
        }
        if self.watch.pairs.keys().any(|node| !known.contains_key(node)) {
            self.arm(Timer::Ask, now, Duration::ZERO);
        }
    }

    /// Asks those that we watch and that are alive to go on beating.
    pub(super) fn ask_for_beats(&mut self, now: Duration) {
        if self.watch.pairs.is_empty() {
            return;
        }
        self.send_beats(self.watch.pairs.keys().cloned().collect(), Beat::Ask, now);
        self.arm(Timer::Ask, now, self.config.timing.heartbeat_period * ASK_EVERY);
    }

    /// One heartbeat to everybody who wants them.
    pub(super) fn beat(&mut self, now: Duration) {
        self.watch.watchers.retain(|_, until| now < *until);
        if self.watch.watchers.is_empty() {
            return;
        }
        self.send_beats(self.watch.watchers.keys().cloned().collect(), Beat::Here, now);
        self.arm(Timer::Beat, now, self.config.timing.heartbeat_period);
    }

    fn send_beats(&mut self, to: Vec<Arc<str>>, beat: Beat, now: Duration) {
        for node in to {
            let identity = self.peers.get(&node).filter(|peer| peer.alive).and_then(|peer| peer.identity.clone());
            if let Some(identity) = identity {
                self.send_beat(&identity, beat, now);
            }
        }
    }

    /// A sign of life of whatever kind.
    pub(super) fn note_life_sign(&mut self, node: &Arc<str>, beat: bool, now: Duration) {
        if self.watch.heard(node, beat, now) {
            self.arm(Timer::Watch, now, self.config.timing.heartbeat_patience);
        }
    }

    /// Our own timers fired late.
    pub(super) fn count_heartbeats_anew(&mut self, now: Duration) {
        if self.watch.start_over(now) {
            self.counters.watch_discarded += 1;
            self.arm(Timer::Watch, now, self.config.timing.heartbeat_patience);
        }
    }

    /// What a heartbeat, or the wish for some, changes.
    pub(super) fn take_beat(&mut self, from: &Arc<str>, beat: Beat, now: Duration) {
        match beat {
            Beat::Here => self.note_life_sign(from, true, now),
            Beat::Ask if !self.fast_watch() => {}
            Beat::Ask => {
                let known = self.watch.watchers.contains_key(from);
                if !known && self.watch.watchers.len() >= MOST_PAIRS {
                    self.counters.watchers_refused += 1;
                    return;
                }
                let until = now + self.config.timing.heartbeat_period * LEASE;
                self.watch.watchers.insert(Arc::clone(from), until);
                if !known {
                    self.send_beats(vec![Arc::clone(from)], Beat::Here, now);
                    self.arm(Timer::Beat, now, self.config.timing.heartbeat_period);
                }
            }
        }
    }

    /// Whether somebody has missed its heartbeats. The caller of this has seen to it that we are punctual.
    pub(super) fn look_for_quiet(&mut self, now: Duration) {
        let patience = self.config.timing.heartbeat_patience;
        for (node, pair) in &mut self.watch.pairs {
            let Pair::Listening { heard } = *pair else { continue };
            if now < heard + patience {
                continue;
            }
            let peer = self.peers.get(node).filter(|peer| peer.alive);
            let phase = peer.and_then(|peer| peer.record.as_ref()).map(|record| record.facts.phase);
            if peer.is_none() || matches!(phase, Some(Phase::Stopping | Phase::Restarting { .. })) {
                *pair = Pair::Asking;
                continue;
            }
            *pair = Pair::Asked;
            self.counters.quiet += 1;
            self.outputs.push_back(Output::Quiet { node: Arc::clone(node) });
        }
        if let Some(at) = self.watch.next_patience(patience) {
            self.arm(Timer::Watch, now, at.saturating_sub(now));
        }
    }

    /// The node does not answer on layer 2 either.
    pub(super) fn condemn(&mut self, node: &str, now: Duration) -> bool {
        let Some((node, pair)) = self.watch.pairs.iter_mut().find(|(watched, _)| ***watched == *node) else {
            return false;
        };
        if *pair != Pair::Asked {
            return false;
        }
        *pair = Pair::Asking;
        let node = Arc::clone(node);
        let Some(peer) = self.peers.get(&node).filter(|peer| peer.alive) else { return false };
        let Some(identity) = peer.identity.clone() else { return false };
        let member = self.foca.iter_members().find(|member| *member.id() == identity);
        let incarnation = member.map_or(0, Member::incarnation);
        let verdict = Member::new(identity, incarnation, State::Down);
        let _ = self.foca.apply_many(std::iter::once(verdict), true, &mut self.runtime);
        self.counters.quiet_confirmed += 1;
        self.tell_all();
        self.tell_down(&node, DownReason::Quiet, now);
        true
    }

    /// The node answers on layer 2: only its speaker is quiet.
    pub(super) fn pardon(&mut self, node: &str) {
        if let Some(pair) = self.watch.pairs.get_mut(node)
            && *pair == Pair::Asked
        {
            *pair = Pair::Asking;
            self.counters.quiet_denied += 1;
        }
    }
}
