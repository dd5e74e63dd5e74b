//! The elector's table, and several electors around one Lease with everything that can go wrong: never two terms at
//! a time, and always one again.

use proptest::prelude::*;

use super::*;

const WALL: Timestamp = Timestamp::UNIX_EPOCH;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn elector(name: &str) -> Elector {
    Elector::new(name.into(), Timing::default())
}

/// A Lease as another replica would hold it.
fn held(version: u64, holder: &str, renewed: i64) -> SeenLease {
    let record = Record {
        holder: holder.into(),
        seconds: 15,
        transitions: 3,
        acquired: None,
        renewed: Timestamp::from_second(renewed).ok(),
    };
    SeenLease { version: version.to_string(), record }
}

/// Does what the elector wants at a server that accepts it as version `version`.
fn accept(elector: &mut Elector, version: u64, now: Duration) -> Record {
    let Action::Write { record, .. } = elector.act(now, WALL) else { panic!("no write at {now:?}") };
    let seen = SeenLease { version: version.to_string(), record: record.clone() };
    elector.wrote(Ok(seen), now, now);
    record
}

#[test]
fn a_lease_that_is_not_there_is_created_at_once() {
    let mut me = elector("a");
    assert_eq!(me.act(secs(0), WALL), Action::Look);
    me.looked(Some(None), secs(0));
    let record = accept(&mut me, 7, secs(0));
    assert_eq!((record.holder.as_str(), record.seconds, record.transitions), ("a", 15, 0));
    assert_eq!(me.term(secs(9)), Some(&Term { epoch: Epoch::new("7"), until: secs(10) }));
    assert_eq!(me.term(secs(10)), None, "without a renewal it ends");
}

#[test]
fn it_is_renewed_in_time_and_stays_the_same_term() {
    let mut me = elector("a");
    me.looked(Some(None), secs(0));
    accept(&mut me, 7, secs(0));
    assert_eq!(me.act(secs(1), WALL), Action::Wait(secs(2)));
    let record = accept(&mut me, 9, secs(2));
    assert_eq!(record.transitions, 0);
    assert_eq!(me.term(secs(11)), Some(&Term { epoch: Epoch::new("7"), until: secs(12) }));
    // The term counts from the beginning of the request, not from its answer.
    let Action::Write { record, version } = me.act(secs(4), WALL) else { panic!() };
    assert_eq!(version.as_deref(), Some("9"));
    me.wrote(Ok(SeenLease { version: "10".into(), record }), secs(4), secs(8));
    assert_eq!(me.term(secs(13)).map(|term| term.until), Some(secs(14)));
}

#[test]
fn anothers_lease_is_waited_out_by_our_own_observation() {
    let mut me = elector("b");
    me.looked(Some(Some(held(5, "a", 100))), secs(50));
    assert_eq!(me.act(secs(50), WALL), Action::Wait(secs(65)));
    me.observe(Some(held(6, "a", 102)), secs(52));
    assert_eq!(me.act(secs(66), WALL), Action::Wait(secs(67)), "it was renewed");
    me.observe(Some(held(7, "a", 102)), secs(60));
    assert_eq!(me.act(secs(66), WALL), Action::Wait(secs(67)), "an annotation is no renewal");
    let record = accept(&mut me, 8, secs(67));
    assert_eq!((record.holder.as_str(), record.transitions), ("b", 4));
}

#[test]
fn a_lease_that_was_given_back_is_taken_at_once() {
    let mut me = elector("b");
    me.looked(Some(Some(held(5, "a", 100))), secs(0));
    me.observe(Some(held(6, "", 101)), secs(1));
    assert_eq!(accept(&mut me, 7, secs(1)).transitions, 4);
}

#[test]
fn a_deleted_lease_is_no_shortcut() {
    let mut me = elector("b");
    me.looked(Some(Some(held(5, "a", 100))), secs(0));
    me.observe(None, secs(3));
    assert_eq!(me.act(secs(3), WALL), Action::Look);
    me.looked(Some(None), secs(3));
    assert_eq!(me.act(secs(3), WALL), Action::Wait(secs(15)), "its holder may not know yet");
    // The holder itself puts it back.
    let mut holder = elector("a");
    holder.looked(Some(None), secs(0));
    accept(&mut holder, 5, secs(0));
    holder.observe(None, secs(1));
    holder.looked(Some(None), secs(1));
    assert!(matches!(holder.act(secs(2), WALL), Action::Write { version: None, .. }));
}

