use herald_runtime::events::EventSink;
use tokio::sync::mpsc;

use super::super::crowd;
use super::*;

const START: Duration = Duration::from_secs(100);

/// A desk, and the API behind it.
struct Story {
    desk: Desk,
    events: EventSink,
    told: mpsc::Receiver<Notice>,
    now: Duration,
    /// ServiceBGPStatus objects of all nodes.
    objects: usize,
    /// Writes of routes: the Service, and how many peers it was said to have.
    writes: Vec<(String, usize)>,
    l2: usize,
    counts: usize,
}

fn peers(names: &[&str]) -> Peers {
    Arc::new(names.iter().map(|name| (*name).to_owned()).collect())
}

fn key(number: usize) -> ServiceKey {
    ServiceKey::new("n", &format!("s{number}"))
}

impl Story {
    /// A speaker that has found what a predecessor said of so many Services.
    fn new(mode: ServiceBgpStatus, found: usize, had: &[&str]) -> Self {
        let (events, told) = EventSink::pair();
        let mut desk = Desk::new("a".to_owned(), mode);
        let found: Vec<_> = (0..found).map(|number| (key(number), Some(peers(had)))).collect();
        let objects = found.len();
        desk.done(Done::FoundRoutes(found), START);
        desk.done(Done::FoundL2(Vec::new()), START);
        desk.done(Done::FoundSessions(Vec::new()), START);
        desk.take(Report::Settled, &events, START);
        Self { desk, events, told, now: START, objects, writes: Vec::new(), l2: 0, counts: 0 }
    }

    /// Peers have the routes of so many Services.
    fn have(&mut self, services: usize, names: Option<&[&str]>) {
        for number in 0..services {
            let (service, uid) = (key(number), String::new());
            self.desk.take(Report::Routes { service, uid, peers: names.map(peers) }, &self.events, self.now);
        }
    }

    /// Time passes; ten things are done a second.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(100);
            match self.desk.next(self.now) {
                Some(Job::Routes(write, exists)) => {
                    match &write {
                        Write::Set(service, peers) => {
                            self.objects += usize::from(!exists);
                            self.writes.push((service.name().to_owned(), peers.len()));
                        }
                        Write::Remove(service) => {
                            self.objects -= 1;
                            self.writes.push((service.name().to_owned(), 0));
                        }
                    }
                    self.desk.done(Done::Routes(write, true), self.now);
                }
                Some(Job::L2(write)) => {
                    self.l2 += 1;
                    self.desk.done(Done::L2(write, true), self.now);
                }
                Some(Job::Count) => {
                    self.counts += 1;
                    self.desk.done(Done::Counted(Some(self.objects)), self.now);
                }
                Some(job) => panic!("{job:?}"),
                None => {}
            }
        }
    }

    fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn notices(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.told.try_recv().ok()).map(|notice| notice.note).collect()
    }
}

#[test]
fn a_restart_of_the_speaker_writes_nothing_if_its_sessions_come_back() {
    let mut story = Story::new(ServiceBgpStatus::Auto, 1000, &["a", "b"]);
    story.have(1000, Some(&[]));
    story.seconds(1);
    story.have(1000, Some(&["a"]));
    story.seconds(25);
    story.have(1000, Some(&["a", "b"]));
    story.seconds(600);
    assert_eq!(story.writes, []);
    assert_eq!(story.counts, 0);
    assert_eq!(story.notices(), [""; 0], "a restart assigns nothing");
}

#[test]
fn a_restart_after_which_a_session_is_missing_is_one_write_for_each_service() {
    let mut story = Story::new(ServiceBgpStatus::Auto, 200, &["a", "b"]);
    story.have(200, Some(&[]));
    story.seconds(1);
    story.have(200, Some(&["a"]));
    story.seconds(28);
    assert_eq!(story.writes, []);
    story.seconds(60);
    assert_eq!(story.writes.len(), 200);
    assert!(story.writes.iter().all(|(_, count)| *count == 1));
}

#[test]
fn before_the_routes_are_known_nothing_of_a_predecessors_is_removed() {
    let mut story = Story::new(ServiceBgpStatus::Auto, 3, &["a"]);
    story.seconds(29);
    story.have(1, Some(&["a"]));
    story.have(2, Some(&["a"]));
    story.seconds(30);
    assert_eq!(story.writes, [("s2".to_owned(), 0)], "this one is not announced any more");
}

