//! One turn: decides about what changed, and says what follows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use herald_compiler::{Config, compile, verdict as compiler};
use herald_neighbor::MacAddr;

use super::addresses::Terms;
use super::concerned::{Concerned, Standing};
use super::field::Fields;
use super::handover::Case;
use super::stand_in::Wanted;
use super::step::Step;
use super::verdict::{self, Reason, Verdict};
use super::world::World;
use crate::watch::service::{ServiceKey, ServiceSeen};

impl World {
    /// Decides about every Service that something new concerns. Nothing comes out before [`is_ready`](Self::is_ready).
    pub fn decide(&mut self, now: Duration) -> Vec<Step> {
        if !self.is_ready() {
            return Vec::new();
        }
        // Who has decided once sees the cluster, also when another speaker comes up and has not told its facts yet.
        self.synced.facts_overdue = true;
        let current = self.is_current();
        let turn = self.speakers.turn(&self.me, current, now);
        if turn.views_changed {
            self.concerned.add_all();
        }
        turn.given_up.iter().for_each(|node| self.concerned.add_node(node));
        self.now = now;
        self.speakers.forget_others(|node| self.nodes.contains_key(node));
        if std::mem::take(&mut self.objects_changed) {
            let compilation = compile(&self.objects);
            self.refused = compilation.verdicts.iter().filter_map(refusal).collect();
            let config = compilation.config;
            let in_use = || addresses_by_pool(&self.config, &self.services);
            self.memory.follow(&self.objects, &config, in_use, now);
            if config != self.config {
                self.config = config;
                self.concerned.add_all();
                self.peers_changed = true;
            }
        }
        if self.memory.turn(&self.objects, now) {
            let bare = |seen: &ServiceSeen| {
                verdict::advertisements(&self.config, seen).is_none() || self.routed_from_memory(seen)
            };
            let services = self.services.iter().filter(|(_, seen)| bare(seen)).map(|(service, _)| service.clone());
            let services: Vec<_> = services.collect();
            services.into_iter().for_each(|service| self.concerned.add(service));
        }
        for service in self.holders.sift(&self.services) {
            self.concerned.add(service);
        }
        for service in self.handovers.overdue(now) {
            self.concerned.add(service.clone());
        }
        let mut steps = Vec::new();
        self.decide_concerned(&mut steps);
        self.former = None;
        // A node that does not answer either has not only restarted its speaker: somebody else is elected at once.
        loop {
            let address_of = |node: &str| self.nodes.get(node)?.probe_address();
            let gone = self.stand_ins.turn(now, address_of, &mut steps);
            // Each time at least one speaker fewer is away.
            let given_up: Vec<_> = gone.iter().filter(|node| self.speakers.give_up(node)).collect();
            if given_up.is_empty() {
                break;
            }
            given_up.into_iter().for_each(|node| self.concerned.add_node(node));
            self.decide_concerned(&mut steps);
        }
        self.closely.turn(now, |node| self.nodes.get(node)?.probe_address(), &mut steps);
        self.stand_ins.tell(|ip| self.addresses.owns(ip), &mut steps);
        self.tell_macs(&mut steps);
        self.tell_routes(now, &mut steps);
        self.decided = true;
        let again = std::mem::take(&mut self.released).into_iter().filter(|ip| self.addresses.owns(*ip));
        steps.extend(again.map(|ip| Step::Announce { ip }));
        // Gains first, over all Services: the network hears of a new address before another one falls silent.
        steps.sort_by_key(|step| matches!(step, Step::Disown { .. }));
        steps
    }

    fn decide_concerned(&mut self, steps: &mut Vec<Step>) {
        let Concerned { all, mut services, nodes } = std::mem::replace(&mut self.concerned, Concerned::nothing());
        let mut fields = std::mem::take(&mut self.fields);
        if all || !nodes.is_empty() {
            fields = Fields::default();
        }
        if all {
            services = self.services.keys().chain(self.verdicts.keys()).cloned().collect();
        }
        let node = |node: String| {
            let cordoned = self.settings.heed_cordon && self.nodes.get(&node).is_some_and(|node| node.cordoned);
            let is = self.speakers.facts(&node).is_some() || !self.speakers.macs_of(&node).is_empty();
            (node, cordoned, is)
        };
        let nodes: Vec<_> = nodes.into_iter().map(node).collect();
        // One node that matters is enough: when a hundred join, most Services are found out after a few.
        let depends = |(_, standing): &(&ServiceKey, &Standing)| {
            nodes.iter().any(|(node, cordoned, is)| standing.may_depend_on(node, *cordoned, *is))
        };
        if !nodes.is_empty() {
            services.extend(self.standings.iter().filter(depends).map(|(service, _)| service.clone()));
        }
        let mut routed = services.clone();
        if !nodes.is_empty() {
            routed.extend(self.routed_by_others().cloned());
        }
        for service in services {
            self.decide_one(service, &mut fields, steps);
        }
        self.decide_routes(routed);
        self.fields = fields;
    }