#[test]
fn whoever_sees_another_holder_leads_no_longer() {
    let mut me = elector("a");
    me.looked(Some(None), secs(0));
    accept(&mut me, 7, secs(0));
    me.observe(Some(held(6, "b", 90)), secs(1));
    assert!(me.term(secs(1)).is_some(), "that was before");
    me.observe(Some(held(8, "b", 101)), secs(1));
    assert_eq!(me.term(secs(1)), None);
    assert_eq!(me.act(secs(1), WALL), Action::Wait(secs(16)));
}

#[test]
fn a_lost_answer_is_found_out() {
    let mut me = elector("a");
    me.looked(Some(None), secs(0));
    assert!(matches!(me.act(secs(0), WALL), Action::Write { .. }));
    me.wrote(Err(Failure::Unknown), secs(0), secs(5));
    assert_eq!(me.act(secs(5), WALL), Action::Wait(secs(7)));
    assert_eq!(me.act(secs(7), WALL), Action::Look);
    me.looked(Some(Some(held(4, "a", 100))), secs(7));
    assert_eq!(me.term(secs(7)), None, "only an answer to a write of ours makes a term");
    accept(&mut me, 5, secs(7));
    assert!(me.term(secs(7)).is_some());
}

#[test]
fn what_is_given_back_is_no_longer_led() {
    let mut me = elector("a");
    assert_eq!(me.give_back(WALL), None);
    me.looked(Some(None), secs(0));
    accept(&mut me, 7, secs(0));
    let (record, version) = me.give_back(WALL).unwrap();
    assert_eq!((record.holder.as_str(), record.seconds, version.as_str()), ("", 1, "7"));
    assert_eq!(me.term(secs(0)), None);
}

#[test]
fn timings_that_do_not_fit_together_are_refused() {
    let ok = Timing::default();
    assert_eq!(ok.check(), Ok(()));
    for wrong in [
        Timing { lease: Duration::from_millis(1500), ..ok },
        Timing { lease: Duration::ZERO, ..ok },
        Timing { renew: secs(15), ..ok },
        Timing { retry: secs(6), ..ok },
        Timing { retry: Duration::ZERO, ..ok },
    ] {
        assert!(wrong.check().unwrap_err().contains("--leader-elect-"), "{wrong:?}");
    }
}

/// One replica in the simulation.
struct Replica {
    elector: Elector,
    /// Its clock runs at this speed, in thousandths.
    speed: u64,
    /// Until then it does nothing (SIGSTOP).
    stopped_until: u64,
    write: Option<Write>,
    /// An answer on its way: what, when the request was begun, when it arrives.
    answer: Option<(Result<SeenLease, Failure>, u64, u64)>,
    lives: u64,
}

/// A request on its way; times in ms.
struct Write {
    record: Record,
    replaces: Option<String>,
    begun: u64,
    arrives: u64,
    /// `None`: the answer is lost.
    answered: Option<u64>,
}

/// What happens when nothing does.
const PUNCTUAL: Fate = Fate { delay: 2, answer_lost: false, stop: 0, crash: false };

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
struct Fate {
    delay: u64,
    answer_lost: bool,
    stop: u64,
    crash: bool,
}

fn fate() -> impl Strategy<Value = Fate> {
    let parts =
        (0..3000_u64, prop::bool::weighted(0.1), prop::bool::weighted(0.05), 0..60_000_u64, prop::bool::weighted(0.02));
    parts.prop_map(|(delay, answer_lost, stops, stop, crash)| Fate {
        delay,
        answer_lost,
        stop: if stops { stop } else { 0 },
        crash,
    })
}

/// Three replicas around one Lease.
struct Cluster {
    lease: Option<SeenLease>,
    version: u64,
    replicas: Vec<Replica>,
}

