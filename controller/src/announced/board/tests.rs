//! Pacing: how many looks and writes there are, and when.

use herald_compiler::object::{IpAddressPool, L2Advertisement, ObjectMeta};
use herald_compiler::{Objects, compile};
use serde_json::json;

use super::*;
use crate::watch::Said;

const ROOM: usize = 10;

/// A board with Services and a server that answers a moment later.
struct Desk {
    board: Board,
    services: BTreeMap<ServiceKey, SeenService>,
    config: Config,
    now: Duration,
    /// Under way.
    sent: Vec<ServiceKey>,
    /// All writes, with their time.
    writes: Vec<(Duration, ServiceKey, Look)>,
}

impl Desk {
    fn new() -> Self {
        let meta = |name: &str| ObjectMeta { name: name.into(), ..ObjectMeta::default() };
        let pool = IpAddressPool {
            meta: meta("p"),
            addresses: vec!["10.0.0.0/8".into()],
            auto_assign: true,
            ..IpAddressPool::default()
        };
        let advertisement = L2Advertisement { meta: meta("all"), ..L2Advertisement::default() };
        let objects = Objects { pools: vec![pool], l2_advertisements: vec![advertisement], ..Objects::default() };
        let mut board = Board::default();
        board.observe(Change::Reset(vec![]), Duration::ZERO);
        board.observe_routes(Change::Reset(vec![]), Duration::ZERO);
        Self {
            board,
            services: BTreeMap::new(),
            config: (*compile(&objects).config).clone(),
            now: Duration::from_secs(1000),
            sent: vec![],
            writes: vec![],
        }
    }

    fn add(&mut self, name: &str) -> ServiceKey {
        let service = json!({
            "metadata": {"namespace": "shop", "name": name},
            "spec": {"type": "LoadBalancer"},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
        });
        let seen = SeenService::of(serde_json::from_value(service).unwrap());
        let key = seen.key().clone();
        self.services.insert(key.clone(), seen);
        self.board.touch(&key, self.now);
        key
    }

    fn status(service: &ServiceKey, node: &str) -> SeenReport {
        let said = Said::Announced(node.into());
        SeenReport { name: format!("{service}-{node}").into(), service: service.clone(), said }
    }

    fn announced(&mut self, service: &ServiceKey, node: &str) {
        self.board.observe(Change::Applied(Self::status(service, node)), self.now);
    }

    fn withdrawn(&mut self, service: &ServiceKey, node: &str) {
        self.board.observe(Change::Deleted(Self::status(service, node)), self.now);
    }

    /// Does everything that is due now.
    fn turn(&mut self) {
        self.board.begin(ROOM);
        while let Some(key) = self.board.next(self.now) {
            let Some(seen) = self.services.get_mut(&key) else {
                self.board.forget(&key);
                continue;
            };
            let look = self.board.look(seen, &self.config, self.now);
            match &look {
                Look::Fine => continue,
                Look::Remove => seen.announced = None,
                Look::Write(condition) => seen.announced = Some(condition.clone()),
            }
            self.sent.push(key.clone());
            self.writes.push((self.now, key, look));
        }
    }

    /// Lets time pass as the loop does: sleeps to the deadline, takes a turn; a write takes no time.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..1_000_000 {
            self.turn();
            for key in std::mem::take(&mut self.sent) {
                self.board.done(&key, true, self.now);
            }
            match self.board.deadline() {
                Some(at) if at <= end => self.now = at.max(self.now),
                _ => break,
            }
        }
        self.now = end;
    }

    /// What was written since the last call, as `name: reason`.
    fn said(&mut self) -> Vec<String> {
        let word = |look: &Look| match look {
            Look::Write(condition) => condition.message.split(" with").next().unwrap_or_default().to_owned(),
            other => format!("{other:?}"),
        };
        self.writes.drain(..).map(|(_, key, look)| format!("{}: {}", key.name, word(&look))).collect()
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn an_announcement_is_told_once_and_then_nothing_more() {
    let mut desk = Desk::new();
    let web = desk.add("web");
    desk.announced(&web, "a");
    desk.run(ms(499));
    assert_eq!(desk.said(), [""; 0]);
    desk.run(ms(1));
    assert_eq!(desk.said(), ["web: announced from node \"a\""]);
    desk.run(Duration::from_secs(3600));
    assert_eq!(desk.said(), [""; 0], "nothing is written periodically");
    assert_eq!(desk.board.deadline(), None, "and nobody wakes up");
}

#[test]
fn a_handover_is_one_write_and_flapping_one_a_second() {
    let mut desk = Desk::new();
    let web = desk.add("web");
    desk.announced(&web, "a");
    desk.run(ms(10_000));
    desk.said();
    // The new owner's object comes a little before the old one goes, or after.
    desk.announced(&web, "b");
    desk.run(ms(100));
    desk.withdrawn(&web, "a");
    desk.run(ms(10_000));
    assert_eq!(desk.said(), ["web: announced from node \"b\""]);
    desk.withdrawn(&web, "b");
    desk.run(ms(300));
    desk.announced(&web, "a");
    desk.run(ms(10_000));
    assert_eq!(desk.said(), ["web: announced from node \"a\""]);
    for turn in 0..100 {
        let (here, there) = if turn % 2 == 0 { ("b", "a") } else { ("a", "b") };
        desk.announced(&web, here);
        desk.withdrawn(&web, there);
        desk.run(ms(100));
    }
    assert!(desk.writes.len() <= 10, "{} writes in ten seconds", desk.writes.len());
    let times: Vec<_> = desk.writes.iter().map(|(at, ..)| *at).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= PACE), "{times:?}");
}

