//! Between foca and the caller: foca's wishes become timers and datagrams, its opinions become news once we believe
//! them.
//!
//! | foca says | we do |
//! |---|---|
//! | suspect (a timer to declare down) | ask the suspect directly, again and again; its answer ends the suspicion |
//! | down, by our own timer | tell the caller at once: the silence was complete |
//! | down, by hearsay | tell the caller unless the condemned proves the contrary within [`crate::Timing::check`], or within [`crate::Timing::doubt`] if it answered us lately |
//! | up | tell the caller, ask the new member for its list |
//! | renamed | the same node in a new life: tell the caller if it is a new process |

use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use foca::{OwnedNotification, PeriodicParams, State};

use super::Membership;
use crate::config::Timing;
use crate::facts::Phase;
use crate::identity::Identity;
use crate::output::{DownReason, Output};
use crate::packet::MAX_SWIM;
use crate::timers::Timer;

/// Members asked to probe on our behalf, and told of ordinary news, at a time.
const FEW: NonZeroUsize = NonZeroUsize::new(3).unwrap();
/// Members told at once of a verdict or of our new life: all of them in a small cluster.
const MANY: NonZeroUsize = NonZeroUsize::new(16).unwrap();
/// One in two periods or so a list is exchanged with somebody, which mends whatever gossip missed.
const LIST_PERIOD: Duration = Duration::from_secs(5);
/// Our rank is raised over a stranger's at most so often: two speakers on one node must not race each other.
const RAISE_PERIOD: Duration = Duration::from_millis(100);

pub(super) fn foca_config(timing: &Timing) -> foca::Config {
    foca::Config {
        probe_period: timing.probe_period,
        probe_rtt: timing.probe_timeout,
        num_indirect_probes: FEW,
        // News must last for one burst to MANY.
        max_transmissions: NonZeroU8::new(16).unwrap_or(NonZeroU8::MIN),
        suspect_to_down_after: timing.suspicion,
        remove_down_after: Some(timing.forget_after),
        max_packet_size: NonZeroUsize::new(MAX_SWIM).unwrap_or(NonZeroUsize::MIN),
        notify_down_members: true,
        periodic_announce: Some(PeriodicParams { frequency: LIST_PERIOD, num_members: NonZeroUsize::MIN }),
        // The announcer does this, for listed nodes too.
        periodic_announce_to_down_members: None,
        periodic_gossip: Some(PeriodicParams { frequency: timing.probe_period, num_members: FEW }),
    }
}

impl Membership {
    /// Handles all that foca has produced, and what follows from it.
    pub(super) fn obey_foca(&mut self, now: Duration) {
        while self.runtime.backlog() > 0 {
            while let Some(notification) = self.runtime.to_notify() {
                self.hear_opinion(notification, now);
            }
            while let Some((after, timer)) = self.runtime.to_schedule() {
                self.schedule(timer, after, now);
            }
            while let Some((to, message)) = self.runtime.to_send() {
                self.send(&to, Some(&message), now);
            }
        }
    }

    fn schedule(&mut self, timer: foca::Timer<Identity>, after: Duration, now: Duration) {
        match &timer {
            foca::Timer::ChangeSuspectToDown { member_id, .. } => {
                let suspect = member_id.clone();
                let timer = Timer::Swim(timer);
                if !self.timers.contains(|t| *t == timer) {
                    self.counters.suspicions += 1;
                    self.arm(Timer::Prod(suspect), now, Duration::ZERO);
                }
                self.arm(timer, now, after + self.slowness.allowance(now));
            }
            foca::Timer::RemoveDown(id) => {
                let node = Arc::clone(&id.node);
                // Earlier ones concern lives that are forgotten already.
                self.timers.remove(|t| matches!(t, Timer::Swim(foca::Timer::RemoveDown(old)) if old.node == node));
                self.arm(Timer::Swim(timer), now, after);
            }
            _ => self.arm(Timer::Swim(timer), now, after),
        }
    }

    fn hear_opinion(&mut self, notification: OwnedNotification<Identity>, now: Duration) {
        match notification {
            OwnedNotification::MemberUp(id) => self.believe_up(&id, now),
            OwnedNotification::MemberDown(id) => self.hear_down(&id, now),
            OwnedNotification::Rename(_, id) => self.note_life(&id, now),
            OwnedNotification::Rejoin(_) => {
                self.counters.rejoins += 1;
                self.reconnect();
                self.spread(MANY);
            }
            OwnedNotification::Active | OwnedNotification::Idle | OwnedNotification::Defunct => {}
        }
    }

