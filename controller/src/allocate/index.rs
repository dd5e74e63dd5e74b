//! The index: everything the controller knows, and the jobs that follow from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use herald_compiler::object;
use herald_ipam::{Allocator, PoolUsage, ServiceKey};
use herald_runtime::events::Notice;
use herald_runtime::watch::Change;

use super::entry::{Entry, Source, State};
use super::fence::Fence;
use super::job::{Job, ServiceChange, ServiceWrite, Ticket};
use super::overview::Overview;
use super::plan::plan;
use super::queue::Queue;
use super::status::StatusBoard;
use crate::announced::Board;
use crate::compile::{ConfigObjects, SeenPool};
use crate::lead::Epoch;
use crate::sessions::{self, Sessions};
use crate::watch::{Observed, SeenService, SeenState};

mod announced;
mod outcome;
#[cfg(test)]
mod tests;

/// How long a Service that left the selection is left alone after its clean-up failed.
const UNMARK_RETRY: Duration = Duration::from_secs(5);

/// Everything the controller knows. See the [module](super).
#[derive(Debug)]
pub struct Index {
    /// The class of Services to serve; `None` means those without a class.
    lb_class: Option<String>,
    objects: ConfigObjects,
    /// (Boxed: the map keeps room for entries that are not there.)
    services: BTreeMap<ServiceKey, Box<Entry>>,
    services_listed: bool,
    /// All that is in use has been adopted and decided upon at least once.
    started: bool,
    /// What is to be done at the beginning of a term before addresses are handed out.
    fence: Option<Fence>,
    allocator: Allocator,
    /// Services to decide, in this order.
    queue: Queue,
    retries: BTreeSet<(Duration, ServiceKey)>,
    /// Services that left the selection and may still carry our marks; when to look.
    unmark: BTreeMap<ServiceKey, Duration>,
    status: StatusBoard,
    announced: Board,
    sessions: Sessions,
    overview: Overview,
    notices: Vec<Notice>,
    tickets: Ticket,
    counted: Counted,
}

/// What has been counted since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Services decided.
    pub decisions: u64,
    /// Services that got no address when they were decided.
    pub refusals: u64,
    /// Writes whose outcome is unknown, and questions without an answer.
    pub failures: u64,
    /// Writes refused because the Service had changed.
    pub conflicts: u64,
}

/// How things stand, for metrics and readiness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What is still missing before addresses are handed out.
    pub missing: Option<&'static str>,
    /// Pools with how full they are.
    pub pools: Vec<(String, PoolUsage)>,
    /// Addresses that Services have who may not have them beside each other.
    pub duplicates: usize,
    /// Counted since the start.
    pub counted: Counted,
}

impl Index {
    /// Knows nothing yet; serves the Services of `lb_class`, or those without a class, from the
    /// configuration objects of `namespace`.
    #[must_use]
    pub fn new(lb_class: Option<String>, namespace: String) -> Self {
        Self {
            lb_class,
            objects: ConfigObjects::new(),
            services: BTreeMap::new(),
            services_listed: false,
            started: false,
            fence: None,
            allocator: Allocator::new(),
            queue: Queue::default(),
            retries: BTreeSet::new(),
            unmark: BTreeMap::new(),
            status: StatusBoard::new(namespace),
            announced: Board::default(),
            sessions: Sessions::default(),
            overview: Overview::default(),
            notices: Vec::new(),
            tickets: 0,
            counted: Counted::default(),
        }
    }

    /// This controller leads from now on. What it decided or knew of Services before is forgotten: they must be
    /// listed anew, by a request that begins after this call, and until then nothing is handed out.
    pub fn begin_term(&mut self, epoch: Epoch) {
        self.services.clear();
        self.services_listed = false;
        self.started = false;
        self.queue = Queue::default();
        self.retries.clear();
        self.allocator = Allocator::new();
        // Nobody is known who could be concerned.
        let _ = self.allocator.set_config(self.objects.config().clone());
        self.fence = Some(Fence::new(epoch));
    }