#[test]
fn a_router_that_restarts_costs_nothing_and_one_that_is_lost_one_write() {
    let mut story = Story::new(ServiceBgpStatus::On, 0, &[]);
    story.have(20, Some(&[]));
    story.seconds(20);
    story.have(20, Some(&["a"]));
    story.pass(Duration::from_millis(300));
    story.have(20, Some(&["a", "b"]));
    story.seconds(10);
    assert_eq!(story.writes.len(), 20, "both came up in one write");
    story.have(20, Some(&["b"]));
    story.seconds(9);
    story.have(20, Some(&["a", "b"]));
    story.seconds(60);
    assert_eq!(story.writes.len(), 20, "it was back in time");
    story.have(20, Some(&["b"]));
    story.seconds(5);
    story.have(20, Some(&[]));
    story.seconds(4);
    assert_eq!(story.writes.len(), 20);
    story.seconds(60);
    assert_eq!(story.writes.len(), 40);
    assert!(story.writes.iter().skip(20).all(|(_, count)| *count == 0));
    let notices = story.notices();
    assert_eq!(notices.len(), 20);
    assert_eq!(notices[0], "announcing from node \"a\" with protocol \"bgp\"");
    story.have(20, Some(&["a"]));
    assert_eq!(story.notices(), [""; 0], "a session that is back assigns nothing");
    story.have(20, None);
    story.have(1, Some(&["a"]));
    assert_eq!(story.notices().len(), 1, "announced anew");
}

#[test]
fn what_is_not_announced_any_more_is_removed_at_once() {
    let mut story = Story::new(ServiceBgpStatus::On, 0, &[]);
    story.have(1, Some(&["a"]));
    story.seconds(2);
    story.have(1, None);
    story.pass(Duration::from_millis(200));
    assert_eq!(story.writes, [("s0".to_owned(), 1), ("s0".to_owned(), 0)]);
}

#[test]
fn auto_stops_at_its_limit_says_so_and_goes_on_when_there_is_room() {
    let mut story = Story::new(ServiceBgpStatus::Auto, 0, &[]);
    story.objects = crowd::LIMIT - 15;
    story.have(20, Some(&["a"]));
    story.seconds(30);
    assert_eq!(story.writes.len(), 15);
    assert!(story.desk.is_crowded());
    let counts = story.counts;
    story.seconds(120);
    assert_eq!(story.writes.len(), 15);
    assert!((1..=3).contains(&(story.counts - counts)), "{} questions", story.counts - counts);
    // Those that exist are kept up to date.
    story.have(20, Some(&["a", "b"]));
    story.seconds(3);
    assert_eq!(story.writes.len(), 30);
    story.objects -= 1000;
    story.seconds(90);
    assert_eq!(story.writes.len(), 35);
    assert!(!story.desk.is_crowded());
}

#[test]
fn who_no_longer_waits_for_room_crowds_nobody() {
    let mut story = Story::new(ServiceBgpStatus::Auto, 0, &[]);
    story.objects = crowd::LIMIT;
    story.have(5, Some(&["a"]));
    story.seconds(5);
    assert!(story.desk.is_crowded());
    story.have(5, Some(&[]));
    assert!(!story.desk.is_crowded());
}

#[test]
fn off_removes_what_was_there_and_tells_events_all_the_same() {
    let mut story = Story::new(ServiceBgpStatus::Off, 5, &["a"]);
    story.have(10, Some(&["a"]));
    story.seconds(10);
    assert_eq!(story.writes.len(), 5);
    assert_eq!(story.objects, 0);
    assert_eq!(story.notices().len(), 5, "the others were told by the predecessor");
}

#[test]
fn layer_2_and_routes_take_turns() {
    let mut story = Story::new(ServiceBgpStatus::On, 0, &[]);
    story.have(100, Some(&["a"]));
    for number in 0..100 {
        let said = Some(Said::Announced { interfaces: BTreeSet::new(), conflict: None });
        let report = Report::Service { service: key(number), uid: String::new(), said, newly: false };
        story.desk.take(report, &story.events, START);
    }
    story.seconds(2);
    let (first, routes) = (story.l2, story.writes.len());
    assert!((14..=16).contains(&first) && routes >= 4, "{first} and {routes}");
    story.seconds(4);
    assert_eq!((story.l2 - first, story.writes.len() - routes), (20, 20));
}

#[test]
fn a_kind_that_cannot_be_listed_holds_up_no_other() {
    let (events, _told) = EventSink::pair();
    let mut desk = Desk::new("a".to_owned(), ServiceBgpStatus::Auto);
    desk.take(Report::Settled, &events, START);
    let said = Some(Said::Announced { interfaces: BTreeSet::new(), conflict: None });
    desk.take(Report::Service { service: key(0), uid: String::new(), said, newly: false }, &events, START);
    desk.take(Report::Routes { service: key(0), uid: String::new(), peers: Some(peers(&["a"])) }, &events, START);
    let mut done = Vec::new();
    for step in 0..100 {
        let now = START + Duration::from_millis(100 * step);
        match desk.next(now) {
            Some(Job::List(Kind::L2)) => drop(desk.done(Done::FoundL2(Vec::new()), now)),
            Some(Job::List(kind)) => drop(desk.done(Done::NotListed(kind), now)),
            Some(Job::L2(write)) => {
                done.push(now);
                desk.done(Done::L2(write, true), now);
            }
            Some(job) => panic!("{job:?}"),
            None => {}
        }
    }
    assert_eq!(done.len(), 1);
    assert!(done[0] < START + Duration::from_secs(1));
}