impl Replica {
    fn clock(&self, now: u64) -> Duration {
        Duration::from_micros(now * self.speed)
    }

    fn leads(&self, now: u64) -> bool {
        self.elector.term(self.clock(now)).is_some()
    }
}

impl Cluster {
    fn new(speeds: &[u64]) -> Self {
        let replica = |(place, speed): (usize, &u64)| Replica {
            elector: elector(&format!("{place}-0")),
            speed: *speed,
            stopped_until: 0,
            write: None,
            answer: None,
            lives: 0,
        };
        Self { lease: None, version: 0, replicas: speeds.iter().enumerate().map(replica).collect() }
    }

    fn leaders(&self, now: u64) -> usize {
        self.replicas.iter().filter(|replica| replica.leads(now)).count()
    }

    /// A write arrives at the server.
    fn serve(&mut self, record: Record, replaces: Option<&String>) -> Result<SeenLease, Failure> {
        if self.lease.as_ref().map(|lease| &lease.version) != replaces {
            return Err(Failure::Conflict);
        }
        self.version += 1;
        let seen = SeenLease { version: self.version.to_string(), record };
        self.lease = Some(seen.clone());
        Ok(seen)
    }

    /// One replica lives for a moment.
    fn turn(&mut self, place: usize, now: u64, mut fate: impl FnMut() -> Fate) {
        if let Some(write) = self.replicas[place].write.take_if(|write| write.arrives <= now) {
            let outcome = self.serve(write.record, write.replaces.as_ref());
            let answer = match write.answered {
                Some(at) => (outcome, write.begun, at),
                None => (Err(Failure::Unknown), write.begun, write.arrives + 5_000),
            };
            self.replicas[place].answer = Some(answer);
        }
        let lease = self.lease.clone();
        let replica = &mut self.replicas[place];
        if now < replica.stopped_until {
            return;
        }
        let clock = replica.clock(now);
        if let Some((outcome, begun, _)) = replica.answer.take_if(|(_, _, at)| *at <= now) {
            let begun = replica.clock(begun);
            replica.elector.wrote(outcome, begun, clock);
        }
        // The watch is punctual; what is late is played by requests.
        if lease.is_some() {
            replica.elector.observe(lease.clone(), clock);
        }
        if replica.write.is_some() || replica.answer.is_some() {
            return;
        }
        let wall = Timestamp::from_millisecond(i64::try_from(now).unwrap()).unwrap();
        match replica.elector.act(clock, wall) {
            Action::Wait(_) => {}
            Action::Look => replica.elector.looked(Some(lease), clock),
            Action::Write { record, version } => {
                let fate = fate();
                let (arrives, answered) = (now + fate.delay / 2, (!fate.answer_lost).then_some(now + fate.delay));
                replica.write = Some(Write { record, replaces: version, begun: now, arrives, answered });
                replica.stopped_until = now + fate.stop;
                if fate.crash {
                    replica.lives += 1;
                    replica.elector = elector(&format!("{place}-{}", replica.lives));
                    (replica.write, replica.answer) = (None, None);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Clocks that run up to 15 % too fast or too slow, requests that take seconds, lost answers, crashes, pauses of
    /// a minute with a request under way.
    #[test]
    fn never_two_terms_at_a_time(
        fates in prop::collection::vec(fate(), 1..150),
        speeds in prop::collection::vec(850..1150_u64, 3),
    ) {
        let mut cluster = Cluster::new(&speeds);
        let mut fates = fates.into_iter();
        let mut led = 0;
        for now in (0..150_000_u64).step_by(50) {
            for place in 0..speeds.len() {
                cluster.turn(place, now, || fates.next().unwrap_or(PUNCTUAL));
                let leaders = cluster.leaders(now);
                prop_assert!(leaders <= 1, "{} lead at {} ms", leaders, now);
                led += leaders;
            }
        }
        prop_assert!(led > 0, "nobody ever led");
        if fates.next().is_none() && cluster.replicas.iter().all(|replica| replica.stopped_until < 100_000) {
            prop_assert_eq!(cluster.leaders(149_950), 1, "in the end somebody leads");
        }
    }
}
