//! What happens to the cluster, as the plan says.

use super::*;

impl Simulation {
    pub(super) fn strike(&mut self, blow: Blow) -> Result<(), String> {
        if let Blow::Ask(service) = blow {
            return self.ask(service);
        }
        self.disturb(self.now);
        self.note_unable();
        match blow {
            Blow::Kill(node) => {
                self.broken = self.now + self.plan.bound;
                self.kill(node)?;
            }
            Blow::Silence(node) => {
                self.broken = self.now + self.plan.bound;
                self.kill(node)?;
                self.places[node].powered = false;
            }
            Blow::Start(node) if self.places[node].speaker.is_none() => self.start(node)?,
            Blow::Stop(node) => self.leave(node, Leave::Stop, None)?,
            Blow::Restart { node, away, grace } => {
                if self.plan.kind == Kind::Restart {
                    let owned = self.places[node].owned.iter().map(|ip| (*ip, node));
                    self.kept.extend(owned);
                } else {
                    // It may come back blind and is waited for all the same.
                    self.disturb(self.now + grace);
                }
                self.leave(node, Leave::Restart { grace }, Some(away))?;
            }
            Blow::Pause { node, time, leap } => {
                self.pause(node, time);
                self.places[node].clock.leap(leap);
            }
            Blow::Sleep(node, time) => {
                self.pause(node, time);
                let place = &mut self.places[node];
                place.clock.stand_still(time);
                place.asleep_until = self.now + time;
            }
            Blow::Divide(sides) => {
                for (place, side) in self.places.iter_mut().zip(sides) {
                    place.side = side;
                }
            }
            Blow::Deafen(sides) => {
                for (place, side) in self.places.iter_mut().zip(sides) {
                    place.ear = side;
                }
            }
            Blow::Cut(from, to) => {
                self.cuts.insert((from, to));
            }
            Blow::Heal(network) => {
                self.network = network;
                self.cuts.clear();
                for place in &mut self.places {
                    (place.side, place.ear) = (0, 0);
                }
                self.healed = self.now;
                self.calm = self.now + self.plan.heal_bound;
                self.push(self.calm, Event::Check);
                self.watcher.twofold = None;
                self.look()?;
            }
            Blow::ApiAway(node) => {
                let place = &mut self.places[node];
                if std::mem::replace(&mut place.api, false) {
                    place.watch += 1;
                    place.blind_since = Some(self.now);
                    // When it matters to others.
                    self.push(self.now + STALE, Event::Disturbance);
                    self.send_news(node, News::Broken);
                }
            }
            Blow::ApiBack(node) => {
                let place = &mut self.places[node];
                if !std::mem::replace(&mut place.api, true) {
                    place.watch += 1;
                    place.blind_since = None;
                    self.send_news(node, News::All);
                }
            }
            Blow::Endpoint { service, node, state } => {
                let truth = Arc::make_mut(&mut self.truth);
                let endpoints = &mut truth.services[service].endpoints;
                let before = endpoints.get(&node).copied();
                match state {
                    Some(state) => drop(endpoints.insert(node, state)),
                    None => drop(endpoints.remove(&node)),
                }
                if state.is_none() {
                    self.broken = self.now + self.plan.bound;
                }
                if before != state {
                    self.publish(News::Slice(service));
                }
            }
            Blow::Exclude(node, excluded) => self.change_node(node, |node| node.excluded = excluded),
            Blow::Cordon(node, cordoned) => self.change_node(node, |node| node.cordoned = cordoned),
            Blow::Drain(node, draining) => self.change_node(node, |node| node.draining = draining),
            Blow::Start(_) | Blow::Ask(_) => {}
        }
        Ok(())
    }

    fn pause(&mut self, node: usize, time: Duration) {
        let until = self.now + time;
        let place = &mut self.places[node];
        // What it was to do by its clock it does when it goes on.
        place.paused_until = until.max(place.paused_until);
        self.push_process(node, until, What::Resume);
        self.disturb(until);
    }

    fn change_node(&mut self, node: usize, change: impl FnOnce(&mut Node)) {
        change(&mut Arc::make_mut(&mut self.truth).nodes[node]);
        self.publish(News::Node(node));
    }

    /// The truth has changed: everybody whose watches work hears of it.
    fn publish(&mut self, news: News) {
        self.note_unable();
        Arc::make_mut(&mut self.truth).version += 1;
        for node in 0..self.places.len() {
            if self.places[node].api {
                self.send_news(node, news.clone());
            }
        }
    }

    /// News arrive in their order, after a while.
    pub(super) fn send_news(&mut self, node: usize, news: News) {
        let after = Duration::from_micros(match news {
            News::All => self.rng.random_range(20_000..150_000),
            _ => self.rng.random_range(1_000..50_000),
        });
        let place = &mut self.places[node];
        let at = (self.now + after).max(place.last_news);
        place.last_news = at;
        let (watch, truth) = (place.watch, Arc::clone(&self.truth));
        self.push_process(node, at, What::News { watch, news, truth });
        self.disturb(at);
    }
}