    /// Something happened at the API server.
    pub fn observe(&mut self, observed: Observed, now: Duration) {
        if observed.is_wanted() {
            self.overview.watch(observed.kind(), observed.broken(), now);
        }
        match observed {
            Observed::Service(change) => self.services(change, now),
            Observed::Pool(change) => self.pools(change, now),
            Observed::L2Advertisement(change) => self.configured(now, |objects| objects.l2_advertisements(change)),
            Observed::BgpPeer(change) => self.configured(now, |objects| objects.bgp_peers(change)),
            Observed::BgpAdvertisement(change) => self.configured(now, |objects| objects.bgp_advertisements(change)),
            Observed::Community(change) => self.configured(now, |objects| objects.communities(change)),
            Observed::BfdProfile(change) => self.configured(now, |objects| objects.bfd_profiles(change)),
            Observed::Namespace(change) => self.namespaces(change, now),
            Observed::L2Status(change) => self.announced.observe(change, now),
            Observed::BgpStatus(change) => self.announced.observe_routes(change, now),
            Observed::Session(change) => {
                if self.sessions.follow(change) {
                    self.status.touch_by(now + sessions::SETTLE);
                }
            }
            Observed::State(change) => self.state(change, now),
        }
    }

    /// Something happened to Services of type LoadBalancer.
    pub fn services(&mut self, change: Change<SeenService>, now: Duration) {
        match change {
            Change::Reset(all) => {
                let present: BTreeSet<_> = all.iter().map(|seen| seen.key().clone()).collect();
                let gone: Vec<_> = self.services.keys().filter(|key| !present.contains(*key)).cloned().collect();
                for key in gone {
                    self.left(&key, now);
                }
                for seen in all {
                    self.doubt(&seen, now);
                    self.applied(seen, Source::Watch, now);
                }
                self.services_listed = true;
            }
            Change::Applied(seen) => self.applied(seen, Source::Watch, now),
            Change::Deleted(seen) => self.left(seen.key(), now),
            Change::Broken(_) => {}
        }
    }

    /// Something happened to pools.
    pub fn pools(&mut self, change: Change<SeenPool>, now: Duration) {
        self.configured(now, |objects| objects.pools(change));
    }

    /// Something happened to namespaces.
    pub fn namespaces(&mut self, change: Change<object::Namespace>, now: Duration) {
        self.configured(now, |objects| objects.namespaces(change));
    }

    /// Something happened to a kind of configuration objects.
    fn configured(&mut self, now: Duration, follow: impl FnOnce(&mut ConfigObjects)) {
        follow(&mut self.objects);
        self.status.touch(now);
        self.overview.touch(now);
    }

    /// Something happened to our ConfigurationState.
    pub fn state(&mut self, change: Change<SeenState>, now: Duration) {
        match change {
            Change::Reset(all) => self.overview.seen(all.into_iter().next(), now),
            Change::Applied(state) => self.overview.seen(Some(state), now),
            Change::Deleted(_) => self.overview.seen(None, now),
            Change::Broken(_) => {}
        }
    }

    /// A Service that is no LoadBalancer carries our marks: its type was changed while nobody looked.
    pub fn leftover(&mut self, key: ServiceKey, now: Duration) {
        if !self.services.contains_key(&key) {
            self.unmark.insert(key, now);
        }
    }

    /// What to do next, at most `room` jobs. Nothing before everything that is in use is known.
    pub fn jobs(&mut self, room: usize, now: Duration) -> Vec<Job> {
        let mut jobs = Vec::new();
        if self.missing().is_some() {
            let none = None::<std::iter::Empty<_>>;
            let write = if room > 0 { self.overview.job(none, now) } else { None };
            jobs.extend(write.map(Job::State));
            return jobs;
        }
        if let Some(config) = self.objects.compile() {
            self.services.keys().for_each(|key| self.announced.touch(key, now));
            let again = self.allocator.set_config(config);
            self.queue.extend(again);
        }
        if !self.started {
            self.fence(&mut jobs, room, now);
            if self.fence.is_some() {
                return jobs;
            }
            self.start();
        }
        while jobs.len() < room {
            let next = self.decide_next(now).or_else(|| self.fetch_next(now)).or_else(|| self.unmark_next(now));
            let Some(job) = next else { break };
            jobs.push(job);
        }
        let (full, room) = (room, room - jobs.len());
        jobs.extend(
            self.status.jobs(&self.objects, &self.allocator, &self.sessions, room, now).into_iter().map(Job::Status),
        );
        if jobs.len() < full {
            let verdicts = self.objects.verdicts().map(|(verdict, _)| verdict);
            jobs.extend(self.overview.job(Some(verdicts), now).map(Job::State));
        }
        jobs
    }

