//! The loop around the index.
//!
//! One task owns the index. It sleeps until something happened, tells the index, asks it for jobs
//! and starts them; each job is a task that reports back. So nothing is locked, and a slow request
//! delays nobody else.
//!
//! A replica that does not lead does all of this but the jobs. When its term begins it lists the Services once more,
//! so that it knows whatever the last leader wrote.
//!
//! The end comes in order: no more watching, no new jobs, the jobs under way are finished and their
//! Events queued. What was decided and not written is decided again by the next controller.

use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use herald_ipam::ServiceKey;
use herald_runtime::clock::Monotonic;
use herald_runtime::events::EventSink;
use herald_runtime::serve::Readiness;
use herald_runtime::shutdown::Shutdown;
use kube::Client;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::allocate::{Done, Index};
use crate::lead::{Epoch, Leadership};
use crate::metrics::Metrics;
use crate::watch::{Observed, configuration, services};
use crate::write::{Writer, leftovers};

/// Jobs under way at a time. The API server is the limit, not we; but its own limits on requests
/// in flight are shared with everybody else, and each is a connection with buffers of its own.
const IN_FLIGHT: usize = 32;
/// Conditions `metallb.io/Announced` under way at a time, beside those jobs.
const ANNOUNCED_IN_FLIGHT: usize = 10;
/// With so many other jobs under way, those conditions go one by one.
const BURST: usize = 8;
/// Changes told to the index before it is asked for jobs.
const BATCH: usize = 1024;
/// How long the jobs under way may take at the end.
const LAST_JOBS: Duration = Duration::from_secs(10);
/// Until a failed look for leftovers is repeated.
const LEFTOVERS_RETRY: Duration = Duration::from_secs(30);

/// What the controller runs with.
#[derive(Debug)]
pub struct Parts {
    /// Where Events go.
    pub events: EventSink,
    /// What `/readyz` says.
    pub readiness: Readiness,
    /// What `/metrics` says.
    pub metrics: Metrics,
    /// Whether to write.
    pub leadership: Leadership,
    /// Serve Services of this class; `None`: those without a class.
    pub lb_class: Option<String>,
    /// Namespace of the configuration objects.
    pub namespace: String,
}

/// Runs the controller until the end is asked for.
pub async fn run(client: Client, parts: Parts, mut shutdown: Shutdown) {
    let Parts { events, readiness, metrics, mut leadership, lb_class, namespace } = parts;
    let clock = Monotonic::start();
    let mut watches = configuration(&client, &namespace);
    let mut watched_services = services(&client);
    let mut state = Loop {
        index: Index::new(lb_class, namespace.clone()),
        writer: None,
        jobs: JoinSet::new(),
        ready: false,
        events,
        readiness,
        metrics,
        clock,
    };
    let mut leftovers = Leftovers::NotYet;
    loop {
        let term = leadership.term().map(|term| term.epoch);
        if let Some(epoch) = term.clone().filter(|epoch| state.epoch() != Some(epoch)) {
            // The list that counts is one that is asked for now, with everything that the last leader wrote.
            state.index.begin_term(epoch.clone());
            watched_services = services(&client);
            leftovers = Leftovers::NotYet;
            let writer = Writer::new(client.clone(), namespace.clone(), leadership.clone(), epoch.clone());
            state.writer = Some((epoch, writer));
        }
        let leader = term.is_some();
        let known = state.turn(leader);
        leftovers.begin_if(known && leader, &client);
        // Without leave or room to write, time alone brings nothing to do.
        let may_write = leader && state.jobs_of_allocation() < IN_FLIGHT;
        let deadline = state.index.deadline().filter(|_| may_write);
        let announced = state.index.announced_deadline().filter(|_| leader);
        let deadline = deadline.into_iter().chain(announced).min();
        tokio::select! {
            biased;
            () = shutdown.requested() => break,
            Some(observed) = watches.next() => state.observe_all(observed, &mut watches),
            Some(observed) = watched_services.next() => state.observe_all(observed, &mut watched_services),
            Some(done) = state.jobs.join_next(), if !state.jobs.is_empty() => state.done(done),
            found = leftovers.found() => {
                for key in found {
                    state.index.leftover(key, clock.now());
                }
            }
            () = leadership.turned() => {}
            () = sleep_until(clock, deadline) => {}
        }
    }
    drop((watches, watched_services));
    state.finish().await;
}

