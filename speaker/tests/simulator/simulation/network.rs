//! What gets from node to node: datagrams and frames.

use super::*;

impl Simulation {
    /// Whether frames get from the one to the other.
    fn reaches(&self, from: usize, to: usize) -> bool {
        self.places[from].side == self.places[to].side && !self.cuts.contains(&(from, to))
    }

    /// Whether datagrams do.
    fn hears(&self, from: usize, to: usize) -> bool {
        self.places[from].ear == self.places[to].ear && self.reaches(from, to)
    }

    pub(super) fn transmit(&mut self, from: usize, to: usize, datagram: Vec<u8>) {
        self.outcome.datagrams += 1;
        if to >= self.places.len() || !self.hears(from, to) {
            return;
        }
        let Network { loss, twice, delay } = self.network;
        if twice > 0.0 && self.rng.random_bool(twice) {
            let at = self.now + Duration::from_micros(self.rng.random_range(50..=delay));
            self.push(at, Event::Deliver { to, from, datagram: datagram.clone() });
        }
        if loss > 0.0 && self.rng.random_bool(loss) {
            return;
        }
        let at = self.now + Duration::from_micros(self.rng.random_range(50..=delay));
        self.push(at, Event::Deliver { to, from, datagram });
    }

    pub(super) fn deliver(&mut self, to: usize, from: usize, datagram: Vec<u8>) -> Result<(), String> {
        let now = self.now;
        if !self.hears(from, to) {
            return Ok(());
        }
        let place = &mut self.places[to];
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        if place.paused_until > now {
            if place.socket.len() < SOCKET && place.asleep_until <= now {
                place.socket.push((truth::address(from), datagram));
            }
            return Ok(());
        }
        speaker.receive(truth::address(from), &datagram, place.clock.shows(now));
        self.follow(to)
    }

    /// Asks for a node on layer 2, once. Frames are only lost in storms: three in a row that are would be a verdict.
    pub(super) fn probe(&mut self, node: usize, target: usize) {
        let Some(other) = self.places.get(target) else { return };
        let there = other.powered && other.asleep_until <= self.now;
        if there && self.reaches(node, target) && self.reaches(target, node) && !self.loses() && !self.loses() {
            let after = Duration::from_micros(self.rng.random_range(100..=2 * self.network.delay));
            self.push_process(node, self.now + after, What::Heard { target });
        }
    }

    /// Whether a frame is lost.
    fn loses(&mut self) -> bool {
        let loss = self.network.loss;
        self.plan.kind == Kind::Storm && loss > 0.0 && self.rng.random_bool(loss)
    }

    /// What the wire of a node has to say, and when it wants its turn again.
    pub(super) fn follow_wire(&mut self, node: usize) -> Result<(), String> {
        let now = self.now;
        let place = &mut self.places[node];
        let shown = place.clock.shows(now);
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        let frames = speaker.wire.poll(shown);
        let turns = speaker.wire.turns();
        if let Some(due) = speaker.wire.next_deadline() {
            let at = place.clock.when(due).max(now + Duration::from_micros(1));
            if place.wire_at.is_none_or(|known| known > at || known <= now) {
                place.wire_at = Some(at);
                self.push_process(node, at, What::Wire);
            }
        }
        for frame in frames {
            self.send_frame(node, frame);
        }
        for (ip, yielded) in &turns {
            let word = if *yielded { "gives way for" } else { "takes back" };
            self.tell(|_| format!("node {node} {word} {ip}"));
        }
        if turns.is_empty() { Ok(()) } else { self.look() }
    }

    fn send_frame(&mut self, from: usize, frame: Vec<u8>) {
        if !self.loses() {
            let at = self.now + Duration::from_micros(self.rng.random_range(20..=500));
            self.push(at, Event::Frame { from, frame });
        }
    }

    pub(super) fn deliver_frame(&mut self, from: usize, frame: &[u8]) -> Result<(), String> {
        let to = wire::destination(frame);
        for node in (0..self.places.len()).filter(|node| *node != from && to.is_none_or(|to| to == *node)) {
            if self.reaches(from, node) {
                self.receive_frame(node, frame)?;
            }
        }
        Ok(())
    }

    pub(super) fn receive_frame(&mut self, node: usize, frame: &[u8]) -> Result<(), String> {
        let now = self.now;
        let place = &mut self.places[node];
        let shown = place.clock.shows(now);
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        if place.paused_until > now {
            if place.frames.len() < SOCKET && place.asleep_until <= now {
                place.frames.push(frame.to_vec());
            }
            return Ok(());
        }
        if let Some(reply) = speaker.wire.receive(frame, shown) {
            self.send_frame(node, reply);
        }
        self.follow_wire(node)
    }
}