    /// When to ask for jobs again though nothing happened, if there is room for any.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        if self.missing().is_some() {
            return self.overview.deadline();
        }
        let retry = self.retries.first().map(|(at, _)| *at);
        if self.fence.is_some() {
            // Everything else has to wait for it.
            return retry;
        }
        let unmark = self.unmark.values().min().copied();
        [retry, unmark, self.status.deadline(), self.overview.deadline()].into_iter().flatten().min()
    }

    /// Takes the Events to be emitted.
    #[must_use]
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether something can't be watched just now.
    #[must_use]
    pub fn is_stale(&self, now: Duration) -> bool {
        self.overview.is_broken(now)
    }

    /// How things stand.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let pools = self.objects.config().pools().iter();
        let usage = |name: &str| self.allocator.usage(name).unwrap_or_default();
        Summary {
            missing: self.missing(),
            pools: pools.map(|pool| (pool.name.clone(), usage(&pool.name))).collect(),
            duplicates: self.allocator.duplicates(),
            counted: self.counted,
        }
    }

    fn missing(&self) -> Option<&'static str> {
        if self.services_listed { self.objects.missing() } else { Some("Services not listed yet") }
    }

    fn is_ours(&self, seen: &SeenService) -> bool {
        seen.is_load_balancer && seen.class == self.lb_class
    }

    /// Touches what has to be touched before addresses are handed out; see [`Fence`].
    fn fence(&mut self, jobs: &mut Vec<Job>, room: usize, now: Duration) {
        let Some(mut fence) = self.fence.take() else { return };
        if !fence.is_surveyed() {
            let open = |(key, entry): (&ServiceKey, &Entry)| {
                let theirs = !self.is_ours(&entry.seen) || entry.seen.deleting;
                let stays = !entry.seen.reallocate && self.allocator.is_settled(&entry.seen.request);
                let touch = !theirs && !stays;
                touch.then(|| (key.clone(), entry.seen.resource_version.clone()))
            };
            fence.survey(self.services.iter().map(|(key, entry)| (key, &**entry)).filter_map(open).collect());
        }
        while jobs.len() < room
            && let Some(key) = fence.next()
        {
            // One that is busy, or about to be asked for, comes back by itself.
            jobs.extend(self.touch(key, fence.epoch()));
        }
        while !fence.is_up()
            && jobs.len() < room
            && let Some(job) = self.fetch_next(now)
        {
            jobs.push(job);
        }
        if !fence.is_up() {
            self.fence = Some(fence);
        }
    }

    fn touch(&mut self, key: ServiceKey, epoch: &Epoch) -> Option<Job> {
        let entry = self.services.get_mut(&key).filter(|entry| entry.state == State::Settled)?;
        self.tickets += 1;
        entry.state = State::Busy { ticket: self.tickets, again: false };
        let resource_version = entry.seen.resource_version.clone();
        let change = ServiceChange { epoch: Some(Some(epoch.clone())), ..ServiceChange::default() };
        Some(Job::Write(ServiceWrite { ticket: self.tickets, key, resource_version, change, notices: Vec::new() }))
    }

    /// Queues everything for the first time, the oldest Service first.
    fn start(&mut self) {
        self.started = true;
        self.queue = Queue::default();
        let mut all: Vec<_> = self.services.iter().map(|(key, entry)| (entry.seen.created, key.clone())).collect();
        all.sort();
        self.queue.extend(all.into_iter().map(|(_, key)| key));
    }

    /// A Service is there, in this version.
    fn applied(&mut self, seen: SeenService, source: Source, now: Duration) {
        let key = seen.key().clone();
        self.unmark.remove(&key);
        match self.services.get_mut(&key) {
            Some(entry) if source == Source::Watch && entry.is_ahead_of(&seen) => return,
            Some(entry) if entry.seen.uid != seen.uid => {
                // Deleted and created again, and we saw only the end of it.
                self.left(&key, now);
                self.unmark.remove(&key);
                self.services.insert(key.clone(), Box::new(Entry::new(seen)));
            }
            Some(entry) => {
                entry.seen = seen;
                entry.source = source;
                if let State::Retry { at } = entry.state {
                    entry.state = State::Settled;
                    self.retries.remove(&(at, key.clone()));
                }
            }
            None => {
                self.services.insert(key.clone(), Box::new(Entry::new(seen)));
            }
        }
        if let (Some(fence), Some(entry)) = (&mut self.fence, self.services.get(&key)) {
            fence.seen(&key, &entry.seen.resource_version);
        }
        self.adopt(&key);
        self.announced.touch(&key, now);
        if source == Source::Watch {
            self.queue.push(key);
        }
        self.after_change(now);
    }

    /// A list shows an older version than the server answered to us. Either the list was made
    /// before the answer, or the server was set back by a restore: ask.
    fn doubt(&mut self, listed: &SeenService, now: Duration) {
        let Some(entry) = self.services.get_mut(listed.key()) else { return };
        let older = entry.is_ahead_of(listed) && entry.seen.resource_version != listed.resource_version;
        if older && entry.state == State::Settled {
            entry.state = State::Retry { at: now };
            self.retries.insert((now, listed.key().clone()));
        }
    }

    /// Has the allocator see what a Service shows, at once: it may be in use from now on.
    fn adopt(&mut self, key: &ServiceKey) {
        let Some(entry) = self.services.get(key) else { return };
        if self.is_ours(&entry.seen) {
            self.allocator.adopt(&entry.seen.request);
        } else {
            // Served by somebody else: what it shows is in use, and not shared with anybody.
            self.allocator.adopt_foreign(key, &entry.seen.request.shown);
        }
    }

    /// A Service was deleted or is no LoadBalancer any more. In both cases its status shows no
    /// address: the API server itself takes them away with the type.
    fn left(&mut self, key: &ServiceKey, now: Duration) {
        let Some(entry) = self.services.remove(key) else { return };
        if let Some(fence) = &mut self.fence {
            fence.gone(key);
        }
        if let State::Retry { at } = entry.state {
            self.retries.remove(&(at, key.clone()));
        }
        if entry.seen.is_marked() && self.is_ours(&entry.seen) {
            self.unmark.insert(key.clone(), now);
        }
        self.queue.remove(key);
        self.announced.forget(key);
        self.allocator.release(key);
        self.after_change(now);
    }

    fn after_change(&mut self, now: Duration) {
        self.queue.extend(self.allocator.take_woken());
        self.status.touch(now);
    }

    /// Decides the Services in the queue until one of them needs a write.
    fn decide_next(&mut self, now: Duration) -> Option<Job> {
        while let Some(key) = self.queue.pop() {
            if let Some(write) = self.decide(&key, now) {
                return Some(Job::Write(write));
            }
        }
        None
    }

    fn decide(&mut self, key: &ServiceKey, now: Duration) -> Option<ServiceWrite> {
        let entry = self.services.get_mut(key)?;
        match &mut entry.state {
            State::Busy { again, .. } => {
                *again = true;
                return None;
            }
            // What is known may be out of date; asking comes first.
            State::Retry { .. } => return None,
            State::Settled => {}
        }
        let ours = entry.seen.is_load_balancer && entry.seen.class == self.lb_class;
        if !ours || entry.seen.deleting {
            return None;
        }
        let request = &entry.seen.request;
        let decision =
            if entry.seen.reallocate { self.allocator.reallocate(request) } else { self.allocator.decide(request) };
        self.counted.decisions += 1;
        if decision.addresses().is_empty() {
            self.counted.refusals += 1;
        }
        let (change, notices) = plan(&entry.seen, &decision, self.objects.config());
        let write = (!change.is_empty()).then(|| {
            self.tickets += 1;
            entry.state = State::Busy { ticket: self.tickets, again: false };
            let resource_version = entry.seen.resource_version.clone();
            ServiceWrite { ticket: self.tickets, key: key.clone(), resource_version, change, notices }
        });
        self.after_change(now);
        write
    }

    fn fetch_next(&mut self, now: Duration) -> Option<Job> {
        let (at, key) = self.retries.first()?.clone();
        if at > now {
            return None;
        }
        self.retries.pop_first();
        let entry = self.services.get_mut(&key)?;
        self.tickets += 1;
        entry.state = State::Busy { ticket: self.tickets, again: false };
        Some(Job::Fetch { ticket: self.tickets, key })
    }

    fn unmark_next(&mut self, now: Duration) -> Option<Job> {
        let key = self.unmark.iter().find(|(_, at)| **at <= now)?.0.clone();
        self.unmark.remove(&key);
        Some(Job::Unmark { key })
    }
}
