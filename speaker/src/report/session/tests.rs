use super::super::ledger::{Ledger, Write};
use super::super::object::OwnNode;
use super::super::session_state::SessionStates;
use super::super::writer::Kind;
use super::*;
use herald_bgp::state::DownReason;
use serde_json::{Value, json};

const START: Duration = Duration::from_secs(100);

fn at(seconds: u64) -> Duration {
    START + Duration::from_secs(seconds)
}

fn seen(status: Result<Status, String>) -> SessionSeen {
    SessionSeen { address: "192.0.2.1".to_owned(), port: 179, vrf: None, own_as: 64512, status, doubt: None }
}

fn up(since: i64) -> Status {
    let established_at = Some(Timestamp::new(since, 987).unwrap());
    Status { state: State::Established, established_at, sent: [5, 7], desired: 13, ..Status::default() }
}

fn down(error: &str) -> Status {
    Status { last_error: Some(error.to_owned()), ..Status::default() }
}

#[derive(Default)]
struct Story {
    ledger: Ledger<String, SessionSaid>,
    writes: Vec<(u64, &'static str)>,
}

impl Story {
    fn new() -> Self {
        let mut story = Self::default();
        story.ledger.settle(START);
        story
    }

    fn says(&mut self, second: u64, status: Status) {
        self.run(second);
        let said = SessionSaid::of(&seen(Ok(status)));
        self.ledger.set(&"router".to_owned(), Some(said), at(second));
        self.run(second);
    }

    /// Writes whatever is due.
    fn run(&mut self, second: u64) {
        while let Some(write) = self.ledger.next_write(at(second)) {
            if let Write::Set(_, said) = &write {
                self.writes.push((second, said.state.as_str()));
            }
            self.ledger.written(write, at(second));
        }
    }
}

#[test]
fn a_session_that_comes_up_is_one_write_and_its_prefixes_one_in_half_a_minute() {
    let mut story = Story::new();
    story.says(0, Status::default());
    story.says(1, up(50));
    for second in 2..=31 {
        let count = usize::try_from(second).unwrap();
        story.says(second, Status { sent: [count, 0], ..up(50) });
    }
    assert_eq!(story.writes, [(1, "Established"), (31, "Established")]);
}

#[test]
fn a_flapping_session_is_written_every_few_seconds() {
    let mut story = Story::new();
    for second in 0..60 {
        let status = if second % 2 == 0 { up(i64::try_from(second).unwrap()) } else { down("hold timer expired") };
        story.says(second, status);
    }
    let pauses = story.writes.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(pauses.clone().all(|pause| pause >= 5), "{:?}", story.writes);
    assert!(story.writes.len() > 5, "it is told that it flaps: {:?}", story.writes);
}

#[test]
fn a_router_that_is_down_costs_nothing() {
    let mut story = Story::new();
    story.says(0, up(50));
    story.says(100, down("hold timer expired"));
    for second in 101..1000 {
        let state = [State::Idle, State::Connect, State::Active][usize::try_from(second % 3).unwrap()];
        story.says(second, Status { state, ..down("cannot connect: connection refused") });
    }
    story.says(1000, up(1000));
    let written: Vec<_> = story.writes.iter().map(|(_, state)| *state).collect();
    // Lost; then why it does not come back.
    assert!(written.len() <= 4 && written.starts_with(&["Established", "Active"]), "{:?}", story.writes);
    assert_eq!(story.writes.last(), Some(&(1000, "Established")));
    assert_eq!(story.writes.get(1).map(|(second, _)| *second), Some(102));
}

#[test]
fn what_a_predecessor_said_of_a_session_is_changed_once_when_it_is_back() {
    let mut story = Story::new();
    let before = SessionSaid::of(&seen(Ok(up(50))));
    story.ledger.adopt([("router".to_owned(), Some(before)), ("gone".to_owned(), None)]);
    story.says(0, Status::default());
    story.says(1, up(150));
    story.run(40);
    assert_eq!(story.writes, [(1, "Established")]);
    assert!(!story.ledger.holds(&"gone".to_owned()));
}

#[test]
fn what_is_written_over_anything_reads_back_as_said() {
    let mut without = up(50);
    without.without_next_hop.insert(Family::Ipv6);
    without.unsendable = Some("too many communities".to_owned());
    without.received = None;
    let mut in_vrf = seen(Ok(up(60)));
    in_vrf.vrf = Some("red".to_owned());
    in_vrf.doubt = Some("its Secret is gone".to_owned());
    let all = [seen(Ok(without)), seen(Ok(down("peer says: bad peer AS"))), in_vrf, seen(Err("no Secret".to_owned()))];
    let mut status = json!({});
    for seen in all.iter().chain(all.iter().rev()) {
        let said = SessionSaid::of(seen);
        let patch = SessionStates::patch("a", &"router".to_owned(), &said, Timestamp::UNIX_EPOCH);
        merge(&mut status, &patch["status"]);
        let object = json!({"metadata": {"name": "x"}, "spec": {}, "status": status});
        let object = serde_json::from_value(object).unwrap();
        assert_eq!(SessionStates::read(object), Some(("router".to_owned(), Some(said))));
    }
    assert_eq!(status["bgpStatus"], "Established");
}

/// As RFC 7396 says.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        match value {
            Value::Null => drop(target.as_object_mut().unwrap().remove(name)),
            value => merge(&mut target[name], value),
        }
    }
}

#[test]
fn who_is_told_that_our_as_is_wrong_is_told_who_we_are() {
    let notification = herald_bgp::packet::Notification { code: 2, subcode: 2, data: Vec::new() };
    let said = |reason: DownReason| SessionSaid::of(&seen(Ok(down(&reason.to_string())))).last_error.unwrap();
    assert_eq!(said(DownReason::Received(notification.clone())), "peer says: bad peer AS (we are 64512)");
    assert_eq!(said(DownReason::Sent(notification)), "we say: bad peer AS");
}

#[test]
fn a_peers_words_are_bounded_and_names_differ_by_node_and_peer() {
    let said = SessionSaid::of(&seen(Ok(down(&"x".repeat(100_000)))));
    assert_eq!(said.last_error.map(|error| error.len()), Some(WORDS_MAX));
    let (_, receiver) = tokio::sync::watch::channel(None);
    let node = |name: &str| OwnNode { name: name.to_owned(), seen: receiver.clone() };
    let names = [("a", "b"), ("b", "a"), ("a-b", "c"), ("a", "b-c")];
    let names = names.map(|(name, peer)| SessionStates::name(&node(name), &peer.to_owned()));
    let distinct: std::collections::BTreeSet<_> = names.iter().map(String::as_str).collect();
    assert_eq!(distinct.len(), 4);
}
