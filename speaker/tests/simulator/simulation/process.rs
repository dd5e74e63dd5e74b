//! The process on a node: its life, its timers, its decisions.

use super::*;

impl Simulation {
    pub(super) fn start(&mut self, node: usize) -> Result<(), String> {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let mut boot = 1_000_000 + u64::try_from(self.now.as_millis()).unwrap_or(0);
        if self.plan.kind == Kind::Storm && self.rng.random_bool(0.05) {
            // The node's calendar was put back.
            boot -= self.rng.random_range(0..3_000);
        }
        let (keys, grace) = (self.keys.clone(), self.plan.silent_grace);
        let mut speaker = Speaker::start(node, self.plan.nodes, boot, seed, keys, Timing::default(), grace);
        speaker.loud = self.story.is_some();
        let place = &mut self.places[node];
        place.speaker = Some(speaker);
        place.powered = true;
        place.process += 1;
        place.paused_until = Duration::ZERO;
        place.asleep_until = Duration::ZERO;
        place.clock = Clock::starting(self.now);
        place.changed = self.now;
        place.frames.clear();
        place.wire_at = None;
        place.socket.clear();
        place.deferred.clear();
        place.wake_at = None;
        place.decide_at = None;
        place.back = None;
        place.last_news = self.now;
        if place.api {
            self.send_news(node, News::All);
        }
        self.disturb(self.now);
        self.follow(node)
    }

    pub(super) fn kill(&mut self, node: usize) -> Result<(), String> {
        let place = &mut self.places[node];
        place.speaker = None;
        place.process += 1;
        place.back = None;
        place.owned.clear();
        place.changed = self.now;
        self.look()
    }

    pub(super) fn leave(&mut self, node: usize, how: Leave, away: Option<Duration>) -> Result<(), String> {
        let now = self.now;
        let place = &mut self.places[node];
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        place.back = away;
        if how == Leave::Stop && speaker.begin_to_stop() {
            self.push_process(node, now + HANDOVER_LIMIT, What::StopNow);
            self.decide_soon(node);
            return Ok(());
        }
        speaker.leave(how, place.clock.shows(now));
        self.follow(node)
    }

    pub(super) fn proceed(&mut self, node: usize, what: What) -> Result<(), String> {
        let now = self.now;
        if let What::Start = what {
            return if self.places[node].speaker.is_none() { self.start(node) } else { Ok(()) };
        }
        let unfair = matches!(what, What::Resume) && self.rng.random_bool(0.5);
        let place = &mut self.places[node];
        let shown = place.clock.shows(now);
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        match what {
            What::Start => {}
            What::Wire => {
                if place.wire_at != Some(now) {
                    return Ok(());
                }
                place.wire_at = None;
                return self.follow_wire(node);
            }
            What::Wake => {
                if place.wake_at != Some(now) {
                    return Ok(());
                }
                place.wake_at = None;
                speaker.wake(shown);
            }
            What::Decide => {
                if place.decide_at != Some(now) {
                    return Ok(());
                }
                place.decide_at = None;
                return self.decide(node);
            }
            What::News { watch, news, truth } => {
                if watch != place.watch {
                    return Ok(()); // that connection is gone
                }
                speaker.see(&news, &truth, shown);
                self.decide_soon(node);
            }
            What::FactsOverdue => {
                speaker.facts_overdue();
                self.decide_soon(node);
            }
            What::Heard { target } => {
                speaker.heard(target);
                self.decide_soon(node);
                return Ok(());
            }
            What::StopNow => speaker.leave(Leave::Stop, shown),
            What::Resume => {
                if place.paused_until > now {
                    return Ok(());
                }
                // Timers may be looked at before the socket.
                if unfair {
                    speaker.wake(shown);
                }
                for (from, datagram) in std::mem::take(&mut place.socket) {
                    speaker.receive(from, &datagram, shown);
                }
                place.wake_at = None;
                place.decide_at = None;
                place.wire_at = None;
                for frame in std::mem::take(&mut place.frames) {
                    self.receive_frame(node, &frame)?;
                }
                let place = &mut self.places[node];
                for what in std::mem::take(&mut place.deferred) {
                    if !matches!(what, What::Wake | What::Decide | What::Wire) {
                        self.proceed(node, what)?;
                    }
                }
                self.follow_wire(node)?;
                self.decide_soon(node);
            }
        }
        self.follow(node)
    }

    pub(super) fn decide_soon(&mut self, node: usize) {
        self.decide_by(node, self.now + TURN);
    }

    fn decide_by(&mut self, node: usize, at: Duration) {
        let place = &mut self.places[node];
        if place.decide_at.is_none_or(|known| known > at) {
            place.decide_at = Some(at);
            self.push_process(node, at, What::Decide);
        }
    }

    pub(super) fn decide(&mut self, node: usize) -> Result<(), String> {
        let now = self.now;
        let place = &mut self.places[node];
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        let shown = place.clock.shows(now);
        let Decided { changes, probes, handed_over } = speaker.decide(shown);
        if handed_over {
            speaker.leave(Leave::Stop, shown);
        }
        let next = speaker.decide_at().map(|at| place.clock.when(at));
        for (ip, owns) in &changes {
            if !*owns {
                place.owned.remove(ip);
                continue;
            }
            place.owned.insert(*ip);
            if let Some(owner) = self.kept.get(ip).filter(|owner| **owner != node) {
                return Err(format!("invariant 8: node {node} takes {ip} while the speaker on node {owner} restarts"));
            }
        }
        for (ip, _) in changes.iter().filter(|(_, owns)| *owns) {
            self.check_incumbents(*ip, node)?;
        }
        for target in probes {
            self.probe(node, truth::node_at(target));
        }
        if let Some(at) = next {
            self.decide_by(node, at.max(now + TURN));
        }
        for (ip, owns) in &changes {
            let word = if *owns { "owns" } else { "gives up" };
            self.tell(|s| {
                let members = s.places[node].speaker.as_ref().map(Speaker::members).unwrap_or_default();
                format!("node {node} {word} {ip}; believes alive {members:?}")
            });
        }
        self.follow(node)?;
        self.follow_wire(node)?;
        if changes.is_empty() { Ok(()) } else { self.look() }
    }

    /// What a call to a speaker leads to.
    pub(super) fn follow(&mut self, node: usize) -> Result<(), String> {
        let now = self.now;
        let Some(speaker) = &mut self.places[node].speaker else { return Ok(()) };
        let effects = speaker.effects();
        let due = speaker.wake_at();
        let due = due.map(|at| self.places[node].clock.when(at));
        for told in &effects.told {
            self.tell(|_| format!("    node {node} hears: {told}"));
        }
        for (to, datagram) in effects.sent {
            self.transmit(node, truth::node_at(to.ip()), datagram);
        }
        if effects.news {
            self.decide_soon(node);
        }
        if effects.started {
            self.push_process(node, now + FACTS_PATIENCE, What::FactsOverdue);
        }
        if effects.left {
            let back = self.places[node].back;
            self.tell(|_| format!("node {node} has left"));
            self.kill(node)?;
            self.disturb(now);
            if let Some(away) = back {
                self.push_process(node, now + away, What::Start);
                self.disturb(now + away);
            }
            return Ok(());
        }
        let Some(due) = due else { return Ok(()) };
        let place = &mut self.places[node];
        let at = due.max(now) + Duration::from_micros(self.rng.random_range(0..=LATENESS));
        if place.wake_at.is_none_or(|known| known > at || known < now) {
            place.wake_at = Some(at);
            self.push_process(node, at, What::Wake);
        }
        Ok(())
    }
}