    /// The MACs of the other speakers, when they are others than before.
    fn tell_macs(&mut self, steps: &mut Vec<Step>) {
        let macs: BTreeSet<_> = self.speakers.macs().map(MacAddr::from).collect();
        if macs != self.told_macs {
            steps.push(Step::Speakers(macs.clone()));
            self.told_macs = macs;
        }
    }

    /// When to [`decide`](Self::decide) again though nothing new was seen or heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let deadlines = [
            self.memory.deadline(),
            self.speakers.deadline(self.now),
            self.handovers.deadline(),
            self.closely.deadline(),
            self.stand_ins.deadline(),
            self.drain_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    fn decide_one(&mut self, service: ServiceKey, fields: &mut Fields, steps: &mut Vec<Step>) {
        if self.services.contains_key(&service) && self.endpoints.is_pending(&service) {
            return; // its slices are being listed; deciding on none would withdraw what another node just gave us
        }
        let mut ahead = BTreeSet::new();
        let verdict = match self.services.get(&service) {
            None => {
                self.handovers.forget(&service);
                self.closely.set(&service, None);
                self.standings.remove(&service);
                None
            }
            Some(seen) => {
                let decision = verdict::decide(self, fields, &service, seen);
                self.closely.set(&service, decision.before_us.as_deref());
                self.standings.insert(service.clone(), decision.standing);
                ahead = decision.ahead;
                let old = self.verdicts.get(&service);
                let owned = match &decision.verdict {
                    Verdict::Not(Reason::Owner(to)) => self.speakers.owned(to),
                    _ => None,
                };
                let case = Case { old, owned, patience: decision.patience, new: decision.verdict };
                Some(self.handovers.weigh(&service, &seen.addresses, case, self.now))
            }
        };
        if verdict.as_ref() == self.verdicts.get(&service) && self.addresses.has_ahead(&service, &ahead) {
            return;
        }
        match &verdict {
            Some(Verdict::Announce { addresses, scope, .. }) => {
                self.addresses.set(&service, addresses, Terms { scope: scope.clone(), ahead }, steps);
            }
            Some(Verdict::HandingOver { addresses, .. }) => self.addresses.keep(&service, addresses, steps),
            _ => self.addresses.keep(&service, &[], steps),
        }
        let stand_in = match &verdict {
            Some(Verdict::StandIn { owner, addresses, scope }) => {
                Some(Wanted { owner: owner.clone(), addresses: addresses.clone(), scope: scope.clone() })
            }
            _ => None,
        };
        self.stand_ins.set(&service, stand_in);
        if verdict.as_ref() == self.verdicts.get(&service) {
            return;
        }
        let before = match &verdict {
            Some(new) => self.verdicts.insert(service.clone(), new.clone()),
            None => self.verdicts.remove(&service),
        };
        let uid = self.services.get(&service).map(|seen| seen.uid.clone()).unwrap_or_default();
        steps.push(Step::Verdict { service, uid, verdict, before });
    }
}

/// What to say of an object that is left out.
fn refusal(verdict: &compiler::Verdict) -> Option<String> {
    let accepted = verdict.condition(compiler::ConditionType::Accepted)?;
    // A pool that overlaps does what it can.
    let left_out = !accepted.status && accepted.reason != compiler::Reason::Overlap;
    let (kind, name, reason) = (verdict.kind.as_str(), &verdict.name, accepted.reason.as_str());
    left_out.then(|| format!("{kind} {name}: {reason}: {}", accepted.message))
}

/// The addresses in use, by the name of the pool they have.
fn addresses_by_pool(config: &Config, services: &BTreeMap<ServiceKey, ServiceSeen>) -> BTreeMap<String, Vec<IpAddr>> {
    let mut by_pool: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for seen in services.values() {
        for address in &seen.addresses {
            if let Some(pool) = config.home_of(*address, seen.pool.as_deref()).pool() {
                by_pool.entry(pool.name.clone()).or_default().push(*address);
            }
        }
    }
    by_pool
}