#[test]
fn a_failover_of_thousands_is_a_trickle() {
    let mut desk = Desk::new();
    let all: Vec<_> = (0..5000).map(|number| desk.add(&format!("s{number}"))).collect();
    for service in &all {
        desk.announced(service, "a");
    }
    let began = desk.now;
    desk.run(Duration::from_secs(200));
    assert_eq!(desk.writes.len(), 5000);
    for second in 0..200 {
        let from = began + Duration::from_secs(second);
        let count = desk.writes.iter().filter(|(at, ..)| *at >= from && *at < from + PACE).count();
        assert!(count <= 61, "{count} writes in second {second}");
    }
    assert!(desk.writes.last().unwrap().0 - began < Duration::from_secs(105));
}

#[test]
fn no_more_than_the_room_are_under_way_and_the_rest_goes_on_later() {
    let mut desk = Desk::new();
    for number in 0..50 {
        let service = desk.add(&format!("s{number}"));
        desk.announced(&service, "a");
    }
    for _ in 0..100 {
        desk.now += ms(100);
        desk.turn();
    }
    assert_eq!((desk.sent.len(), desk.board.busy()), (ROOM, ROOM));
    assert_eq!(desk.board.deadline(), None, "only a write that ends brings something to do");
    let first = desk.sent.remove(0);
    desk.board.done(&first, false, desk.now);
    desk.turn();
    assert_eq!(desk.sent.len(), ROOM);
    desk.run(Duration::from_secs(60));
    assert_eq!(desk.services.values().filter(|seen| seen.announced.is_none()).count(), 0);
}

#[test]
fn silence_is_told_after_a_while_and_ends_with_the_first_word() {
    let mut desk = Desk::new();
    let web = desk.add("web");
    desk.run(ms(10_400));
    assert_eq!(desk.said(), [""; 0]);
    desk.run(ms(200));
    assert_eq!(desk.said().len(), 1);
    assert_eq!(desk.services[&web].announced.as_ref().unwrap().reason, "NotYetReported");
    desk.board.touch(&web, desk.now);
    desk.run(Duration::from_secs(3600));
    assert_eq!(desk.said(), [""; 0]);
    desk.announced(&web, "a");
    desk.run(ms(1000));
    assert_eq!(desk.said(), ["web: announced from node \"a\""]);
    // From an announcement to silence it takes as long again.
    desk.withdrawn(&web, "a");
    desk.run(ms(10_400));
    assert_eq!(desk.said(), [""; 0]);
    desk.run(ms(200));
    assert_eq!(desk.said().len(), 1);
}

#[test]
fn without_an_address_the_condition_is_taken_away() {
    let mut desk = Desk::new();
    let web = desk.add("web");
    desk.announced(&web, "a");
    desk.run(ms(5000));
    desk.said();
    desk.services.get_mut(&web).unwrap().request.shown.clear();
    desk.board.touch(&web, desk.now);
    desk.run(ms(5000));
    assert_eq!(desk.said(), ["web: Remove"]);
}

#[test]
fn a_service_that_is_gone_leaves_nothing() {
    let mut desk = Desk::new();
    let web = desk.add("web");
    desk.run(ms(2000));
    desk.services.remove(&web);
    desk.board.forget(&web);
    desk.run(Duration::from_secs(60));
    assert_eq!(desk.said(), [""; 0]);
    let Board { order, at, paced, silent, busy, .. } = desk.board;
    assert!(order.is_empty() && at.is_empty() && paced.is_empty() && silent.is_empty() && busy.is_empty());
}

#[test]
fn nothing_is_said_before_the_speakers_words_were_listed() {
    let mut desk = Desk::new();
    desk.board = Board::default();
    desk.add("web");
    desk.run(Duration::from_secs(60));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.board.deadline(), None);
}