struct Loop {
    index: Index,
    /// For the term in which this controller leads, or did last.
    writer: Option<(Epoch, Writer)>,
    jobs: JoinSet<Done>,
    /// Everything has been listed once.
    ready: bool,
    events: EventSink,
    readiness: Readiness,
    metrics: Metrics,
    clock: Monotonic,
}

impl Loop {
    /// The term in which this controller leads, or did last.
    fn epoch(&self) -> Option<&Epoch> {
        self.writer.as_ref().map(|(epoch, _)| epoch)
    }

    /// Jobs under way without those that nobody waits for.
    fn jobs_of_allocation(&self) -> usize {
        self.jobs.len().saturating_sub(self.index.announced_busy())
    }

    /// Starts what is to be done now and says how things stand. True once everything is known.
    fn turn(&mut self, leader: bool) -> bool {
        if let Some((_, writer)) = self.writer.as_ref().filter(|_| leader) {
            let room = IN_FLIGHT.saturating_sub(self.jobs_of_allocation());
            let mut jobs = self.index.jobs(room, self.clock.now());
            let burst = self.jobs_of_allocation() + jobs.len() >= BURST;
            let room = if burst { 1 } else { ANNOUNCED_IN_FLIGHT };
            jobs.extend(self.index.announced_jobs(room, self.clock.now()));
            for job in jobs {
                let writer = writer.clone();
                self.jobs.spawn(async move { writer.run(job).await });
            }
        }
        for notice in self.index.take_notices() {
            self.events.emit(notice);
        }
        let summary = self.index.summary();
        match summary.missing {
            // A list that is made anew makes nobody unready.
            Some(what) if !self.ready => self.readiness.missing("caches", what),
            Some(_) => {}
            None => {
                self.ready = true;
                self.readiness.there("caches");
            }
        }
        self.metrics.leading(leader);
        self.metrics.follow(&summary, self.index.is_stale(self.clock.now()), self.events.dropped());
        summary.missing.is_none()
    }

    /// Tells the index what happened, with everything else that has happened by now.
    fn observe_all(&mut self, first: Observed, watches: &mut BoxStream<'static, Observed>) {
        let mut next = Some(first);
        for _ in 0..BATCH {
            let Some(observed) = next else { break };
            self.index.observe(observed, self.clock.now());
            next = watches.next().now_or_never().flatten();
        }
        if let Some(observed) = next {
            self.index.observe(observed, self.clock.now());
        }
    }

    fn done(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(done) => self.index.done(done, self.clock.now()),
            Err(error) => tracing::error!("a write ended abnormally: {error}"),
        }
    }

    /// Finishes the jobs under way.
    async fn finish(mut self) {
        let all = async {
            while let Some(done) = self.jobs.join_next().await {
                self.done(done);
            }
        };
        if tokio::time::timeout(LAST_JOBS, all).await.is_err() {
            tracing::warn!("writes are still under way and are left to themselves");
        }
        for notice in self.index.take_notices() {
            self.events.emit(notice);
        }
    }
}

/// Sleeps until `deadline` of the index; for ever without one.
async fn sleep_until(clock: Monotonic, deadline: Option<Duration>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(clock.instant(at)).await,
        None => std::future::pending().await,
    }
}

/// The search for Services that carry our annotation and are no LoadBalancers any more, once.
#[derive(Debug)]
enum Leftovers {
    NotYet,
    Looking(oneshot::Receiver<Vec<ServiceKey>>),
    Done,
}

impl Leftovers {
    /// Begins to look, once the LoadBalancers are known.
    fn begin_if(&mut self, ready: bool, client: &Client) {
        if ready && matches!(self, Self::NotYet) {
            let (found, receiver) = oneshot::channel();
            *self = Self::Looking(receiver);
            tokio::spawn(look(client.clone(), found));
        }
    }

    /// What was found; never returns when there is nothing to wait for.
    async fn found(&mut self) -> Vec<ServiceKey> {
        let Self::Looking(receiver) = self else { return std::future::pending().await };
        let found = receiver.await.unwrap_or_default();
        *self = Self::Done;
        found
    }
}

async fn look(client: Client, mut found: oneshot::Sender<Vec<ServiceKey>>) {
    loop {
        let keys = tokio::select! {
            () = found.closed() => return,
            keys = leftovers(&client) => keys,
        };
        match keys {
            Ok(keys) => {
                // Nobody listens any more at the end of the program.
                let _ = found.send(keys);
                return;
            }
            Err(error) => tracing::warn!("can't look for Services that changed their type: {error}"),
        }
        tokio::select! {
            () = found.closed() => return,
            () = tokio::time::sleep(LEFTOVERS_RETRY) => {}
        }
    }
}