    /// Records a newer life of a node; tells the caller if it is a new process of one that it believes alive. If the
    /// old one had said good-bye, it is told down first, with its reason: it was back before it was missed.
    fn note_life(&mut self, id: &Identity, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id.node) else { return };
        let restarted = peer.identity.as_ref().is_some_and(|old| old.boot != id.boot);
        if !restarted {
            peer.identity = Some(id.clone());
            return;
        }
        let (alive, going) = (peer.alive, peer.going);
        if let Some(phase) = going {
            self.tell_down(&id.node, DownReason::Left(phase), now);
        }
        self.watch.disarm(&id.node);
        let Some(peer) = self.peers.get_mut(&id.node) else { return };
        peer.identity = Some(id.clone());
        peer.forget_process_before(id.boot);
        if alive {
            peer.alive = true;
            peer.down_since = None;
            self.tell_up(id);
        }
    }

    fn believe_up(&mut self, id: &Identity, now: Duration) {
        self.note_life(id, now);
        let Some(peer) = self.peers.get_mut(&id.node) else { return };
        peer.pushes = 0;
        if peer.doubted {
            peer.doubted = false;
            self.counters.refuted_verdicts += 1;
            self.timers.remove(|t| matches!(t, Timer::Doubt(node) if *node == id.node));
        }
        if !peer.alive {
            peer.alive = true;
            if peer.down_since.take().is_some() {
                // While we held each other for dead it may have forgotten us.
                peer.acked = None;
            }
            self.tell_up(id);
        }
        self.arm(Timer::Push, now, Duration::ZERO);
        // Its list of members comes back.
        let _ = self.foca.announce(id.clone(), &mut self.runtime);
    }

    /// foca has taken somebody's word that a member is down, or judged itself (then the verdict was announced by
    /// [`Self::judge`] before).
    fn hear_down(&mut self, id: &Identity, now: Duration) {
        self.spread(FEW);
        let (check, doubt, suspicion) =
            (self.config.timing.check, self.config.timing.doubt, self.config.timing.suspicion);
        let Some(peer) = self.peers.get_mut(&id.node) else { return };
        peer.identity = Some(id.clone());
        if !peer.alive || peer.doubted {
            return;
        }
        match peer.record.as_ref().map(|r| r.facts.phase) {
            Some(phase @ (Phase::Stopping | Phase::Restarting { .. })) => {
                self.tell_down(&id.node, DownReason::Left(phase), now);
            }
            _ => {
                let lately = peer.answered_since(now.saturating_sub(suspicion));
                peer.doubted = true;
                self.arm(Timer::Doubt(Arc::clone(&id.node)), now, if lately { doubt } else { check });
                self.arm(Timer::Prod(id.clone()), now, Duration::ZERO);
            }
        }
    }

    /// Our own suspicion has run its time. The suspect answered nothing since, or the timer would be gone.
    pub(super) fn judge(
        &mut self,
        suspect: &Identity,
        incarnation: foca::Incarnation,
        timer: foca::Timer<Identity>,
        now: Duration,
    ) {
        // foca would tell a member that refuted the suspicion that it is down all the same.
        let stands = self.foca.iter_members().any(|member| {
            member.id() == suspect && member.incarnation() == incarnation && member.state() == State::Suspect
        });
        if !stands {
            return;
        }
        let _ = self.foca.handle_timer(timer, &mut self.runtime);
        if self.foca.iter_members().any(|member| member.id() == suspect) {
            return; // The suspicion was of an earlier life of ours.
        }
        self.spread(MANY);
        let reason = match self.peers.get(&suspect.node).and_then(|p| p.record.as_ref()).map(|r| r.facts.phase) {
            Some(phase @ (Phase::Stopping | Phase::Restarting { .. })) => DownReason::Left(phase),
            _ => DownReason::Silent,
        };
        self.tell_down(&suspect.node, reason, now);
    }

    /// The time to prove the contrary is over.
    pub(super) fn end_doubt(&mut self, node: &Arc<str>, now: Duration) {
        if self.peers.get(node).is_some_and(|p| p.doubted) {
            self.tell_down(node, DownReason::Reported, now);
        }
    }

    /// Asks a suspect to answer, as long as it is under suspicion or in doubt.
    pub(super) fn prod(&mut self, suspect: Identity, now: Duration) {
        let doubted = self.peers.get(&suspect.node).is_some_and(|p| p.doubted);
        let suspected = self.timers.contains(|t| suspicion_of(t, &suspect.node));
        if doubted || suspected {
            let _ = self.foca.announce(suspect.clone(), &mut self.runtime);
            self.arm(Timer::Prod(suspect), now, self.config.timing.prod_period);
        }
    }

    /// It answered us: no verdict from this suspicion, and time to refute what others say.
    pub(super) fn withdraw_verdict(&mut self, node: &Arc<str>, now: Duration) {
        if self.timers.remove(|t| suspicion_of(t, node)) > 0 {
            self.counters.withdrawn_verdicts += 1;
        }
        if self.timers.remove(|t| matches!(t, Timer::Doubt(doubted) if doubted == node)) > 0 {
            self.arm(Timer::Doubt(Arc::clone(node)), now, self.config.timing.doubt);
        }
    }

    /// Somebody knows our node under a higher rank: go above, or we shall never be believed.
    pub(super) fn outrank(&mut self, rank: u64, now: Duration) {
        if self.raised.is_some_and(|at| now < at + RAISE_PERIOD) {
            return;
        }
        self.raised = Some(now);
        self.counters.identity_conflicts += 1;
        if let Some(above) = self.foca.identity().above(rank) {
            let _ = self.foca.change_identity(above, &mut self.runtime);
            self.reconnect();
            self.spread(MANY);
        }
    }

    /// After a change of identity foca has dropped its suspicions and waits for a message before it probes again. If
    /// none ever comes it would hold everybody for alive; an empty update makes it look at its members.
    fn reconnect(&mut self) {
        self.timers.remove(|t| matches!(t, Timer::Swim(foca::Timer::ChangeSuspectToDown { .. })));
        let _ = self.foca.apply_many(std::iter::empty(), false, &mut self.runtime);
    }

    /// Declares our own life over, to as many as one burst reaches.
    pub(super) fn depart(&mut self, now: Duration) {
        self.widen(MANY);
        let _ = self.foca.leave_cluster(&mut self.runtime);
        self.obey_foca(now);
    }

    fn widen(&mut self, members: NonZeroUsize) {
        let mut config = self.foca_config.clone();
        config.num_indirect_probes = members;
        let _ = self.foca.set_config(config);
    }

    /// Sends foca's news to some members now.
    fn spread(&mut self, members: NonZeroUsize) {
        self.widen(members);
        let _ = self.foca.gossip(&mut self.runtime);
        self.widen(FEW);
    }

    /// Sends a verdict of ours to as many as one burst reaches.
    pub(super) fn tell_all(&mut self) {
        self.spread(MANY);
    }

    /// A process is up: to the caller it has said nothing yet, so what is known of its facts (they may have come before,
    /// also from others) is told again.
    fn tell_up(&mut self, id: &Identity) {
        self.outputs.push_back(Output::MemberUp { node: Arc::clone(&id.node), boot_id: id.boot, address: id.address });
        let record = self.peers.get(&id.node).and_then(|p| p.record.as_ref());
        if let Some(record) = record.filter(|record| record.boot == id.boot) {
            let (node, facts) = (Arc::clone(&record.node), record.facts.clone());
            self.outputs.push_back(Output::FactsChanged { node, facts });
        }
    }

    pub(super) fn tell_down(&mut self, node: &Arc<str>, reason: DownReason, now: Duration) {
        let Some(peer) = self.peers.get_mut(node) else { return };
        peer.doubted = false;
        if !std::mem::take(&mut peer.alive) {
            return;
        }
        self.watch.disarm(node);
        peer.down_since = Some(now);
        peer.relays = 0;
        self.outputs.push_back(Output::MemberDown {
            node: Arc::clone(node),
            boot_id: peer.identity.as_ref().map_or(0, |id| id.boot),
            reason,
            at: now,
            last_heard: peer.last_heard,
        });
        self.timers.remove(|t| matches!(t, Timer::Doubt(doubted) if doubted == node));
    }
}

/// Whether this timer would declare that node down.
fn suspicion_of(timer: &Timer, node: &Arc<str>) -> bool {
    matches!(timer, Timer::Swim(foca::Timer::ChangeSuspectToDown { member_id, .. }) if member_id.node == *node)
}
